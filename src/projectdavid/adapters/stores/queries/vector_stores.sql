-- name: store_insert
INSERT INTO vector_stores
(id, owner, name, description, created_at, updated_at, last_active_at, expires_days, meta_data, vectors)
VALUES (:id, :owner, :name, :description, :now, :now, :now, :expires_days, :meta_data, :vectors);

-- name: vector_store
-- returns: VectorStoreRow
SELECT
    s.n, s.id, s.owner, s.name, s.description, s.created_at, s.updated_at, s.last_active_at, s.expires_days,
    s.expired_at, s.meta_data, s.vectors, s.files, s.revision, f.in_progress, f.completed, f.failed, f.cancelled,
    f.size
FROM vector_stores AS s JOIN vector_store_counts AS f ON f.store = s.n
WHERE s.id = :id AND s.owner = :owner;

-- name: stores_page
-- returns: VectorStoreRow
SELECT
    s.n, s.id, s.owner, s.name, s.description, s.created_at, s.updated_at, s.last_active_at, s.expires_days,
    s.expired_at, s.meta_data, s.vectors, s.files, s.revision, f.in_progress, f.completed, f.failed, f.cancelled,
    f.size
FROM vector_stores AS s JOIN vector_store_counts AS f ON f.store = s.n
WHERE s.owner = :owner AND s.n $PAST COALESCE(:after, $START)
ORDER BY s.n $ORDER LIMIT :limit;

-- name: store_position
-- returns: PositionRow
-- The position in lists, also of a deleted object.
SELECT p.position FROM (
    SELECT COALESCE(
        (SELECT n FROM vector_stores WHERE id = :id AND owner = :owner),
        (SELECT position FROM tombstones WHERE owner = :owner AND kind = 'vector_store' AND id = :id)
    ) AS position
) AS p WHERE p.position IS NOT NULL;

-- name: stores_named
-- returns: NamedStoreRow
-- `ids` is a JSON array.
SELECT
    s.n, s.id, s.owner, s.name, s.description, s.created_at, s.updated_at, s.last_active_at, s.expires_days,
    s.expired_at, s.meta_data, s.vectors, s.files, s.revision, f.in_progress
FROM vector_stores AS s JOIN vector_store_counts AS f ON f.store = s.n
WHERE s.owner = :owner AND s.id IN (SELECT value FROM json_each(:ids)) ORDER BY s.n;

-- name: stores_there
-- returns: FoundRow
-- Return a row if all ids of a JSON array are vector stores of the owner.
SELECT 1 AS found WHERE NOT EXISTS (
    SELECT 1 FROM json_each(:ids)
    WHERE NOT EXISTS (SELECT 1 FROM vector_stores WHERE id = value AND owner = :owner)
);

-- name: store_update
UPDATE vector_stores SET
    name = :name, description = :description, meta_data = :meta_data, expires_days = :expires_days, updated_at = :now,
    last_active_at = :now, expired_at = CASE WHEN :revive = 1 THEN NULL ELSE expired_at END,
    revision = revision + 1
WHERE id = :id AND owner = :owner AND revision = :revision;

-- name: stores_touch
-- Record the use of vector stores; `ids` is a JSON array.
UPDATE vector_stores SET last_active_at = :now
WHERE owner = :owner AND expired_at IS NULL AND id IN (SELECT value FROM json_each(:ids));

-- name: store_delete
-- Hide the vector store, and free its id immediately; `Store.sweep` deletes it.
UPDATE vector_stores SET owner = 'erased', id = CAST(n AS TEXT) WHERE id = :id AND owner = :owner;

-- name: stores_expired
-- returns: NumberRow
SELECT n FROM vector_stores
WHERE expires_days IS NOT NULL AND expired_at IS NULL AND last_active_at + expires_days * 86400 <= :now LIMIT :limit;

-- name: store_expire
UPDATE vector_stores SET expired_at = :now, revision = revision + 1
WHERE n = :n AND expired_at IS NULL AND last_active_at + expires_days * 86400 <= :now;

-- name: store_empty
-- returns: NumberRow
-- Delete some files of expired vector stores.
DELETE FROM vector_store_files WHERE n IN (
    SELECT v.n FROM vector_stores AS s JOIN vector_store_files AS v ON v.store = s.n
    WHERE s.expired_at IS NOT NULL LIMIT :limit
)
RETURNING n;

