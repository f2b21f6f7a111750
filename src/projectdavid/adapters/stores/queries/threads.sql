-- name: thread_insert
INSERT INTO threads (id, owner, created_at, title, meta_data, tool_resources, participants)
VALUES (:id, :owner, :now, :title, :meta_data, :tool_resources, :participants);

-- name: thread
-- returns: ThreadRow
SELECT n, id, owner, created_at, title, meta_data, tool_resources, participants, revision FROM threads
WHERE id = :id AND owner = :owner;

-- name: thread_update
UPDATE threads SET
    title = :title, meta_data = :meta_data, tool_resources = :tool_resources, participants = :participants,
    revision = revision + 1
WHERE id = :id AND owner = :owner AND revision = :revision;

-- name: thread_resources
-- Affects no row if they have changed since `before`.
UPDATE threads SET tool_resources = :tool_resources, revision = revision + 1
WHERE id = :id AND owner = :owner AND tool_resources = :before;

-- name: thread_delete
-- Hide the thread and end its open runs; `Store.sweep` deletes them.
UPDATE threads SET owner = 'erased' WHERE id = :id AND owner = :owner;

-- name: threads_page
-- returns: ThreadRow
SELECT n, id, owner, created_at, title, meta_data, tool_resources, participants, revision FROM threads
WHERE owner = :owner AND n $PAST COALESCE(:after, $START)
ORDER BY n $ORDER LIMIT :limit;

-- name: thread_position
-- returns: PositionRow
-- The position in lists, also of a deleted object.
SELECT p.position FROM (
    SELECT COALESCE(
        (SELECT n FROM threads WHERE id = :id AND owner = :owner),
        (SELECT position FROM tombstones WHERE owner = :owner AND kind = 'thread' AND id = :id)
    ) AS position
) AS p WHERE p.position IS NOT NULL;

-- name: thread_idle
-- returns: FoundRow
-- Return a row if the thread has no open run, active or parked.
SELECT 1 AS found FROM threads AS t
WHERE t.id = :thread_id AND t.owner = :owner AND NOT EXISTS (
    SELECT 1 FROM runs AS r
    WHERE r.thread = t.n AND r.$OPEN
);

-- name: thread_asked
-- returns: FoundRow
-- Return a row if the thread has a user message.
SELECT 1 AS found FROM messages AS m JOIN threads AS t ON t.n = m.thread
WHERE t.id = :thread_id AND t.owner = :owner AND m.role = 'user' LIMIT 1;

-- name: message_insert
-- A message from the owner of the thread; affects no row if the thread does not exist.
INSERT INTO messages (id, thread, created_at, role, content, assistant_id, meta_data, attachments)
SELECT :id, n, :now, :role, :content, :assistant_id, :meta_data, :attachments FROM threads WHERE id = :thread_id AND owner = :owner;

-- name: message_keep
-- A message from a run.
INSERT INTO messages
(
    id, thread, created_at, role, content, assistant_id, run_id, status, reason, calls, call_id, action_id, reasoning,
    attachments, annotations, turn, usage, cost, provider_state
)
VALUES
(
    :id, :thread, :now, :role, :content, :assistant_id, :run_id, :status, :reason, :calls, :call_id,
    (SELECT action_id FROM tool_calls WHERE run = (SELECT n FROM runs WHERE id = :run_id) AND call_id = :call_id),
    :reasoning, :attachments, :annotations, :turn, :usage, :cost, :provider_state
);

-- name: message
-- returns: MessageRow
-- `gone` contains the attached files that were deleted.
SELECT
    m.n, m.id, m.thread, m.created_at, m.role, m.content, m.assistant_id, m.run_id, m.status, m.reason, m.calls,
    m.call_id, m.action_id, m.reasoning, m.meta_data, m.attachments, m.turn, m.annotations, m.usage, m.revision,
    m.provider_state, t.id AS thread_id, t.owner,
    (
        SELECT json_group_array(value ->> 'file_id') FROM json_each(m.attachments)
        WHERE NOT EXISTS (SELECT 1 FROM files WHERE id = value ->> 'file_id' AND owner = t.owner)
    ) AS gone
FROM messages AS m JOIN threads AS t ON t.n = m.thread
WHERE m.id = :id AND t.owner = :owner;

-- name: message_answering
-- returns: MessageRow
-- The message that contains the output of a call.
SELECT
    m.n, m.id, m.thread, m.created_at, m.role, m.content, m.assistant_id, m.run_id, m.status, m.reason, m.calls,
    m.call_id, m.action_id, m.reasoning, m.meta_data, m.attachments, m.turn, m.annotations, m.usage, m.revision,
    m.provider_state, t.id AS thread_id, t.owner,
    (
        SELECT json_group_array(value ->> 'file_id') FROM json_each(m.attachments)
        WHERE NOT EXISTS (SELECT 1 FROM files WHERE id = value ->> 'file_id' AND owner = t.owner)
    ) AS gone
