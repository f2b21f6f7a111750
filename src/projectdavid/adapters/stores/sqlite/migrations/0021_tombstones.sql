-- Where deleted objects stood in their lists, so that a list continues although the object of its cursor is gone. `scope` is
-- the number of the thread, run or vector store whose list it is; 0: a list of the owner. Nothing is kept of an erased user.
CREATE TABLE tombstones (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    scope INTEGER NOT NULL DEFAULT 0,
    position INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL DEFAULT (unixepoch()),
    UNIQUE (owner, kind, id, scope)
) STRICT;

-- Objects that are hidden first leave a tombstone then.
CREATE TRIGGER assistants_bury AFTER UPDATE OF owner ON assistants BEGIN
    INSERT OR REPLACE INTO tombstones (owner, kind, id, position) VALUES (old.owner, 'assistant', old.id, old.n);
END;
CREATE TRIGGER threads_bury AFTER UPDATE OF owner ON threads BEGIN
    INSERT OR REPLACE INTO tombstones (owner, kind, id, position) VALUES (old.owner, 'thread', old.id, old.n);
END;
CREATE TRIGGER vector_stores_bury AFTER UPDATE OF owner ON vector_stores BEGIN
    INSERT OR REPLACE INTO tombstones (owner, kind, id, position) VALUES (old.owner, 'vector_store', old.id, old.n);
END;
CREATE TRIGGER runs_bury AFTER UPDATE OF owner ON runs BEGIN
    INSERT OR REPLACE INTO tombstones (owner, kind, id, scope, position)
    VALUES (old.owner, 'run', old.id, old.thread, old.n);
END;
-- The runs of a deleted thread keep their owner until they are deleted.
CREATE TRIGGER runs_leave_tombstone AFTER DELETE ON runs BEGIN
    INSERT OR REPLACE INTO tombstones (owner, kind, id, scope, position)
    SELECT id, 'run', old.id, old.thread, old.n FROM users WHERE id = old.owner AND erased = 0;
END;
CREATE TRIGGER files_leave_tombstone AFTER DELETE ON files BEGIN
    INSERT OR REPLACE INTO tombstones (owner, kind, id, position)
    SELECT id, 'file', old.id, old.n FROM users WHERE id = old.owner AND erased = 0;
END;
CREATE TRIGGER deliveries_leave_tombstone AFTER DELETE ON deliveries BEGIN
    INSERT OR REPLACE INTO tombstones (owner, kind, id, position)
    SELECT id, 'delivery', old.id, old.n FROM users WHERE id = old.owner AND erased = 0;
END;
CREATE TRIGGER vector_store_files_leave_tombstone AFTER DELETE ON vector_store_files BEGIN
    INSERT OR REPLACE INTO tombstones (owner, kind, id, scope, position)
    SELECT s.owner, 'vector_store_file', old.file_id, s.n, old.n
    FROM vector_stores AS s JOIN users AS u ON u.id = s.owner AND u.erased = 0
    WHERE s.n = old.store;
END;
-- With the message of a run its step is gone.
CREATE TRIGGER messages_leave_tombstone AFTER DELETE ON messages BEGIN
    INSERT OR REPLACE INTO tombstones (owner, kind, id, scope, position)
    SELECT t.owner, 'message', old.id, t.n, old.n
    FROM threads AS t JOIN users AS u ON u.id = t.owner AND u.erased = 0
    WHERE t.n = old.thread
    UNION ALL
    SELECT t.owner, 'step', 'step_' || substr(old.id, 5), r.n, 2 * old.turn
    FROM threads AS t JOIN users AS u ON u.id = t.owner AND u.erased = 0 JOIN runs AS r ON r.id = old.run_id
    WHERE t.n = old.thread AND old.role = 'assistant' AND old.turn IS NOT NULL;
END;

-- Where erased users stood in the list of users, by the keyed hash that the erasure ledger has of them.
ALTER TABLE erasures ADD COLUMN user_hash TEXT;
ALTER TABLE erasures ADD COLUMN position INTEGER;
CREATE INDEX erasures_by_hash ON erasures (user_hash);
