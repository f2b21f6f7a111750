-- Queries whose texts differ from those of `adapters/stores/queries` in more than what `translation.py` replaces.

-- name: config_insert
-- The row stays locked until the commit, so that another process cannot delete the configuration before its run exists.
INSERT INTO configs (hash, body) VALUES (:hash, :body) ON CONFLICT (hash) DO UPDATE SET hash = excluded.hash;

-- name: runs_waiting
-- returns: OwnerQueueRow
WITH RECURSIVE owners (owner, place) AS (
    SELECT (
        SELECT r.owner FROM runs AS r
        WHERE r.$TO_WORK_ON AND r.parked = 0 AND r.crash_score < 10 AND r.owner > :after
        ORDER BY r.owner LIMIT 1
    ), 1
    UNION ALL
    SELECT (
        SELECT r.owner FROM runs AS r
        WHERE r.$TO_WORK_ON AND r.parked = 0 AND r.crash_score < 10 AND r.owner > o.owner
        ORDER BY r.owner LIMIT 1
    ), o.place + 1
    FROM owners AS o WHERE o.owner IS NOT NULL AND o.place < :window
)
SELECT
    o.owner,
    (SELECT count(*) FROM runs AS l WHERE l.owner = o.owner AND l.lease_until > store_time(:now)) AS at_work,
    (
        SELECT coalesce(json_agg(w.n), '[]')::text FROM (
            SELECT r.n FROM runs AS r
            WHERE r.$TO_WORK_ON AND r.parked = 0 AND r.crash_score < 10
                AND r.owner = o.owner AND (r.lease_until IS NULL OR r.lease_until <= store_time(:now))
                AND o.owner <> ALL (:full)
            ORDER BY r.n LIMIT :each
        ) AS w
    ) AS waiting
FROM owners AS o WHERE o.owner IS NOT NULL;

-- name: ingest_waiting
-- returns: OwnerQueueRow
WITH RECURSIVE owners (owner, place) AS (
    SELECT (
        SELECT v.owner_id FROM vector_store_files AS v
        WHERE (v.status = 'in_progress' OR v.stale = 1) AND v.stale = :stale AND v.owner_id > :after
        ORDER BY v.owner_id LIMIT 1
    ), 1
    UNION ALL
    SELECT (
        SELECT v.owner_id FROM vector_store_files AS v
        WHERE (v.status = 'in_progress' OR v.stale = 1) AND v.stale = :stale AND v.owner_id > o.owner
        ORDER BY v.owner_id LIMIT 1
    ), o.place + 1
    FROM owners AS o WHERE o.owner IS NOT NULL AND o.place < :window
)
SELECT
    o.owner,
    (
        SELECT count(*) FROM vector_store_files AS l WHERE l.owner_id = o.owner AND l.lease_until > store_time(:now)
    ) AS at_work,
    (
        SELECT coalesce(json_agg(w.n), '[]')::text FROM (
            SELECT v.n FROM vector_store_files AS v
            WHERE (v.status = 'in_progress' OR v.stale = 1) AND v.stale = :stale AND v.owner_id = o.owner
                AND v.next_at <= store_time(:now) AND (v.lease_until IS NULL OR v.lease_until <= store_time(:now))
                AND o.owner <> ALL (:full)
            ORDER BY v.n LIMIT :each
        ) AS w
    ) AS waiting
FROM owners AS o WHERE o.owner IS NOT NULL;

-- name: deadlines_move
UPDATE runs SET expires_at = expires_at + :jump, action_expires_at = action_expires_at + :jump
WHERE $OPEN
    AND NOT (created_at BETWEEN :since AND :now)
    AND NOT EXISTS (
        SELECT 1 FROM meta AS m
        WHERE m.key = 'clock_change'
            AND abs(json_field(m.value, 'jump')::double precision - :jump) <= :skew
            AND json_field(m.value, 'since')::double precision <= :now
            AND json_field(m.value, 'now')::double precision >= :since
    );

-- name: clock_change_set
INSERT INTO meta (key, value)
VALUES (
    'clock_change',
    json_build_object(
        'jump', :jump::double precision, 'since', :since, 'now', :now
    )::text
)
ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: search_numbered
-- returns: SearchResultsRow
SELECT json_at(c.details, 'results')::text AS results FROM runs AS r JOIN tool_calls AS c ON c.run = r.n
WHERE r.thread = :thread AND c.tool = 'file_search' AND json_field(c.details, 'number')::bigint = :number
ORDER BY r.n DESC, c.turn DESC, c.position DESC LIMIT 1;

-- name: sources_of_thread
-- returns: SourcesRow
SELECT coalesce(json_agg(s.value), '[]')::text AS sources
FROM runs AS r JOIN tool_calls AS c ON c.run = r.n CROSS JOIN LATERAL json_array_elements(
    CASE json_typeof(json_at(c.details, 'sources')) WHEN 'array' THEN json_at(c.details, 'sources') ELSE '[]' END
) AS s (value)
WHERE r.thread = :thread AND c.tool = ANY (:tools) AND json_typeof(s.value) = 'object';

