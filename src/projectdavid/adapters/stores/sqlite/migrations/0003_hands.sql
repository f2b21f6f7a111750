-- Files of owners. `blob` is the key of the bytes in the blob store. `thread` and `run_id` say whose run made it.
CREATE TABLE files (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    purpose TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    blob TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    thread INTEGER REFERENCES threads (n) ON DELETE SET NULL,
    run_id TEXT
) STRICT;
CREATE INDEX files_by_owner ON files (owner, n);
CREATE INDEX files_by_thread ON files (thread, n) WHERE thread IS NOT NULL;
CREATE INDEX files_to_expire ON files (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX threads_with_files ON threads (owner) WHERE instr(tool_resources, '"file_ids"') > 0;
-- A JSON array of `{file_id, type, filename, mime_type, tools?}`, as it was when the message was said.
ALTER TABLE messages ADD COLUMN attachments TEXT;

-- Steps of runs: `turn` is the turn in which a message was said; `details` is a JSON object of what a tool has to show of
-- a call.
ALTER TABLE tool_calls ADD COLUMN details TEXT;
ALTER TABLE messages ADD COLUMN turn INTEGER;
UPDATE messages SET turn = said.turn
FROM (
    SELECT n, row_number() OVER (PARTITION BY run_id ORDER BY n) AS turn
    FROM messages WHERE role = 'assistant' AND run_id IS NOT NULL
) AS said
WHERE said.n = messages.n;
-- What a run said, and the calls of each turn; `place` orders them. A step has the id of its message, or of its first call.
CREATE VIEW steps AS
SELECT
    r.id AS run_id, r.owner, 2 * m.turn AS place, 'step_' || substr(m.id, 5) AS id, m.turn, m.created_at,
    m.id AS message_id, m.reason
FROM runs AS r JOIN messages AS m ON m.thread = r.thread AND m.run_id = r.id
WHERE m.role = 'assistant' AND m.content <> '""' AND m.turn IS NOT NULL
UNION ALL
SELECT r.id, r.owner, 2 * c.turn + 1, 'step_' || substr(c.action_id, 5), c.turn, c.created_at, NULL, NULL
FROM runs AS r JOIN tool_calls AS c ON c.run = r.n
WHERE c.position = 0;