FROM messages AS m JOIN threads AS t ON t.n = m.thread
WHERE t.id = :thread_id AND t.owner = :owner AND m.action_id = :action_id;

-- name: message_update
UPDATE messages SET meta_data = :meta_data, revision = revision + 1
WHERE id = :id AND revision = :revision AND thread IN (SELECT n FROM threads WHERE owner = :owner);

-- name: message_delete
DELETE FROM messages WHERE id = :id AND thread IN (SELECT n FROM threads WHERE owner = :owner);

-- name: messages_page
-- returns: MessageRow
-- Without messages that only contain tool calls.
SELECT
    m.n, m.id, m.thread, m.created_at, m.role, m.content, m.assistant_id, m.run_id, m.status, m.reason, m.calls,
    m.call_id, m.action_id, m.reasoning, m.meta_data, m.attachments, m.turn, m.annotations, m.usage, m.revision,
    m.provider_state, t.id AS thread_id, t.owner,
    (
        SELECT json_group_array(value ->> 'file_id') FROM json_each(m.attachments)
        WHERE NOT EXISTS (SELECT 1 FROM files WHERE id = value ->> 'file_id' AND owner = t.owner)
    ) AS gone
FROM messages AS m JOIN threads AS t ON t.n = m.thread
WHERE t.id = :thread_id AND t.owner = :owner AND (m.calls IS NULL OR m.content <> '""')
    AND m.n $PAST COALESCE(:after, $START)
ORDER BY m.n $ORDER LIMIT :limit;

-- name: spoken_page
-- returns: MessageRow
-- Messages of users and assistants, of all runs or of one.
SELECT
    m.n, m.id, m.thread, m.created_at, m.role, m.content, m.assistant_id, m.run_id, m.status, m.reason, m.calls,
    m.call_id, m.action_id, m.reasoning, m.meta_data, m.attachments, m.turn, m.annotations, m.usage, m.revision,
    m.provider_state, t.id AS thread_id, t.owner,
    (
        SELECT json_group_array(value ->> 'file_id') FROM json_each(m.attachments)
        WHERE NOT EXISTS (SELECT 1 FROM files WHERE id = value ->> 'file_id' AND owner = t.owner)
    ) AS gone
FROM messages AS m JOIN threads AS t ON t.n = m.thread
WHERE t.id = :thread_id AND t.owner = :owner AND m.role IN ('user', 'assistant') AND (m.calls IS NULL OR m.content <> '""')
    AND (:run_id IS NULL OR m.run_id = :run_id)
    AND m.n $PAST COALESCE(:after, $START)
ORDER BY m.n $ORDER LIMIT :limit;

-- name: message_position
-- returns: PositionRow
-- The position in lists, also of a deleted object.
SELECT p.position FROM (
    SELECT COALESCE(
        (SELECT m.n FROM messages AS m WHERE m.id = :id AND m.thread = t.n),
        (
            SELECT d.position FROM tombstones AS d
            WHERE d.owner = t.owner AND d.kind = 'message' AND d.id = :id AND d.scope = t.n
        )
    ) AS position
    FROM threads AS t WHERE t.id = :thread_id AND t.owner = :owner
) AS p WHERE p.position IS NOT NULL;

-- name: prompt_page
-- returns: PromptMessageRow
-- The newest messages of a thread before `before`, for a prompt.
SELECT n, role, content, calls, call_id, reasoning, provider_state FROM messages WHERE thread = :thread AND n < :before ORDER BY n DESC LIMIT :limit;

-- name: formatted_page
-- returns: FormattedMessageRow
-- The newest messages of a thread, including calls and outputs.
SELECT m.role, m.content, m.calls, m.call_id FROM messages AS m JOIN threads AS t ON t.n = m.thread
WHERE t.id = :thread_id AND t.owner = :owner ORDER BY m.n DESC LIMIT :limit;

-- name: prompt_new
-- returns: PromptMessageRow
-- The messages of a thread after `after`, oldest first, for a prompt.
SELECT n, role, content, calls, call_id, reasoning, provider_state FROM messages
WHERE thread = :thread AND n > :after ORDER BY n LIMIT :limit;

-- name: prompt_extent
-- returns: PromptExtentRow
-- The number of messages from `first`, and the newest of them; reads only an index.
SELECT count(*) AS messages, COALESCE(max(n), 0) AS last FROM messages WHERE thread = :thread AND n >= :first;

-- name: prompt_cut
-- returns: PromptCutRow
SELECT first FROM prompt_cuts WHERE thread = :thread AND source = :source;

-- name: prompt_cut_set
INSERT INTO prompt_cuts (thread, source, first) VALUES (:thread, :source, :first)
ON CONFLICT (thread, source) DO UPDATE SET first = excluded.first;
