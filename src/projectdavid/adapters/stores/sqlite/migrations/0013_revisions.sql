-- The revision of what users can change about an object: each change is written under a check of it, and adds one. It is not
-- `version`, which counts the decisions about a run, and names what the chunks of a file were made from.
ALTER TABLE users ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE assistants RENAME COLUMN version TO revision;
ALTER TABLE threads ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE messages ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE runs ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE vector_stores ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE vector_store_files ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;

-- All of them by kind and number, for requests that apply to one revision only (`If-Match`).
CREATE VIEW revisions AS
SELECT 'user' AS kind, n, id AS owner, revision FROM users
UNION ALL
SELECT 'assistant', n, owner, revision FROM assistants
UNION ALL
SELECT 'thread', n, owner, revision FROM threads
UNION ALL
SELECT 'message', m.n, t.owner, m.revision FROM messages AS m JOIN threads AS t ON t.n = m.thread
UNION ALL
SELECT 'run', n, owner, revision FROM runs
UNION ALL
SELECT 'vector_store', n, owner, revision FROM vector_stores
UNION ALL
SELECT 'vector_store_file', v.n, s.owner, v.revision FROM vector_store_files AS v JOIN vector_stores AS s ON s.n = v.store;

-- Tickets of terminals that opened a connection, until they expire: each opens one.
CREATE TABLE used_tickets (
    id TEXT PRIMARY KEY,
    expires_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
