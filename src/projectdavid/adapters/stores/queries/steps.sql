-- name: step
-- returns: StepRow
SELECT
    run_id, owner, place AS n, id, turn, created_at, message_id, reason, usage, cost
FROM steps WHERE id = :id AND run_id = :run_id AND owner = :owner;

-- name: steps_page
-- returns: StepRow
SELECT
    run_id, owner, place AS n, id, turn, created_at, message_id, reason, usage, cost
FROM steps
WHERE run_id = :run_id AND owner = :owner
    AND place $PAST COALESCE(:after, $START)
ORDER BY place $ORDER LIMIT :limit;

-- name: step_position
-- returns: PositionRow
-- The position in lists, also of a deleted object.
SELECT p.position FROM (
    SELECT COALESCE(
        (SELECT place FROM steps WHERE id = :id AND run_id = :run_id AND owner = :owner),
        (
            SELECT d.position FROM live_runs AS r JOIN tombstones AS d
                ON d.owner = r.owner AND d.kind = 'step' AND d.id = :id AND d.scope = r.n
            WHERE r.id = :run_id AND r.owner = :owner
        )
    ) AS position
) AS p WHERE p.position IS NOT NULL;

-- name: calls_of_turns
-- returns: StepCallRow
-- The calls of a run in the given turns (a JSON array).
SELECT
    c.turn, c.call_id, c.name, COALESCE(a.arguments, c.arguments) AS arguments, c.output, c.tool, c.details, c.finished_at
FROM tool_calls AS c JOIN live_runs AS r ON r.n = c.run
LEFT JOIN approvals AS a ON a.run = c.run AND a.call_id = c.call_id
WHERE r.id = :run_id AND r.owner = :owner AND c.turn IN (SELECT value FROM json_each(:turns))
ORDER BY c.turn, c.position;
