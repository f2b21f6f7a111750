-- name: approval_insert
INSERT INTO approvals (id, owner, run, call_id, reason, digest, created_at, expires_at)
SELECT :id, r.owner, r.n, :call_id, :reason, :digest, :now, :expires_at FROM runs AS r WHERE r.n = :run;

-- name: approval_decide
UPDATE approvals
SET verdict = :verdict, note = :note, arguments = :arguments, decided_by = :decided_by, decided_at = :now
WHERE run = :run AND call_id = :call_id;

-- name: approval
-- returns: ApprovalRow
SELECT
    a.n, a.id, a.run, r.id AS run_id, t.id AS thread_id, r.assistant_id, a.call_id, c.action_id, c.name, c.tool, c.effect,
    c.arguments, a.reason, a.digest, a.created_at,
    CASE WHEN a.verdict IS NULL AND r.status = 'requires_action' THEN r.expires_at ELSE a.expires_at END AS expires_at,
    CASE
        WHEN a.verdict IS NOT NULL THEN a.verdict WHEN r.status = 'requires_action' THEN 'pending' ELSE 'cancelled'
    END AS status,
    a.note, a.arguments AS edited, a.decided_by, a.decided_at
FROM approvals AS a
JOIN live_runs AS r ON r.n = a.run JOIN threads AS t ON t.n = r.thread
JOIN tool_calls AS c ON c.run = a.run AND c.call_id = a.call_id
WHERE a.id = :id AND a.owner = :owner AND r.owner = :owner;

-- name: approvals_page
-- returns: ApprovalRow
-- The approvals of an owner with one of the statuses (a JSON array), of all runs or of one.
SELECT
    a.n, a.id, a.run, r.id AS run_id, t.id AS thread_id, r.assistant_id, a.call_id, c.action_id, c.name, c.tool, c.effect,
    c.arguments, a.reason, a.digest, a.created_at,
    CASE WHEN a.verdict IS NULL AND r.status = 'requires_action' THEN r.expires_at ELSE a.expires_at END AS expires_at,
    CASE
        WHEN a.verdict IS NOT NULL THEN a.verdict WHEN r.status = 'requires_action' THEN 'pending' ELSE 'cancelled'
    END AS status,
    a.note, a.arguments AS edited, a.decided_by, a.decided_at
FROM approvals AS a
JOIN live_runs AS r ON r.n = a.run JOIN threads AS t ON t.n = r.thread
JOIN tool_calls AS c ON c.run = a.run AND c.call_id = a.call_id
WHERE a.owner = :owner AND r.owner = :owner AND a.n $PAST COALESCE(:after, $START)
    AND r.id = COALESCE(:run_id, r.id)
    AND CASE
        WHEN a.verdict IS NOT NULL THEN a.verdict WHEN r.status = 'requires_action' THEN 'pending' ELSE 'cancelled'
    END IN (SELECT value FROM json_each(:statuses))
ORDER BY a.n $ORDER LIMIT :limit;

-- name: approval_position
-- returns: PositionRow
SELECT n AS position FROM approvals WHERE id = :id AND owner = :owner;
