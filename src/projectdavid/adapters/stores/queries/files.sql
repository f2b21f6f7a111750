-- name: file_insert
INSERT INTO files (id, owner, name, purpose, mime_type, size, sha256, blob, created_at, expires_at, thread, run_id)
VALUES
(:id, :owner, :name, :purpose, :mime_type, :size, :sha256, :blob, :now, :expires_at, :thread, :run_id);

-- name: file
-- returns: FileRow
SELECT
    n, id, owner, name, purpose, mime_type, size, sha256, blob, created_at, expires_at, thread, run_id
FROM files WHERE id = :id AND owner = :owner;

-- name: file_of_link
-- returns: FileRow
-- For signed links, which do not contain the owner.
SELECT
    f.n, f.id, f.owner, f.name, f.purpose, f.mime_type, f.size, f.sha256, f.blob, f.created_at, f.expires_at,
    f.thread, f.run_id
FROM files AS f JOIN users AS u ON u.id = f.owner AND u.erased = 0 WHERE f.id = :id;

-- name: files_named
-- returns: FileRow
-- `ids` is a JSON array.
SELECT
    n, id, owner, name, purpose, mime_type, size, sha256, blob, created_at, expires_at, thread, run_id
FROM files WHERE owner = :owner AND id IN (SELECT value FROM json_each(:ids)) ORDER BY n;

-- name: files_of_conversation
-- returns: FileRow
-- Files that a call in a thread can read, oldest first: those of a JSON array of ids, those attached to the thread and
-- its messages, and those created by its runs.
SELECT
    n, id, owner, name, purpose, mime_type, size, sha256, blob, created_at, expires_at, thread, run_id
FROM files
WHERE owner = :owner AND (expires_at IS NULL OR expires_at > :now)
    AND n IN (
        SELECT f.n FROM threads AS t JOIN files AS f ON f.thread = t.n WHERE t.id = :thread_id
        UNION ALL
        SELECT f.n FROM json_each(:ids) AS a JOIN files AS f ON f.id = a.value
        UNION ALL
        SELECT f.n
        FROM threads AS t JOIN json_each(t.tool_resources, '$.code_interpreter.file_ids') AS a JOIN files AS f ON f.id = a.value
        WHERE t.id = :thread_id
        UNION ALL
        SELECT f.n
        FROM threads AS t JOIN messages AS m ON m.thread = t.n JOIN json_each(m.attachments) AS a
            JOIN files AS f ON f.id = a.value ->> 'file_id'
        WHERE t.id = :thread_id AND m.attachments IS NOT NULL
    )
ORDER BY n;

-- name: files_made
-- returns: CreatedFileRow
-- Files created by the runs of a thread, oldest first.
SELECT id, name FROM files WHERE thread = :thread ORDER BY n;

-- name: files_there
-- returns: FoundRow
-- Return a row if all ids of a JSON array are files of the owner.
SELECT 1 AS found WHERE NOT EXISTS (
    SELECT 1 FROM json_each(:ids)
    WHERE NOT EXISTS (SELECT 1 FROM files WHERE id = value AND owner = :owner)
);

-- name: files_page
-- returns: FileRow
SELECT
    n, id, owner, name, purpose, mime_type, size, sha256, blob, created_at, expires_at, thread, run_id
FROM files
WHERE owner = :owner
    AND (:purpose IS NULL OR purpose = :purpose)
    AND n $PAST COALESCE(:after, $START)
ORDER BY n $ORDER LIMIT :limit;

-- name: file_position
-- returns: PositionRow
-- The position in lists, also of a deleted object.
SELECT p.position FROM (
    SELECT COALESCE(
        (SELECT n FROM files WHERE id = :id AND owner = :owner),
        (SELECT position FROM tombstones WHERE owner = :owner AND kind = 'file' AND id = :id)
    ) AS position
) AS p WHERE p.position IS NOT NULL;

-- name: file_delete
DELETE FROM files WHERE id = :id AND owner = :owner;

-- name: file_leave_assistants
-- Remove a file from the lists of all assistants that refer to it.
UPDATE assistants SET
    body = json_set(
        body, '$.tool_resources.code_interpreter.file_ids',
        json((SELECT json_group_array(value) FROM json_each(body, '$.tool_resources.code_interpreter.file_ids') WHERE value <> :id))
    ),
    revision = revision + 1
WHERE owner = :owner AND instr(body, :id) > 0
    AND EXISTS (SELECT 1 FROM json_each(body, '$.tool_resources.code_interpreter.file_ids') WHERE value = :id);

-- name: file_leave_threads
UPDATE threads SET
    tool_resources = json_set(
        tool_resources, '$.code_interpreter.file_ids',
        json((SELECT json_group_array(value) FROM json_each(tool_resources, '$.code_interpreter.file_ids') WHERE value <> :id))
    ),
    revision = revision + 1
WHERE owner = :owner AND instr(tool_resources, '"file_ids"') > 0 AND instr(tool_resources, :id) > 0
    AND EXISTS (SELECT 1 FROM json_each(tool_resources, '$.code_interpreter.file_ids') WHERE value = :id);

-- name: files_expired
-- returns: ExpiredFileRow
SELECT id, owner, blob FROM files WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit;

-- name: blobs_known
-- returns: BlobRow
-- Those keys of a JSON array that belong to a file or to a part of an upload.
SELECT blob FROM files WHERE blob IN (SELECT value FROM json_each(:keys))
UNION ALL
SELECT blob FROM upload_parts WHERE blob IN (SELECT value FROM json_each(:keys));
