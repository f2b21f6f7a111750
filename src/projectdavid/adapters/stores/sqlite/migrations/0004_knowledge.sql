-- Vector stores. Clients of the Project David wire choose ids themselves, so that one is an owner's own. `vectors` is a JSON
-- object `{size, distance, collection}` where the owner brings the vectors; NULL: the server embeds. `expires_days` count
-- from `last_active_at`; one that has expired keeps its row, and loses its files.
CREATE TABLE vector_stores (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT,
    description TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_active_at INTEGER NOT NULL,
    expires_days INTEGER,
    expired_at INTEGER,
    meta_data TEXT NOT NULL,
    vectors TEXT,
    UNIQUE (owner, id)
) STRICT;
CREATE INDEX vector_stores_by_owner ON vector_stores (owner, n);
CREATE INDEX vector_stores_to_expire ON vector_stores (last_active_at + expires_days * 86400)
WHERE expires_days IS NOT NULL AND expired_at IS NULL;

-- The files of a store. Rows in progress, and those that are `stale` (found, but to be read anew), are the queue of the
-- ingest. `status` is in_progress, completed, failed or cancelled. `version` names what its chunks were made from and how,
-- `space` what their vectors can be compared with; both are those of what is found now. `done` of `total` chunks are read.
-- `next_at` is when it may be tried (again). `given` is a JSON array of what the owner said of each chunk, where they
-- brought the vectors.
CREATE TABLE vector_store_files (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    store INTEGER NOT NULL REFERENCES vector_stores (n) ON DELETE CASCADE,
    file_id TEXT NOT NULL,
    name TEXT NOT NULL,
    path TEXT,
    status TEXT NOT NULL,
    error_code TEXT,
    error TEXT,
    attributes TEXT NOT NULL DEFAULT '{}',
    chunk_tokens INTEGER NOT NULL,
    overlap_tokens INTEGER NOT NULL,
    version TEXT,
    space TEXT,
    chunks INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL DEFAULT 0,
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    lease TEXT,
    lease_until REAL,
    next_at REAL NOT NULL DEFAULT 0,
    stale INTEGER NOT NULL DEFAULT 0,
    given TEXT,
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    UNIQUE (store, file_id)
) STRICT;
CREATE INDEX vector_store_files_by_store ON vector_store_files (store, n);
CREATE INDEX vector_store_files_by_file ON vector_store_files (file_id);
CREATE INDEX vector_store_files_to_ingest ON vector_store_files (stale, n) WHERE status = 'in_progress' OR stale = 1;

CREATE INDEX vector_store_files_by_status ON vector_store_files (store, status, size);
CREATE INDEX vector_store_files_held ON vector_store_files (lease) WHERE lease IS NOT NULL;
CREATE VIEW vector_store_counts AS
SELECT
    n AS store,
    (SELECT count(*) FROM vector_store_files WHERE store = s.n AND status = 'in_progress') AS in_progress,
    (SELECT count(*) FROM vector_store_files WHERE store = s.n AND status = 'completed') AS completed,
    (SELECT count(*) FROM vector_store_files WHERE store = s.n AND status = 'failed') AS failed,
    (SELECT count(*) FROM vector_store_files WHERE store = s.n AND status = 'cancelled') AS cancelled,
    (SELECT COALESCE(sum(size), 0) FROM vector_store_files WHERE store = s.n) AS size
FROM vector_stores AS s;

CREATE TABLE file_batches (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    store INTEGER NOT NULL REFERENCES vector_stores (n) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    cancelled_at INTEGER
) STRICT;
CREATE INDEX file_batches_by_store ON file_batches (store, n);
CREATE TABLE batch_files (
    batch INTEGER NOT NULL REFERENCES file_batches (n) ON DELETE CASCADE,
    file INTEGER NOT NULL REFERENCES vector_store_files (n) ON DELETE CASCADE,
    PRIMARY KEY (batch, file)
) STRICT, WITHOUT ROWID;
CREATE INDEX batch_files_by_file ON batch_files (file);

-- What the index has still to forget.
CREATE TABLE index_removals (file INTEGER PRIMARY KEY) STRICT;
CREATE TRIGGER vector_store_files_leave AFTER DELETE ON vector_store_files BEGIN
    INSERT INTO index_removals (file) VALUES (old.n);
END;

-- Files that come in parts. `status` is pending, completed or cancelled; `file_id` is what a completed one became.
CREATE TABLE uploads (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    purpose TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    expires_after INTEGER,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    file_id TEXT
) STRICT;
CREATE INDEX uploads_by_owner ON uploads (owner, n);
CREATE INDEX uploads_to_expire ON uploads (expires_at) WHERE status = 'pending';
CREATE TABLE upload_parts (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    upload INTEGER NOT NULL REFERENCES uploads (n) ON DELETE CASCADE,
    size INTEGER NOT NULL,
    blob TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX upload_parts_by_upload ON upload_parts (upload, n);

-- Pages that were read for an owner, as text.
CREATE TABLE pages (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    read_at REAL NOT NULL,
    final_url TEXT NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (owner, url)
) STRICT;
CREATE INDEX pages_by_age ON pages (read_at);

-- A JSON array of what a message cites.
ALTER TABLE messages ADD COLUMN annotations TEXT;
