-- name: delivery_insert
-- returns: NumberRow
-- Written in the transaction of the reported change, if the run's assistant subscribes to the event.
INSERT INTO deliveries (id, owner, assistant_id, run_id, event, body, status, created_at, next_at)
SELECT :id, r.owner, a.id, r.id, :event, :body, 'pending', :now, :now
FROM runs AS r JOIN assistants AS a ON a.id = r.assistant_id
WHERE r.n = :run AND a.body ->> '$.webhook_url' IS NOT NULL AND a.body ->> '$.webhook_disabled_at' IS NULL
    AND (
        :event IN ('run.action_required', 'run.approval_required', 'run.approval_expired')
        OR EXISTS (SELECT 1 FROM json_each(a.body, '$.webhook_events') WHERE value = :event)
    )
RETURNING n;

-- name: deliveries_due
-- returns: DueDeliveryRow
-- Deliveries to send now: the oldest of each run, without assistants and owners that are at their limit.
SELECT
    d.n, d.id, d.owner, d.assistant_id, d.run_id, d.event, d.body, d.status, d.attempts, d.sending, d.created_at,
    d.next_at, d.ended_at, d.log, r.n AS run
FROM deliveries AS d JOIN users AS u ON u.id = d.owner AND u.erased = 0 LEFT JOIN runs AS r ON r.id = d.run_id
WHERE d.status = 'pending' AND d.next_at <= :now
    AND d.assistant_id NOT IN (SELECT value FROM json_each(:full_assistants))
    AND d.owner NOT IN (SELECT value FROM json_each(:full_owners))
    AND NOT EXISTS (
        SELECT 1 FROM deliveries AS o WHERE o.run_id = d.run_id AND o.status = 'pending' AND o.n < d.n
    )
ORDER BY d.next_at, d.n LIMIT :limit;

-- name: delivery_claim
-- returns: DeliveryClaimRow
-- Returns no row if another worker claimed it first. A claim expires, because its worker can crash.
UPDATE deliveries SET sending = 1, attempts = attempts + 1, next_at = :until
WHERE n = :n AND attempts = :attempts AND status = 'pending' AND next_at <= :now
RETURNING attempts;

-- name: deliveries_recover
-- Release all claims, at the start of a process with exclusive access: their workers no longer exist.
UPDATE deliveries SET sending = 0, next_at = :now WHERE status = 'pending' AND sending > 0;

-- name: delivery_settle
-- Record the outcome of an attempt; affects no row unless it is the latest. If a redelivery was requested during the
-- attempt, the delivery is due again immediately.
UPDATE deliveries
SET
    status = CASE sending WHEN 2 THEN 'pending' ELSE :status END,
    next_at = CASE sending WHEN 2 THEN :now ELSE :next_at END,
    ended_at = CASE WHEN sending = 2 OR :status = 'pending' THEN NULL ELSE :now END,
    sending = 0, log = :log
WHERE n = :n AND attempts = :attempts AND sending > 0;

-- name: deliveries_give_up
-- Fail an assistant's pending deliveries that are not being sent, with a final log entry that states the reason.
UPDATE deliveries
SET status = 'failed', ended_at = :now, log = json_insert(log, '$[#]', json(:entry))
WHERE assistant_id = :assistant_id AND owner = :of AND status = 'pending' AND sending = 0;

-- name: deliveries_pending_count
-- returns: AmountRow
SELECT count(*) AS amount FROM deliveries WHERE status = 'pending';

-- name: deliveries_drop
-- Fail all pending deliveries, with a final log entry that states the reason. Only while no server is running.
UPDATE deliveries SET status = 'failed', sending = 0, ended_at = :now, log = json_insert(log, '$[#]', json(:entry))
WHERE status = 'pending';

-- name: deliveries_prune
-- returns: NumberRow
DELETE FROM deliveries WHERE n IN (SELECT n FROM deliveries WHERE ended_at <= :before LIMIT :limit) RETURNING n;

-- name: delivery_target
-- returns: WebhookTargetRow
-- The URL of an assistant's webhook, and the latest five secrets that sign its deliveries (a JSON array).
SELECT
    a.body ->> '$.webhook_url' AS url,
    a.body ->> '$.webhook_disabled_at' AS disabled_at,
    (
        SELECT json_group_array(s.secret)
        FROM (
            SELECT secret FROM webhook_secrets
            WHERE assistant_id = a.id AND (expires_at IS NULL OR expires_at > :now) ORDER BY n DESC LIMIT 5
        ) AS s
    ) AS secrets