-- name: store_file_attach
-- Attach a file, or ingest it again if it is already attached. Affects no row if the vector store or the file does not
-- belong to the owner.
INSERT INTO vector_store_files
(store, owner_id, file_id, name, path, status, attributes, chunk_tokens, overlap_tokens, created_at)
SELECT s.n, s.owner, f.id, f.name, :path, 'in_progress', :attributes, :chunk_tokens, :overlap_tokens, :now
FROM vector_stores AS s JOIN files AS f ON f.owner = s.owner
WHERE s.id = :store_id AND s.owner = :owner AND f.id = :file_id AND s.vectors IS NULL AND s.expired_at IS NULL
ON CONFLICT (store, file_id) DO UPDATE SET
    attributes = excluded.attributes, chunk_tokens = excluded.chunk_tokens, overlap_tokens = excluded.overlap_tokens,
    path = excluded.path, status = 'in_progress', error_code = NULL, error = NULL, done = 0, total = 0, attempts = 0,
    crashes = 0, lease = NULL, lease_until = NULL, next_at = 0, stale = 0, ended_at = NULL,
    revision = vector_store_files.revision + 1;

-- name: store_file_bring
-- returns: NumberRow
-- Add a file whose vectors the owner uploads; its status is `failed` until all are stored.
INSERT INTO vector_store_files
(
    store, owner_id, file_id, name, path, status, error_code, error, attributes, chunk_tokens, overlap_tokens, given,
    created_at
)
SELECT
    n, owner, :file_id, :name, :path, 'failed', 'server_error',
    'The server stopped before all of it was stored; send it again.', :attributes, 0, 0, :given, :now
FROM vector_stores WHERE id = :store_id AND owner = :owner AND expired_at IS NULL
ON CONFLICT (store, file_id) DO UPDATE SET
    name = excluded.name, path = excluded.path, status = excluded.status, error_code = excluded.error_code,
    error = excluded.error, attributes = excluded.attributes, given = excluded.given,
    revision = vector_store_files.revision + 1
RETURNING n;

-- name: store_file_brought
UPDATE vector_store_files SET
    status = 'completed', error_code = NULL, error = NULL, version = :version, space = :space, chunks = :chunks,
    size = :size, done = :chunks, total = :chunks, ended_at = :now
WHERE n = :n AND store IN (SELECT n FROM vector_stores WHERE owner = :owner);

-- name: store_file
-- returns: VectorStoreFileRow
SELECT
    v.n, v.store, v.file_id, v.name, v.path, v.status, v.error_code, v.error, v.attributes, v.chunk_tokens,
    v.overlap_tokens, v.version, v.space, v.chunks, v.size, v.done, v.total, v.attempts, v.lease, v.lease_until,
    v.next_at, v.stale, v.given, v.created_at, v.ended_at, v.crashes, v.owner_id, v.revision, v.warnings,
    s.id AS store_id, s.owner
FROM vector_stores AS s JOIN vector_store_files AS v ON v.store = s.n
WHERE s.id = :store_id AND s.owner = :owner AND v.file_id = :file_id;

-- name: store_file_at
-- returns: VectorStoreFileRow
SELECT
    v.n, v.store, v.file_id, v.name, v.path, v.status, v.error_code, v.error, v.attributes, v.chunk_tokens,
    v.overlap_tokens, v.version, v.space, v.chunks, v.size, v.done, v.total, v.attempts, v.lease, v.lease_until,
    v.next_at, v.stale, v.given, v.created_at, v.ended_at, v.crashes, v.owner_id, v.revision, v.warnings,
    s.id AS store_id, s.owner
FROM vector_stores AS s JOIN vector_store_files AS v ON v.store = s.n
WHERE s.id = :store_id AND s.owner = :owner AND v.path = :path ORDER BY v.n DESC LIMIT 1;

-- name: store_files_page
-- returns: VectorStoreFileRow
SELECT
    v.n, v.store, v.file_id, v.name, v.path, v.status, v.error_code, v.error, v.attributes, v.chunk_tokens,
    v.overlap_tokens, v.version, v.space, v.chunks, v.size, v.done, v.total, v.attempts, v.lease, v.lease_until,
    v.next_at, v.stale, v.given, v.created_at, v.ended_at, v.crashes, v.owner_id, v.revision, v.warnings,
    s.id AS store_id, s.owner
FROM vector_stores AS s JOIN vector_store_files AS v ON v.store = s.n
WHERE s.id = :store_id AND s.owner = :owner AND (:status IS NULL OR v.status = :status)
    AND v.n $PAST COALESCE(:after, $START)
ORDER BY v.n $ORDER LIMIT :limit;

-- name: store_file_position
-- returns: PositionRow
-- The position in lists, also of a deleted object.
SELECT p.position FROM (
    SELECT COALESCE(
        (SELECT v.n FROM vector_store_files AS v WHERE v.store = s.n AND v.file_id = :id),
        (
            SELECT d.position FROM tombstones AS d
            WHERE d.owner = s.owner AND d.kind = 'vector_store_file' AND d.id = :id AND d.scope = s.n
        )
    ) AS position
    FROM vector_stores AS s WHERE s.id = :store_id AND s.owner = :owner
) AS p WHERE p.position IS NOT NULL;

