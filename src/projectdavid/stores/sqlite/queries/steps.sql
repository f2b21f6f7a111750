-- name: step
SELECT * FROM steps WHERE id = :id AND run_id = :run_id AND owner = :owner;

-- name: steps_page
SELECT * FROM steps
WHERE run_id = :run_id AND owner = :owner
    AND place $PAST COALESCE(
        (SELECT place FROM steps WHERE id = :after AND run_id = :run_id AND owner = :owner), $START
    )
ORDER BY place $ORDER LIMIT :limit;

-- name: calls_of_turns
-- The calls that a run made in some turns (a JSON array).
SELECT c.turn, c.call_id, c.name, c.arguments, c.output, c.tool, c.details, c.finished_at
FROM tool_calls AS c JOIN live_runs AS r ON r.n = c.run
WHERE r.id = :run_id AND r.owner = :owner AND c.turn IN (SELECT value FROM json_each(:turns))
ORDER BY c.turn, c.position;