FROM assistants AS a WHERE a.id = :assistant_id AND a.owner = :of;

-- name: webhook_disable
-- Affects no row if the URL has changed.
UPDATE assistants SET body = json_set(body, '$.webhook_disabled_at', :now), revision = revision + 1
WHERE id = :assistant_id AND owner = :of AND body ->> '$.webhook_url' = :url;

-- name: delivery
-- returns: DeliveryRow
SELECT
    n, id, owner, assistant_id, run_id, event, body, status, attempts, sending, created_at, next_at, ended_at, log
FROM deliveries WHERE id = :id AND owner = :owner;

-- name: deliveries_page
-- returns: DeliveryRow
SELECT
    n, id, owner, assistant_id, run_id, event, body, status, attempts, sending, created_at, next_at, ended_at, log
FROM deliveries
WHERE owner = :owner
    AND (:assistant_id IS NULL OR assistant_id = :assistant_id)
    AND (:status IS NULL OR status = :status)
    AND n $PAST COALESCE(:after, $START)
ORDER BY n $ORDER LIMIT :limit;

-- name: run_deliveries_page
-- returns: DeliveryRow
SELECT
    n, id, owner, assistant_id, run_id, event, body, status, attempts, sending, created_at, next_at, ended_at, log
FROM deliveries
WHERE owner = :owner AND run_id = :run_id
    AND (:assistant_id IS NULL OR assistant_id = :assistant_id)
    AND (:status IS NULL OR status = :status)
    AND n $PAST COALESCE(:after, $START)
ORDER BY n $ORDER LIMIT :limit;

-- name: delivery_position
-- returns: PositionRow
-- The position in lists, also of a deleted object.
SELECT p.position FROM (
    SELECT COALESCE(
        (SELECT n FROM deliveries WHERE id = :id AND owner = :owner),
        (SELECT position FROM tombstones WHERE owner = :owner AND kind = 'delivery' AND id = :id)
    ) AS position
) AS p WHERE p.position IS NOT NULL;

-- name: delivery_redeliver
-- Make a delivery due immediately, whatever its status; one that is being sent is sent again afterwards.
UPDATE deliveries
SET
    status = 'pending', ended_at = NULL,
    sending = CASE WHEN sending > 0 THEN 2 ELSE 0 END,
    next_at = CASE WHEN sending > 0 THEN next_at ELSE :now END
WHERE id = :id AND owner = :owner;

-- name: delivery_test
-- A test event; affects no row if the assistant has no webhook.
INSERT INTO deliveries (id, owner, assistant_id, event, body, status, created_at, next_at)
SELECT :id, owner, id, :event, :body, 'pending', :now, :now
FROM assistants WHERE id = :assistant_id AND owner = :owner AND body ->> '$.webhook_url' IS NOT NULL;

-- name: webhook_secret_insert
INSERT INTO webhook_secrets (assistant_id, secret, created_at)
SELECT id, :secret, :now FROM assistants WHERE id = :assistant_id AND owner = :owner;

-- name: webhook_secrets_retire
-- Limit the validity of the previous secrets; earlier expiry times are kept.
UPDATE webhook_secrets SET expires_at = :until
WHERE assistant_id = (SELECT id FROM assistants WHERE id = :assistant_id AND owner = :owner)
    AND (expires_at IS NULL OR expires_at > :until);

-- name: webhook_secrets_prune
-- returns: NumberRow
DELETE FROM webhook_secrets WHERE n IN (SELECT n FROM webhook_secrets WHERE expires_at <= :now LIMIT :limit) RETURNING n;

-- name: webhook_secret
-- returns: WebhookSecretRow
-- The current secret of an assistant, and the time until which previous ones are valid.
SELECT
    s.secret,
    (SELECT max(o.expires_at) FROM webhook_secrets AS o WHERE o.assistant_id = a.id) AS previous_until
FROM webhook_secrets AS s JOIN assistants AS a ON a.id = s.assistant_id
WHERE a.id = :assistant_id AND a.owner = :owner AND s.expires_at IS NULL;