-- name: delivery_insert
-- returns: NumberRow
INSERT INTO deliveries (id, owner, assistant_id, run_id, event, body, status, created_at, next_at)
SELECT :id, r.owner, a.id, r.id, :event, :body, 'pending', :now, :now
FROM runs AS r JOIN assistants AS a ON a.id = r.assistant_id
WHERE r.n = :run AND json_field(a.body, 'webhook_url') IS NOT NULL AND json_field(a.body, 'webhook_disabled_at') IS NULL
    AND (
        :event IN ('run.action_required', 'run.approval_required', 'run.approval_expired')
        OR json_at(a.body, 'webhook_events')::jsonb ? :event
    )
RETURNING n;

-- name: deliveries_give_up
UPDATE deliveries
SET status = 'failed', ended_at = :now, log = list_with(log, :entry)
WHERE assistant_id = :assistant_id AND owner = :of AND status = 'pending' AND sending = 0;

-- name: deliveries_drop
UPDATE deliveries SET status = 'failed', sending = 0, ended_at = :now, log = list_with(log, :entry)
WHERE status = 'pending';

-- name: delivery_target
-- returns: WebhookTargetRow
SELECT
    json_field(a.body, 'webhook_url') AS url,
    json_field(a.body, 'webhook_disabled_at')::bigint AS disabled_at,
    (
        SELECT coalesce(json_agg(s.secret), '[]')::text
        FROM (
            SELECT secret FROM webhook_secrets
            WHERE assistant_id = a.id AND (expires_at IS NULL OR expires_at > :now) ORDER BY n DESC LIMIT 5
        ) AS s
    ) AS secrets
FROM assistants AS a WHERE a.id = :assistant_id AND a.owner = :of;

-- name: webhook_disable
-- Adds the field to the end of the text: PostgreSQL's functions would reorder the other fields.
UPDATE assistants SET
    body = left(body, -1) || ',"webhook_disabled_at":' || :now::bigint::text || '}', revision = revision + 1
WHERE id = :assistant_id AND owner = :of AND json_field(body, 'webhook_url') = :url;

-- name: delivery_test
INSERT INTO deliveries (id, owner, assistant_id, event, body, status, created_at, next_at)
SELECT :id, owner, id, :event, :body, 'pending', :now, :now
FROM assistants WHERE id = :assistant_id AND owner = :owner AND json_field(body, 'webhook_url') IS NOT NULL;

-- name: erasure_insert
INSERT INTO erasures (id, "user", requested_at, user_hash, position, deleted)
SELECT
    :id, id, :now, :hash, n,
    json_build_object('api_keys', (SELECT count(*) FROM api_keys WHERE owner = u.id))::text
FROM users AS u WHERE id = :user AND erased = 0;

-- name: files_of_conversation
-- returns: FileRow
SELECT
    n, id, owner, name, purpose, mime_type, size, sha256, blob, created_at, expires_at, thread, run_id
FROM files
WHERE owner = :owner AND (expires_at IS NULL OR expires_at > :now)
    AND n IN (
        SELECT f.n FROM threads AS t JOIN files AS f ON f.thread = t.n WHERE t.id = :thread_id
        UNION ALL
        SELECT f.n FROM files AS f WHERE f.id = ANY (:ids)
        UNION ALL
        SELECT f.n
        FROM threads AS t
            CROSS JOIN LATERAL json_array_elements_text(
                json_at(t.tool_resources, 'code_interpreter', 'file_ids')
            ) AS a (value)
            JOIN files AS f ON f.id = a.value
        WHERE t.id = :thread_id
        UNION ALL
        SELECT f.n
        FROM threads AS t JOIN messages AS m ON m.thread = t.n
            CROSS JOIN LATERAL json_array_elements(json_of(m.attachments)) AS a (value)
            JOIN files AS f ON f.id = a.value ->> 'file_id'
        WHERE t.id = :thread_id AND m.attachments IS NOT NULL
    )
ORDER BY n;

-- name: import_known
-- returns: KnownObjectRow
SELECT o.kind, o.source_id, o.id, o.notes, o.cursor, o.last_id, o.complete = i.round AS complete
FROM imports AS i JOIN imported_objects AS o ON o.import = i.n
    JOIN json_array_elements(json_of(:names)) AS w (value)
        ON o.kind = w.value ->> 0 AND o.source_id = w.value ->> 1
WHERE i.id = :import_id AND i.owner = :owner;

-- name: page_keep
INSERT INTO pages (owner, url, read_at, final_url, title, text, warnings)
VALUES (:owner, :url, :now, :final_url, :title, :text, :warnings)
ON CONFLICT (owner, url) DO UPDATE SET
    n = nextval(pg_get_serial_sequence('pages', 'n')), read_at = excluded.read_at, final_url = excluded.final_url,
    title = excluded.title, text = excluded.text, warnings = excluded.warnings;

-- name: file_leave_assistants
UPDATE assistants SET
    body = list_without(body, ARRAY['tool_resources', 'code_interpreter', 'file_ids'], :id), revision = revision + 1
WHERE owner = :owner AND strpos(body, :id) > 0
    AND json_at(body, 'tool_resources', 'code_interpreter', 'file_ids')::jsonb ? :id;

-- name: file_leave_threads
UPDATE threads SET
    tool_resources = list_without(tool_resources, ARRAY['code_interpreter', 'file_ids'], :id), revision = revision + 1
WHERE owner = :owner AND strpos(tool_resources, '"file_ids"') > 0 AND strpos(tool_resources, :id) > 0
    AND json_at(tool_resources, 'code_interpreter', 'file_ids')::jsonb ? :id;
