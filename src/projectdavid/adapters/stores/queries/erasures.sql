-- name: erasure_insert
-- Runs before the user is hidden; affects no row if the user is already hidden.
INSERT INTO erasures (id, "user", requested_at, user_hash, position, deleted)
SELECT :id, id, :now, :hash, n, json_object('api_keys', (SELECT count(*) FROM api_keys WHERE owner = u.id))
FROM users AS u WHERE id = :user AND erased = 0;

-- name: erasure
-- returns: ErasureRow
SELECT n, id, "user", requested_at, done_at, deleted FROM erasures WHERE id = :id;

-- name: erasures_swept
-- returns: NumberRow
-- Erasures of users whose rows have all been deleted.
SELECT n FROM erasures AS e
WHERE e."user" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM users WHERE id = e."user");

-- name: erasure_done
UPDATE erasures SET done_at = :now, "user" = NULL WHERE n = :n;

-- name: runs_erased
-- returns: NumberRow
-- Runs that were hidden while open, until they are deleted.
SELECT n FROM runs WHERE status = 'erased';

-- name: runs_abandoned
-- returns: NumberRow
-- Open runs of deleted assistants.
SELECT r.n FROM assistants AS a JOIN runs AS r ON r.assistant_id = a.id
WHERE a.owner = 'erased' AND r.$OPEN LIMIT :limit;

-- name: erased_id_insert
-- Make `Store.sweep` erase the stored answers that contain the id.
INSERT INTO erased_ids (owner, id) SELECT id, :id FROM users WHERE id = :owner;

-- name: blob_removals
-- returns: BlobRow
SELECT blob FROM blob_removals LIMIT :limit;

-- name: blob_removals_done
DELETE FROM blob_removals WHERE blob IN (SELECT value FROM json_each(:blobs));

-- name: reader
-- returns: StreamReaderRow
-- Whether the reader of a run's stream still has access.
SELECT
    EXISTS (SELECT 1 FROM users WHERE id = :owner AND erased = 0) AS "user",
    EXISTS (SELECT 1 FROM threads WHERE id = :thread_id AND owner = :owner) AS thread,
    EXISTS (SELECT 1 FROM live_runs WHERE n = :n AND owner = :owner) AS run,
    EXISTS (
        SELECT 1 FROM api_keys
        WHERE owner = :owner AND prefix = :prefix AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now)
    ) AS key;

-- name: removals_left
-- returns: RemovalCountsRow
-- The numbers of blobs and indexed files that remain to be deleted, each counted up to a limit.
SELECT
    (SELECT count(*) FROM (SELECT 1 FROM blob_removals LIMIT :limit) AS r) AS blobs,
    (SELECT count(*) FROM (SELECT 1 FROM index_removals LIMIT :limit) AS r) AS files;
