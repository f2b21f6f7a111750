-- name: import
-- returns: ImportRow
SELECT n, id, owner, source, round, created_at, started_at, ended_at FROM imports WHERE id = :id AND owner = :owner;

-- name: import_owner
-- returns: OwnerRow
-- The owner of an import, for admins.
SELECT i.owner FROM imports AS i JOIN users AS u ON u.id = i.owner AND u.erased = 0 WHERE i.id = :id;

-- name: import_of_source
-- returns: ImportRow
SELECT n, id, owner, source, round, created_at, started_at, ended_at FROM imports
WHERE source = :source AND owner = :owner;

-- name: import_insert
-- Affects no row if an import of this source exists.
INSERT INTO imports (id, owner, source, created_at, started_at) VALUES (:id, :owner, :source, :now, :now)
ON CONFLICT (owner, source) DO NOTHING;

-- name: imports_room
-- returns: FoundRow
-- Return a row if the owner has at most `most` imports.
SELECT 1 AS found WHERE (SELECT count(*) FROM imports WHERE owner = :owner) <= :most;

-- name: import_begin
-- Begin the next round of an import that has ended.
UPDATE imports SET round = round + 1, started_at = :now, ended_at = NULL
WHERE id = :id AND owner = :owner AND ended_at IS NOT NULL;

-- name: import_end
UPDATE imports SET ended_at = COALESCE(ended_at, :now) WHERE id = :id AND owner = :owner;

-- name: imports_page
-- returns: ImportRow
SELECT n, id, owner, source, round, created_at, started_at, ended_at FROM imports
WHERE owner = :owner
    AND n $PAST COALESCE(:after, $START)
ORDER BY n $ORDER LIMIT :limit;

-- name: import_position
-- returns: PositionRow
-- The position in the list of imports.
SELECT n AS position FROM imports WHERE id = :id AND owner = :owner;

-- name: import_counts
-- returns: ImportCountsRow
SELECT c.kind, c.imported, c.refused, CASE WHEN c.round = i.round THEN c.added ELSE 0 END AS added
FROM imports AS i JOIN import_counts AS c ON c.import = i.n
WHERE i.id = :id AND i.owner = :owner ORDER BY c.kind;

-- name: import_room
-- returns: FoundRow
-- Return a row if the import has at most `most` refused objects of each kind.
SELECT 1 AS found WHERE NOT EXISTS (
    SELECT 1 FROM imports AS i JOIN import_counts AS c ON c.import = i.n
    WHERE i.id = :import_id AND i.owner = :owner AND c.refused > :most
);

-- name: import_known
-- returns: KnownObjectRow
-- `names` is a JSON array of pairs: kind and source id. CROSS JOIN makes SQLite look up each pair instead of scanning
-- all objects of the import.
SELECT o.kind, o.source_id, o.id, o.notes, o.cursor, o.last_id, o.complete = i.round AS complete
FROM imports AS i CROSS JOIN json_each(:names) AS w
    CROSS JOIN imported_objects AS o ON o.import = i.n AND o.kind = w.value ->> 0 AND o.source_id = w.value ->> 1
WHERE i.id = :import_id AND i.owner = :owner;

-- name: imported_page
-- returns: ImportedObjectRow
SELECT o.n, o.kind, o.source_id, o.id, o.notes, o.cursor, o.complete = i.round AS complete
FROM imports AS i JOIN imported_objects AS o ON o.import = i.n
WHERE i.id = :import_id AND i.owner = :owner AND o.n $PAST COALESCE(:after, $START)
ORDER BY o.n $ORDER LIMIT :limit;

-- name: imported_noted_page
-- returns: ImportedObjectRow
-- Only objects with notes.
SELECT o.n, o.kind, o.source_id, o.id, o.notes, o.cursor, o.complete = i.round AS complete
FROM imports AS i JOIN imported_objects AS o ON o.import = i.n
WHERE i.id = :import_id AND i.owner = :owner AND o.notes <> '[]' AND o.n $PAST COALESCE(:after, $START)
ORDER BY o.n $ORDER LIMIT :limit;

-- name: imported_insert
-- Affects no row if the import has ended.
INSERT INTO imported_objects (import, kind, source_id, id, round, notes)
SELECT n, :kind, :source_id, :id, round, :notes FROM imports
WHERE id = :import_id AND owner = :owner AND ended_at IS NULL;

