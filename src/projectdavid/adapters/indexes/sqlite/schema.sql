-- An edition is one version of a file, staged or published; a file has at most one of each. The number of a chunk is
-- that of its edition, shifted left by 32 bits, plus its position, so it identifies the edition without a lookup.
CREATE TABLE editions (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    file INTEGER NOT NULL,
    store INTEGER NOT NULL,
    owner TEXT NOT NULL,
    version TEXT NOT NULL,
    space TEXT,
    chunks INTEGER NOT NULL DEFAULT 0,
    published INTEGER NOT NULL DEFAULT 0,
    UNIQUE (file, published)
) STRICT;
CREATE INDEX editions_by_store ON editions (owner, store, published);

CREATE TABLE chunks (
    n INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    first_line INTEGER NOT NULL,
    last_line INTEGER NOT NULL,
    first_page INTEGER,
    last_page INTEGER
) STRICT;

-- In a separate table, so the vectors of a store are read without the texts.
CREATE TABLE vectors (
    n INTEGER PRIMARY KEY,
    vector BLOB NOT NULL
) STRICT;

-- `scope` contains the word of the store, which limits a search before ranking, and has weight 0 in the rank.
CREATE VIRTUAL TABLE words USING fts5 (
    scope, text, content = '', contentless_delete = 1, tokenize = 'porter unicode61 remove_diacritics 2'
);

-- The number of chunks that contain each word.
CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, 'row');
