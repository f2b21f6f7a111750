-- name: ingest_waiting
-- returns: OwnerQueueRow
-- The queue of new files (`stale` 0) or of searchable files to ingest again (1), by owner as in `runs_waiting`.
WITH RECURSIVE owners (owner) AS (
    SELECT (
        SELECT v.owner_id FROM vector_store_files AS v INDEXED BY vector_store_files_waiting
        WHERE (v.status = 'in_progress' OR v.stale = 1) AND v.stale = :stale AND v.owner_id > :after
        ORDER BY v.owner_id LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT v.owner_id FROM vector_store_files AS v INDEXED BY vector_store_files_waiting
        WHERE (v.status = 'in_progress' OR v.stale = 1) AND v.stale = :stale AND v.owner_id > o.owner
        ORDER BY v.owner_id LIMIT 1
    )
    FROM owners AS o WHERE o.owner IS NOT NULL
    LIMIT :window
)
SELECT
    o.owner,
    (SELECT count(*) FROM vector_store_files AS l WHERE l.owner_id = o.owner AND l.lease_until > :now) AS at_work,
    (
        SELECT json_group_array(w.n) FROM (
            SELECT v.n FROM vector_store_files AS v INDEXED BY vector_store_files_waiting
            WHERE (v.status = 'in_progress' OR v.stale = 1) AND v.stale = :stale AND v.owner_id = o.owner
                AND v.next_at <= :now AND (v.lease_until IS NULL OR v.lease_until <= :now)
                AND o.owner NOT IN (SELECT value FROM json_each(:full))
            ORDER BY v.n LIMIT :each
        ) AS w
    ) AS waiting
FROM owners AS o WHERE o.owner IS NOT NULL;

-- name: ingest_claim
-- returns: NumberRow
UPDATE vector_store_files SET lease = :lease, lease_until = :until, crashes = crashes + 1
WHERE n = :n AND (status = 'in_progress' OR stale = 1) AND (lease IS NULL OR lease_until <= :now)
RETURNING n;

-- name: ingest_release
-- Release the lease of a stopped ingest, and undo the crash count of its claim.
UPDATE vector_store_files SET lease = NULL, lease_until = NULL, next_at = 0, crashes = max(crashes - 1, 0)
WHERE n = :n AND lease = :lease;

-- name: ingest_file
-- returns: IngestFileRow
-- `blob` is NULL if the file was deleted.
SELECT
    v.n, v.store, v.file_id, v.name, v.path, v.status, v.error_code, v.error, v.attributes, v.chunk_tokens,
    v.overlap_tokens, v.version, v.space, v.chunks, v.size, v.done, v.total, v.attempts, v.lease, v.lease_until,
    v.next_at, v.stale, v.given, v.created_at, v.ended_at, v.crashes, v.owner_id, v.revision, v.warnings, s.owner,
    f.blob, f.sha256, f.size AS bytes, f.name AS filename
FROM vector_store_files AS v JOIN vector_stores AS s ON s.n = v.store
    JOIN users AS u ON u.id = s.owner AND u.erased = 0
    LEFT JOIN files AS f ON f.id = v.file_id AND f.owner = s.owner
WHERE v.n = :n;

-- name: ingest_progress
UPDATE vector_store_files SET
    crashes = CASE WHEN :done > done THEN 0 ELSE crashes END, done = :done, total = max(:total, :done)
WHERE n = :n AND lease = :lease;

-- name: ingest_done
UPDATE vector_store_files SET
    status = 'completed', error_code = NULL, error = NULL, version = :version, space = :space, chunks = :chunks,
    size = :size, warnings = :warnings, done = :chunks, total = :chunks, attempts = 0, crashes = 0, stale = 0, lease = NULL,
    lease_until = NULL, ended_at = :now
WHERE n = :n AND lease = :lease AND (status = 'in_progress' OR stale = 1);

-- name: ingest_failed
-- A file that is already searchable keeps its status.
UPDATE vector_store_files SET
    status = CASE stale WHEN 1 THEN status ELSE 'failed' END, error_code = :code, error = :message, stale = 0,
    lease = NULL, lease_until = NULL, ended_at = :now
WHERE n = :n AND lease = :lease AND (status = 'in_progress' OR stale = 1);

-- name: ingest_later
UPDATE vector_store_files SET
    lease = NULL, lease_until = NULL, next_at = :next_at, attempts = attempts + 1, crashes = 0
WHERE n = :n AND lease = :lease;

-- name: ingest_extend
UPDATE vector_store_files SET lease_until = :until WHERE lease = :lease AND lease_until > :now;

-- name: ingest_recover
-- Release all leases, at the start of a process with exclusive access: their workers no longer exist.
UPDATE vector_store_files SET lease = NULL, lease_until = NULL WHERE lease_until IS NOT NULL;

-- name: ingest_again
-- Ingest a completed file again because the index does not have it.
UPDATE vector_store_files SET status = 'in_progress', stale = 0, attempts = 0, crashes = 0, next_at = 0, done = 0, ended_at = NULL
WHERE n = :n AND status = 'completed' AND given IS NULL;

-- name: ingest_lost
-- Fail a completed file that the index does not have, if only its owner can supply its vectors again.
UPDATE vector_store_files SET
    status = 'failed', error_code = 'server_error', error = 'The index was lost; send it again.', ended_at = :now
WHERE n = :n AND status = 'completed' AND given IS NOT NULL;

-- name: ingest_rebuilding
-- returns: AmountRow
-- The number of files that were searchable before the index was lost, and are not ingested again yet.
SELECT count(*) AS amount FROM vector_store_files
WHERE (status = 'in_progress' OR stale = 1) AND status = 'in_progress' AND version IS NOT NULL;

-- name: ingest_outdated
-- Ingest files again whose vectors belong to another space than the current one ('' means no vectors).
UPDATE vector_store_files SET stale = 1, attempts = 0, crashes = 0, next_at = 0
WHERE status = 'completed' AND given IS NULL AND COALESCE(space, '') <> :space AND chunks > 0;

-- name: stores_after
-- returns: OwnedNumberRow
-- All vector stores, in pages.
SELECT n, owner FROM vector_stores WHERE n > :after ORDER BY n LIMIT :limit;

-- name: store_files_found
-- returns: IndexedFileRow
SELECT n, version FROM vector_store_files WHERE store = :store AND status = 'completed';

-- name: removals
-- returns: IndexRemovalRow
SELECT file FROM index_removals LIMIT :limit;

-- name: removals_done
DELETE FROM index_removals WHERE file IN (SELECT value FROM json_each(:files));
