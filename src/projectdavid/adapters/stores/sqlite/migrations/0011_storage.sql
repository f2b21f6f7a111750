-- What each owner stores, by the name of the limit that bounds it; triggers keep it in step in the transaction of each change.
CREATE TABLE storage_used (
    owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (owner, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO storage_used
SELECT owner, 'stored_files', count(*) FROM files GROUP BY owner
UNION ALL
SELECT owner, 'generated_files', count(*) FROM files WHERE run_id IS NOT NULL GROUP BY owner
UNION ALL
SELECT owner, 'generated_bytes', sum(size) FROM files WHERE run_id IS NOT NULL GROUP BY owner
UNION ALL
SELECT owner, 'storage_bytes', sum(size) FROM (
    SELECT owner, size FROM files
    UNION ALL
    SELECT u.owner, p.size FROM uploads AS u JOIN upload_parts AS p ON p.upload = u.n
) GROUP BY owner
UNION ALL
SELECT owner, 'open_uploads', count(*) FROM uploads WHERE status = 'pending' GROUP BY owner
UNION ALL
SELECT owner, 'vector_stores', count(*) FROM vector_stores GROUP BY owner
UNION ALL
SELECT s.owner, 'vector_store_bytes', sum(v.size)
FROM vector_stores AS s JOIN vector_store_files AS v ON v.store = s.n GROUP BY s.owner
UNION ALL
SELECT owner, 'active_keys', count(*) FROM api_keys WHERE revoked_at IS NULL GROUP BY owner
UNION ALL
SELECT owner, 'assistants', count(*) FROM assistants GROUP BY owner
UNION ALL
SELECT owner, 'threads', count(*) FROM threads GROUP BY owner;

CREATE TRIGGER files_add AFTER INSERT ON files BEGIN
    INSERT INTO storage_used (owner, kind, amount)
    VALUES (new.owner, 'stored_files', 1), (new.owner, 'storage_bytes', new.size)
    ON CONFLICT (owner, kind) DO UPDATE SET amount = amount + excluded.amount;
END;
CREATE TRIGGER files_leave AFTER DELETE ON files BEGIN
    UPDATE storage_used SET amount = amount - iif(kind = 'stored_files', 1, old.size)
    WHERE owner = old.owner AND kind IN ('stored_files', 'storage_bytes');
END;
CREATE TRIGGER generated_files_add AFTER INSERT ON files WHEN new.run_id IS NOT NULL BEGIN
    INSERT INTO storage_used (owner, kind, amount)
    VALUES (new.owner, 'generated_files', 1), (new.owner, 'generated_bytes', new.size)
    ON CONFLICT (owner, kind) DO UPDATE SET amount = amount + excluded.amount;
END;
CREATE TRIGGER generated_files_leave AFTER DELETE ON files WHEN old.run_id IS NOT NULL BEGIN
    UPDATE storage_used SET amount = amount - iif(kind = 'generated_files', 1, old.size)
    WHERE owner = old.owner AND kind IN ('generated_files', 'generated_bytes');
END;

CREATE TRIGGER uploads_add AFTER INSERT ON uploads WHEN new.status = 'pending' BEGIN
    INSERT INTO storage_used (owner, kind, amount) VALUES (new.owner, 'open_uploads', 1)
    ON CONFLICT (owner, kind) DO UPDATE SET amount = amount + 1;
END;
CREATE TRIGGER uploads_end AFTER UPDATE OF status ON uploads WHEN old.status = 'pending' AND new.status <> 'pending' BEGIN
    UPDATE storage_used SET amount = amount - 1 WHERE owner = new.owner AND kind = 'open_uploads';
END;
-- The parts go first: what counts them has to find their owner.
CREATE TRIGGER uploads_leave BEFORE DELETE ON uploads BEGIN
    DELETE FROM upload_parts WHERE upload = old.n;
    UPDATE storage_used SET amount = amount - 1
    WHERE owner = old.owner AND kind = 'open_uploads' AND old.status = 'pending';
END;
CREATE TRIGGER upload_parts_add AFTER INSERT ON upload_parts BEGIN
    INSERT INTO storage_used (owner, kind, amount)
    SELECT owner, 'storage_bytes', new.size FROM uploads WHERE n = new.upload
    ON CONFLICT (owner, kind) DO UPDATE SET amount = amount + excluded.amount;
END;
CREATE TRIGGER upload_parts_leave AFTER DELETE ON upload_parts BEGIN
    UPDATE storage_used SET amount = amount - old.size
    WHERE owner = (SELECT owner FROM uploads WHERE n = old.upload) AND kind = 'storage_bytes';
END;

ALTER TABLE vector_stores ADD COLUMN files INTEGER NOT NULL DEFAULT 0;
UPDATE vector_stores SET files = (SELECT count(*) FROM vector_store_files WHERE store = vector_stores.n);
CREATE TRIGGER vector_stores_add AFTER INSERT ON vector_stores BEGIN
    INSERT INTO storage_used (owner, kind, amount) VALUES (new.owner, 'vector_stores', 1)
    ON CONFLICT (owner, kind) DO UPDATE SET amount = amount + 1;
END;
CREATE TRIGGER vector_stores_leave BEFORE DELETE ON vector_stores BEGIN
    DELETE FROM vector_store_files WHERE store = old.n;
    UPDATE storage_used SET amount = amount - 1 WHERE owner = old.owner AND kind = 'vector_stores';
END;
CREATE TRIGGER vector_store_files_add AFTER INSERT ON vector_store_files BEGIN
    UPDATE vector_stores SET files = files + 1 WHERE n = new.store;
END;
CREATE TRIGGER vector_store_files_resize AFTER UPDATE OF size ON vector_store_files WHEN old.size <> new.size BEGIN
    INSERT INTO storage_used (owner, kind, amount)
    SELECT owner, 'vector_store_bytes', new.size - old.size FROM vector_stores WHERE n = new.store
    ON CONFLICT (owner, kind) DO UPDATE SET amount = amount + excluded.amount;
END;
CREATE TRIGGER vector_store_files_uncount AFTER DELETE ON vector_store_files BEGIN
    UPDATE vector_stores SET files = files - 1 WHERE n = old.store;
    UPDATE storage_used SET amount = amount - old.size
    WHERE owner = (SELECT owner FROM vector_stores WHERE n = old.store) AND kind = 'vector_store_bytes';
END;

CREATE TRIGGER api_keys_add AFTER INSERT ON api_keys WHEN new.revoked_at IS NULL BEGIN
    INSERT INTO storage_used (owner, kind, amount) VALUES (new.owner, 'active_keys', 1)
    ON CONFLICT (owner, kind) DO UPDATE SET amount = amount + 1;
END;
CREATE TRIGGER api_keys_revoke AFTER UPDATE OF revoked_at ON api_keys
WHEN old.revoked_at IS NULL AND new.revoked_at IS NOT NULL BEGIN
    UPDATE storage_used SET amount = amount - 1 WHERE owner = new.owner AND kind = 'active_keys';
END;
CREATE TRIGGER api_keys_leave AFTER DELETE ON api_keys WHEN old.revoked_at IS NULL BEGIN
    UPDATE storage_used SET amount = amount - 1 WHERE owner = old.owner AND kind = 'active_keys';
END;

CREATE TRIGGER assistants_add AFTER INSERT ON assistants BEGIN
    INSERT INTO storage_used (owner, kind, amount) VALUES (new.owner, 'assistants', 1)
    ON CONFLICT (owner, kind) DO UPDATE SET amount = amount + 1;
END;
CREATE TRIGGER assistants_leave AFTER DELETE ON assistants BEGIN
    UPDATE storage_used SET amount = amount - 1 WHERE owner = old.owner AND kind = 'assistants';
END;

CREATE TRIGGER threads_add AFTER INSERT ON threads BEGIN
    INSERT INTO storage_used (owner, kind, amount) VALUES (new.owner, 'threads', 1)
    ON CONFLICT (owner, kind) DO UPDATE SET amount = amount + 1;
END;
CREATE TRIGGER threads_leave AFTER DELETE ON threads BEGIN
    UPDATE storage_used SET amount = amount - 1 WHERE owner = old.owner AND kind = 'threads';
END;
ALTER TABLE threads ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
UPDATE threads SET messages = (SELECT count(*) FROM messages WHERE thread = threads.n);
CREATE TRIGGER messages_add AFTER INSERT ON messages BEGIN
    UPDATE threads SET messages = messages + 1 WHERE n = new.thread;
END;
CREATE TRIGGER messages_leave AFTER DELETE ON messages BEGIN
    UPDATE threads SET messages = messages - 1 WHERE n = old.thread;
END;
