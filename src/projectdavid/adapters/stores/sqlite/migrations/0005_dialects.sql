-- What the turn took that a message ends, as a JSON array: tokens that the model read, and those that it wrote.
ALTER TABLE messages ADD COLUMN usage TEXT;

-- As before, with what the turn took; of a turn that spoke and called, its message has it.
DROP VIEW steps;
CREATE VIEW steps AS
SELECT
    r.id AS run_id, r.owner, 2 * m.turn AS place, 'step_' || substr(m.id, 5) AS id, m.turn, m.created_at,
    m.id AS message_id, m.reason, m.usage
FROM runs AS r JOIN messages AS m ON m.thread = r.thread AND m.run_id = r.id
WHERE m.role = 'assistant' AND m.content <> '""' AND m.turn IS NOT NULL
UNION ALL
SELECT
    r.id, r.owner, 2 * c.turn + 1, 'step_' || substr(c.action_id, 5), c.turn, c.created_at, NULL, NULL,
    (
        SELECT m.usage FROM messages AS m
        WHERE m.thread = r.thread AND m.run_id = r.id AND m.turn = c.turn AND m.role = 'assistant' AND m.content = '""'
    )
FROM runs AS r JOIN tool_calls AS c ON c.run = r.n
WHERE c.position = 0;
