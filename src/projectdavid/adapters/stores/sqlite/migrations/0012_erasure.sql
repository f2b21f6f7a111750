-- Deleting happens in two steps. The first hides the rows: a user is marked as erased; a thread, run, assistant or vector
-- store moves to the reserved owner 'erased', whom no key belongs to. The second deletes everything below erased users,
-- children first and a few rows at a time.
ALTER TABLE users ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;
CREATE INDEX users_erased ON users (n) WHERE erased = 1;

-- Open runs of erased objects: no worker may continue them, and the stream of each ends.
CREATE INDEX runs_erased ON runs (n) WHERE status = 'erased';
-- Finds the runs of a deleted assistant, whose configurations are erased.
CREATE INDEX runs_by_assistant ON runs (assistant_id, config);
-- Finds the deliveries of a deleted assistant.
CREATE INDEX deliveries_by_assistant ON deliveries (assistant_id);

CREATE TRIGGER users_erase AFTER UPDATE OF erased ON users WHEN new.erased = 1 BEGIN
    DELETE FROM api_keys WHERE owner = new.id;
    UPDATE runs
    SET status = 'erased', version = version + 1, lease = NULL, lease_until = NULL, parked = 0, action_expires_at = NULL
    WHERE owner = new.id AND status IN ('pending', 'queued', 'in_progress', 'requires_action', 'cancelling');
END;

-- The reserved owner exists only while something belongs to it.
CREATE TRIGGER threads_erase BEFORE UPDATE OF owner ON threads BEGIN
    INSERT OR IGNORE INTO users (id, is_admin, created_at, updated_at, body, erased) VALUES ('erased', 0, 0, 0, '{}', 1);
END;
CREATE TRIGGER runs_erase BEFORE UPDATE OF owner ON runs BEGIN
    INSERT OR IGNORE INTO users (id, is_admin, created_at, updated_at, body, erased) VALUES ('erased', 0, 0, 0, '{}', 1);
END;
CREATE TRIGGER assistants_erase BEFORE UPDATE OF owner ON assistants BEGIN
    INSERT OR IGNORE INTO users (id, is_admin, created_at, updated_at, body, erased) VALUES ('erased', 0, 0, 0, '{}', 1);
END;
CREATE TRIGGER vector_stores_erase BEFORE UPDATE OF owner ON vector_stores BEGIN
    INSERT OR IGNORE INTO users (id, is_admin, created_at, updated_at, body, erased) VALUES ('erased', 0, 0, 0, '{}', 1);
END;

-- Ids of erased objects: the stored answers to idempotent requests that contain one are erased, too.
CREATE TABLE erased_ids (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id TEXT NOT NULL
) STRICT;
CREATE INDEX erased_ids_by_owner ON erased_ids (owner);
CREATE TRIGGER threads_erased AFTER UPDATE OF owner ON threads BEGIN
    UPDATE runs
    SET status = 'erased', version = version + 1, lease = NULL, lease_until = NULL, parked = 0, action_expires_at = NULL
    WHERE thread = new.n AND status IN ('pending', 'queued', 'in_progress', 'requires_action', 'cancelling');
    INSERT INTO erased_ids (owner, id) VALUES (old.owner, old.id);
    UPDATE storage_used SET amount = amount - 1 WHERE owner = old.owner AND kind = 'threads';
END;
CREATE TRIGGER runs_moved AFTER UPDATE OF owner ON runs BEGIN
    INSERT INTO erased_ids (owner, id) VALUES (old.owner, old.id);
END;
CREATE TRIGGER assistants_moved AFTER UPDATE OF owner ON assistants BEGIN
    INSERT INTO erased_ids (owner, id) VALUES (old.owner, old.id);
    UPDATE storage_used SET amount = amount - 1 WHERE owner = old.owner AND kind = 'assistants';
END;
CREATE TRIGGER vector_stores_moved AFTER UPDATE OF owner ON vector_stores BEGIN
    INSERT INTO erased_ids (owner, id) VALUES (old.owner, old.id);
    UPDATE storage_used SET amount = amount - 1 WHERE owner = old.owner AND kind = 'vector_stores';
    UPDATE storage_used
    SET amount = amount - (SELECT coalesce(sum(size), 0) FROM vector_store_files WHERE store = new.n)
    WHERE owner = old.owner AND kind = 'vector_store_bytes';
END;

-- Bytes whose row is gone: deleted at once, also after a crash, and never taken for orphans.
CREATE TABLE blob_removals (blob TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TRIGGER files_leave_blob AFTER DELETE ON files BEGIN
    INSERT OR IGNORE INTO blob_removals (blob) VALUES (old.blob);
END;
CREATE TRIGGER upload_parts_leave_blob AFTER DELETE ON upload_parts BEGIN
    INSERT OR IGNORE INTO blob_removals (blob) VALUES (old.blob);
END;

-- A configuration goes with the last run that has it.
DELETE FROM configs WHERE n NOT IN (SELECT config FROM runs);
CREATE TRIGGER runs_leave_config AFTER DELETE ON runs BEGIN
    DELETE FROM configs WHERE n = old.config AND NOT EXISTS (SELECT 1 FROM runs WHERE config = old.config);
END;
CREATE TRIGGER runs_change_config AFTER UPDATE OF config ON runs BEGIN
    DELETE FROM configs WHERE n = old.config AND NOT EXISTS (SELECT 1 FROM runs WHERE config = old.config);
END;

-- Vector stores that expired, whose files are deleted a few at a time.
CREATE INDEX vector_stores_expired ON vector_stores (n) WHERE expired_at IS NOT NULL;

-- Erasures of users: what each deleted, by kind. `user` is forgotten when it is done.
CREATE TABLE erasures (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    user TEXT,
    requested_at INTEGER NOT NULL,
    done_at INTEGER,
    deleted TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE UNIQUE INDEX erasures_open ON erasures (user) WHERE user IS NOT NULL;

-- Runs that are there for their owner: not those of a deleted thread, which keep their owner until they are deleted.
CREATE VIEW live_runs AS
SELECT r.* FROM runs AS r JOIN threads AS t ON t.n = r.thread AND t.owner = r.owner WHERE r.status <> 'erased';
DROP VIEW steps;
CREATE VIEW steps AS
SELECT
    r.id AS run_id, r.owner, 2 * m.turn AS place, 'step_' || substr(m.id, 5) AS id, m.turn, m.created_at,
    m.id AS message_id, m.reason, m.usage
FROM live_runs AS r JOIN messages AS m ON m.thread = r.thread AND m.run_id = r.id
WHERE m.role = 'assistant' AND m.content <> '""' AND m.turn IS NOT NULL
UNION ALL
SELECT
    r.id, r.owner, 2 * c.turn + 1, 'step_' || substr(c.action_id, 5), c.turn, c.created_at, NULL, NULL,
    (
        SELECT m.usage FROM messages AS m
        WHERE m.thread = r.thread AND m.run_id = r.id AND m.turn = c.turn AND m.role = 'assistant' AND m.content = '""'
    )
FROM live_runs AS r JOIN tool_calls AS c ON c.run = r.n
WHERE c.position = 0;
