-- An edition is one version of a file; a file has at most one staged and one published. The data of a removed one is
-- deleted in steps. Numbers of editions are never used again, so caches of other processes stay right.
CREATE TABLE search.editions (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file bigint NOT NULL,
    store bigint NOT NULL,
    owner text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    space text COLLATE "C",
    state text COLLATE "C" NOT NULL DEFAULT 'staged' CHECK (state IN ('staged', 'published', 'removed')),
    chunks integer NOT NULL DEFAULT 0,
    words bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE UNIQUE INDEX editions_staged ON search.editions (file) WHERE state = 'staged';
CREATE UNIQUE INDEX editions_published ON search.editions (file) WHERE state = 'published';
CREATE INDEX editions_by_store ON search.editions (store, owner, file) WHERE state = 'published';
CREATE INDEX editions_removed ON search.editions (file) WHERE state = 'removed';

-- The texts are bytes of UTF-8: type text cannot contain NUL characters.
CREATE TABLE search.chunks (
    edition bigint NOT NULL,
    position integer NOT NULL,
    text bytea NOT NULL,
    start integer NOT NULL,
    "end" integer NOT NULL,
    first_line integer NOT NULL,
    last_line integer NOT NULL,
    first_page integer,
    last_page integer,
    header bytea NOT NULL,
    PRIMARY KEY (edition, position)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- The chunks of an edition that contain a word. A part is a group of chunks that were staged together, named by its
-- first position. An occurrence is position << 32 | frequency << 16 | words of the chunk.
CREATE TABLE search.postings (
    store bigint NOT NULL,
    edition bigint NOT NULL,
    part integer NOT NULL,
    word text COLLATE "C" NOT NULL,
    occurrences bigint[] NOT NULL,
    PRIMARY KEY (store, word, edition, part)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX postings_by_edition ON search.postings (edition, part);

-- Unit vectors of a part, 32-bit floating-point numbers with the least significant byte first, one after the other.
CREATE TABLE search.vectors (
    edition bigint NOT NULL,
    part integer NOT NULL,
    positions integer[] NOT NULL,
    vectors bytea NOT NULL,
    PRIMARY KEY (edition, part)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE search.vectors ALTER COLUMN vectors SET STORAGE EXTERNAL;