-- name: store_files_numbered
-- returns: SearchableFileRow
-- Searchable files; `numbers` is a JSON array.
SELECT v.n, v.file_id, v.name, v.attributes, v.given, s.id AS store_id
FROM vector_store_files AS v JOIN vector_stores AS s ON s.n = v.store
WHERE s.owner = :owner AND v.n IN (SELECT value FROM json_each(:numbers)) AND v.status IN ('completed', 'in_progress');

-- name: store_files_described
-- returns: FileAttributesRow
-- The attributes of all files of vector stores; `stores` is a JSON array of numbers.
SELECT v.n, v.attributes FROM vector_stores AS s JOIN vector_store_files AS v ON v.store = s.n
WHERE s.owner = :owner AND s.n IN (SELECT value FROM json_each(:stores));

-- name: store_file_describe
UPDATE vector_store_files SET attributes = :attributes, revision = revision + 1
WHERE file_id = :file_id AND revision = :revision AND store IN (SELECT n FROM vector_stores WHERE id = :store_id AND owner = :owner);

-- name: store_file_mark
-- Set the status of a file whose vectors the owner uploads, for clients of the Project David wire.
UPDATE vector_store_files SET
    status = :status, error_code = :error_code, error = :error, revision = revision + 1
WHERE file_id = :file_id AND revision = :revision AND store IN (
    SELECT n FROM vector_stores WHERE id = :store_id AND owner = :owner AND vectors IS NOT NULL
);

-- name: store_file_detach
DELETE FROM vector_store_files
WHERE file_id = :file_id AND store IN (SELECT n FROM vector_stores WHERE id = :store_id AND owner = :owner);

-- name: file_leave_stores
DELETE FROM vector_store_files WHERE file_id = :id AND store IN (SELECT n FROM vector_stores WHERE owner = :owner);

-- name: batch_insert
INSERT INTO file_batches (id, store, created_at)
SELECT :id, n, :now FROM vector_stores WHERE id = :store_id AND owner = :owner;

-- name: batch_file
INSERT INTO batch_files (batch, file)
SELECT b.n, v.n
FROM file_batches AS b JOIN vector_store_files AS v ON v.store = b.store JOIN vector_stores AS s ON s.n = b.store
WHERE b.id = :id AND v.file_id = :file_id AND s.owner = :owner
ON CONFLICT DO NOTHING;

-- name: batch
-- returns: FileBatchRow
SELECT
    b.n, b.id, b.created_at, b.cancelled_at, s.id AS store_id,
    count(CASE v.status WHEN 'in_progress' THEN 1 END) AS in_progress,
    count(CASE v.status WHEN 'completed' THEN 1 END) AS completed,
    count(CASE v.status WHEN 'failed' THEN 1 END) AS failed,
    count(CASE v.status WHEN 'cancelled' THEN 1 END) AS cancelled
FROM vector_stores AS s JOIN file_batches AS b ON b.store = s.n
    LEFT JOIN batch_files AS m ON m.batch = b.n LEFT JOIN vector_store_files AS v ON v.n = m.file
WHERE s.id = :store_id AND s.owner = :owner AND b.id = :id
GROUP BY b.n, s.id;

-- name: batch_files_page
-- returns: VectorStoreFileRow
SELECT
    v.n, v.store, v.file_id, v.name, v.path, v.status, v.error_code, v.error, v.attributes, v.chunk_tokens,
    v.overlap_tokens, v.version, v.space, v.chunks, v.size, v.done, v.total, v.attempts, v.lease, v.lease_until,
    v.next_at, v.stale, v.given, v.created_at, v.ended_at, v.crashes, v.owner_id, v.revision, v.warnings,
    s.id AS store_id, s.owner
FROM vector_stores AS s JOIN file_batches AS b ON b.store = s.n JOIN batch_files AS m ON m.batch = b.n
    JOIN vector_store_files AS v ON v.n = m.file
WHERE s.id = :store_id AND s.owner = :owner AND b.id = :id AND (:status IS NULL OR v.status = :status)
    AND v.n $PAST COALESCE(:after, $START)
ORDER BY v.n $ORDER LIMIT :limit;

-- name: batch_cancel
UPDATE file_batches SET cancelled_at = COALESCE(cancelled_at, :now)
WHERE id = :id AND store IN (SELECT n FROM vector_stores WHERE id = :store_id AND owner = :owner);

-- name: batch_files_cancel
UPDATE vector_store_files SET status = 'cancelled', ended_at = :now, lease = NULL, lease_until = NULL
WHERE status = 'in_progress' AND n IN (
    SELECT m.file FROM batch_files AS m JOIN file_batches AS b ON b.n = m.batch JOIN vector_stores AS s ON s.n = b.store
    WHERE b.id = :id AND s.id = :store_id AND s.owner = :owner
);
