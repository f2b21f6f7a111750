-- name: delivery_insert
-- Promised together with what it tells of; only where the assistant of the run wants to hear of it.
INSERT INTO deliveries (id, owner, assistant_id, run_id, event, body, status, created_at, next_at)
SELECT :id, r.owner, a.id, r.id, :event, :body, 'pending', :now, :now
FROM runs AS r JOIN assistants AS a ON a.id = r.assistant_id
WHERE r.n = :run AND a.body ->> '$.webhook_url' IS NOT NULL AND a.body ->> '$.webhook_disabled_at' IS NULL
    AND (
        :event = 'run.action_required'
        OR EXISTS (SELECT 1 FROM json_each(a.body, '$.webhook_events') WHERE value = :event)
    );
