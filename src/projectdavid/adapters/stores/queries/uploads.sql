-- name: upload_insert
INSERT INTO uploads (id, owner, name, purpose, mime_type, size, expires_after, created_at, expires_at, status)
VALUES (:id, :owner, :name, :purpose, :mime_type, :size, :expires_after, :now, :expires_at, 'pending');

-- name: upload
-- returns: UploadRow
SELECT
    n, id, owner, name, purpose, mime_type, size, expires_after, created_at, expires_at, status, file_id
FROM uploads WHERE id = :id AND owner = :owner;

-- name: upload_parts
-- returns: UploadPartRow
SELECT
    p.n, p.id, p.upload, p.size, p.blob, p.created_at
FROM uploads AS u JOIN upload_parts AS p ON p.upload = u.n WHERE u.id = :id AND u.owner = :owner ORDER BY p.n;

-- name: upload_part_insert
-- Affects no row if the upload accepts no more parts, or has too many.
INSERT INTO upload_parts (id, upload, size, blob, created_at)
SELECT :id, u.n, :size, :blob, :now FROM uploads AS u
WHERE u.id = :upload AND u.owner = :owner AND u.status = 'pending' AND u.expires_at > :now
    AND (SELECT count(*) FROM upload_parts WHERE upload = u.n) < :most;

-- name: upload_end
-- Affects no row if the upload has already ended.
UPDATE uploads SET status = :status, file_id = :file_id WHERE id = :id AND owner = :owner AND status = 'pending';

-- name: upload_parts_delete
DELETE FROM upload_parts WHERE upload = (SELECT n FROM uploads WHERE id = :id AND owner = :owner);

-- name: uploads_expired
-- returns: ExpiredUploadRow
SELECT id, owner FROM uploads WHERE status = 'pending' AND expires_at <= :now ORDER BY expires_at LIMIT :limit;
