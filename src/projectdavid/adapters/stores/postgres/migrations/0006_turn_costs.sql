-- The costs of the turn of a message, in millionths of the currency of the prices, by the price at that time; NULL if it
-- was not known, and in messages of earlier versions.
ALTER TABLE messages ADD COLUMN cost bigint;
CREATE OR REPLACE VIEW steps AS
SELECT
    r.id AS run_id, r.owner, 2 * m.turn AS place, 'step_' || substr(m.id, 5) AS id, m.turn, m.created_at,
    m.id AS message_id, m.reason, m.usage, m.cost
FROM live_runs AS r JOIN messages AS m ON m.thread = r.thread AND m.run_id = r.id
WHERE m.role = 'assistant' AND m.content <> '""' AND m.turn IS NOT NULL
UNION ALL
SELECT
    r.id, r.owner, 2 * c.turn + 1, 'step_' || substr(c.action_id, 5), c.turn, c.created_at, NULL, NULL,
    (
        SELECT m.usage FROM messages AS m
        WHERE m.thread = r.thread AND m.run_id = r.id AND m.turn = c.turn AND m.role = 'assistant' AND m.content = '""'
    ),
    (
        SELECT m.cost FROM messages AS m
        WHERE m.thread = r.thread AND m.run_id = r.id AND m.turn = c.turn AND m.role = 'assistant' AND m.content = '""'
    )
FROM live_runs AS r JOIN tool_calls AS c ON c.run = r.n
WHERE c.position = 0;