-- name: imported_update
-- Update an object that was refused before. Affects no row if the import has ended.
UPDATE imported_objects SET id = :id, notes = :notes, round = i.round
FROM imports AS i
WHERE i.id = :import_id AND i.owner = :owner AND i.ended_at IS NULL AND import = i.n
    AND kind = :kind AND source_id = :source_id AND imported_objects.id IS NULL;

-- name: imported_advance
-- Affects no row if another request changed it first.
UPDATE imported_objects SET cursor = :cursor, last_id = :last_id
FROM imports AS i
WHERE i.id = :import_id AND i.owner = :owner AND import = i.n AND kind = 'thread' AND source_id = :source_id
    AND cursor IS NOT DISTINCT FROM :cursor_before
    AND last_id IS NOT DISTINCT FROM :last_id_before;

-- name: imported_complete
-- `threads` is a JSON array of source ids.
UPDATE imported_objects SET complete = i.round
FROM imports AS i
WHERE i.id = :import_id AND i.owner = :owner AND import = i.n AND kind = 'thread'
    AND source_id IN (SELECT value FROM json_each(:threads));

-- name: import_ids
-- returns: TakenIdRow
-- Those ids of JSON arrays that exist, and whether they belong to the owner.
SELECT 'assistant' AS kind, a.id, a.owner = :owner AS own, NULL AS thread_id
FROM json_each(:assistants) AS w CROSS JOIN assistants AS a ON a.id = w.value
UNION ALL
SELECT 'thread', t.id, t.owner = :owner, NULL FROM json_each(:threads) AS w CROSS JOIN threads AS t ON t.id = w.value
UNION ALL
SELECT 'message', m.id, t.owner = :owner, t.id
FROM json_each(:messages) AS w CROSS JOIN messages AS m ON m.id = w.value CROSS JOIN threads AS t ON t.n = m.thread
UNION ALL
SELECT 'file', f.id, f.owner = :owner, NULL FROM json_each(:files) AS w CROSS JOIN files AS f ON f.id = w.value
UNION ALL
SELECT 'vector_store', s.id, s.owner = :owner, NULL
FROM json_each(:stores) AS w CROSS JOIN vector_stores AS s ON s.id = w.value AND s.owner = :owner;

-- name: import_threads
-- returns: ImportThreadRow
-- The last message of each thread in a JSON array of ids, and whether it has an open run.
SELECT
    t.id,
    (SELECT m.id FROM messages AS m WHERE m.thread = t.n ORDER BY m.n DESC LIMIT 1) AS last_id,
    EXISTS (
        SELECT 1 FROM runs AS r
        WHERE r.thread = t.n AND r.$OPEN
    ) AS busy
FROM json_each(:ids) AS w CROSS JOIN threads AS t ON t.id = w.value WHERE t.owner = :owner;

-- name: import_thread_same
-- returns: FoundRow
-- Return a row if the message is the last of its thread, and the thread has no open run.
SELECT 1 AS found FROM threads AS t
WHERE t.id = :thread_id AND t.owner = :owner
    AND (SELECT m.id FROM messages AS m WHERE m.thread = t.n ORDER BY m.n DESC LIMIT 1) IS NOT DISTINCT FROM :last_id
    AND NOT EXISTS (
        SELECT 1 FROM runs AS r
        WHERE r.thread = t.n AND r.$OPEN
    );

-- name: message_import
-- An imported message; its `run_id` refers to a run that was not imported.
INSERT INTO messages
(id, thread, created_at, role, content, assistant_id, run_id, status, reason, meta_data, attachments, annotations)
SELECT
    :id, n, :created_at, :role, :content, :assistant_id, :run_id, :status, :reason, :meta_data, :attachments,
    :annotations
FROM threads WHERE id = :thread_id AND owner = :owner;

-- name: store_import
-- The expiry period starts now; `expired_at` is set if the vector store had expired at its source.
INSERT INTO vector_stores
(id, owner, name, description, created_at, updated_at, last_active_at, expires_days, expired_at, meta_data)
VALUES (:id, :owner, :name, :description, :created_at, :now, :now, :expires_days, :expired_at, :meta_data);
