-- name: config_insert
INSERT INTO configs (hash, body) VALUES (:hash, :body) ON CONFLICT (hash) DO NOTHING;

-- name: run_insert
-- returns: NumberRow
-- Affects no row if the thread does not belong to the owner. `parked` applies only if the thread is busy.
INSERT INTO runs
(id, owner, thread, assistant_id, status, created_at, expires_at, model, config, meta_data, state, key_prefix, parked)
SELECT
    :id, :owner, t.n, :assistant_id, :status, :now, :expires_at, :model, (SELECT n FROM configs WHERE hash = :hash),
    :meta_data, :state, :key_prefix,
    CASE
        WHEN EXISTS (
            SELECT 1 FROM runs AS o
            WHERE o.thread = t.n AND o.$OPEN
        ) THEN :parked
        ELSE 0
    END
FROM threads AS t WHERE t.id = :thread_id AND t.owner = :owner
RETURNING n;

-- name: runs_room
-- returns: FoundRow
-- Return a row if the owner has fewer open runs than `most`, including parked ones. The active run of the thread
-- `interrupts` is not counted, because the new run ends it.
SELECT 1 AS found
WHERE :most > (
    SELECT count(*) FROM runs AS r
    WHERE r.owner = :owner AND r.$OPEN
        AND NOT (
            r.parked = 0 AND r.thread IS NOT DISTINCT FROM (
                SELECT t.n FROM threads AS t WHERE t.id = :interrupts AND t.owner = :owner
            )
        )
);

-- name: run
-- returns: RunRow
SELECT
    r.n, r.id, r.owner, r.thread, r.assistant_id, r.status, r.version, r.created_at, r.expires_at, r.lease,
    r.lease_until, r.model, r.config, r.meta_data, r.state, r.parked, r.action_expires_at, r.key_prefix,
    r.crash_score, r.claimed_at, r.silent, r.revision, c.body AS config_body, t.id AS thread_id
FROM live_runs AS r JOIN configs AS c ON c.n = r.config JOIN threads AS t ON t.n = r.thread
WHERE r.id = :id AND r.owner = :owner;

-- name: run_open
-- returns: OpenRunRow
-- The active run of the thread, not its parked ones.
SELECT r.id, r.n FROM runs AS r JOIN threads AS t ON t.n = r.thread
WHERE t.id = :thread_id AND t.owner = :owner AND r.parked = 0
    AND r.$OPEN;

-- name: runs_page
-- returns: RunRow
SELECT
    r.n, r.id, r.owner, r.thread, r.assistant_id, r.status, r.version, r.created_at, r.expires_at, r.lease,
    r.lease_until, r.model, r.config, r.meta_data, r.state, r.parked, r.action_expires_at, r.key_prefix,
    r.crash_score, r.claimed_at, r.silent, r.revision, c.body AS config_body, t.id AS thread_id
FROM live_runs AS r JOIN configs AS c ON c.n = r.config JOIN threads AS t ON t.n = r.thread
WHERE r.owner = :owner AND r.n $PAST COALESCE(:after, $START)
    AND r.status IN (SELECT value FROM json_each(:statuses))
ORDER BY r.n $ORDER LIMIT :limit;

-- name: run_position
-- returns: PositionRow
-- The position in lists, also of a deleted object.
SELECT p.position FROM (
    SELECT COALESCE(
        (SELECT n FROM runs WHERE id = :id AND owner = :owner),
        (SELECT position FROM tombstones WHERE owner = :owner AND kind = 'run' AND id = :id)
    ) AS position
) AS p WHERE p.position IS NOT NULL;

-- name: thread_runs_page
-- returns: RunRow
SELECT
    r.n, r.id, r.owner, r.thread, r.assistant_id, r.status, r.version, r.created_at, r.expires_at, r.lease,
    r.lease_until, r.model, r.config, r.meta_data, r.state, r.parked, r.action_expires_at, r.key_prefix,
    r.crash_score, r.claimed_at, r.silent, r.revision, c.body AS config_body, t.id AS thread_id
FROM live_runs AS r JOIN configs AS c ON c.n = r.config JOIN threads AS t ON t.n = r.thread
WHERE r.owner = :owner AND r.thread = (SELECT n FROM threads WHERE id = :thread_id AND owner = :owner)
    AND r.n $PAST COALESCE(:after, $START)
    AND r.status IN (SELECT value FROM json_each(:statuses))
ORDER BY r.n $ORDER LIMIT :limit;

-- name: thread_run_position
-- returns: PositionRow
-- The position in lists, also of a deleted object.
SELECT p.position FROM (
    SELECT COALESCE(
        (SELECT r.n FROM runs AS r WHERE r.id = :id AND r.thread = t.n AND r.owner = t.owner),
        (
            SELECT d.position FROM tombstones AS d
            WHERE d.owner = t.owner AND d.kind = 'run' AND d.id = :id AND d.scope = t.n
        )
    ) AS position
    FROM threads AS t WHERE t.id = :thread_id AND t.owner = :owner
) AS p WHERE p.position IS NOT NULL;

-- name: run_meta_data
UPDATE runs SET meta_data = :meta_data, revision = revision + 1
WHERE n = (SELECT n FROM live_runs WHERE id = :id AND owner = :owner) AND revision = :revision;

-- name: run_model
-- Set the model of a pending run, in the transaction that starts it.
UPDATE runs SET model = :model
WHERE n = (SELECT n FROM live_runs WHERE id = :id AND owner = :owner AND status = 'pending');

-- name: run_delete
-- Hide an ended run; `Store.sweep` deletes it.
UPDATE runs SET owner = 'erased' WHERE n = (
    SELECT n FROM live_runs
    WHERE id = :id AND owner = :owner
        AND status NOT IN ('pending', 'queued', 'in_progress', 'requires_action', 'cancelling')
);

-- name: run_state
-- returns: RunRow
-- For `RunDriver.decide`.
SELECT
    r.n, r.id, r.owner, r.thread, r.assistant_id, r.status, r.version, r.created_at, r.expires_at, r.lease,
    r.lease_until, r.model, r.config, r.meta_data, r.state, r.parked, r.action_expires_at, r.key_prefix,
    r.crash_score, r.claimed_at, r.silent, r.revision, c.body AS config_body, t.id AS thread_id
FROM live_runs AS r JOIN configs AS c ON c.n = r.config JOIN threads AS t ON t.n = r.thread WHERE r.n = :n;

-- name: run_decide
-- The only statement that changes a run's status; affects no row if another writer changed the run first.
UPDATE runs
SET
    status = :status, state = :state, lease = :lease, lease_until = :lease_until, parked = :parked,
    action_expires_at = :action_expires_at, crash_score = :crash_score,
    claimed_at = :claimed_at, silent = :silent, version = version + 1
WHERE n = :n AND version = :version;

-- name: run_deadline
-- In the transaction of `run_decide`, whose version check protects it.
UPDATE runs SET expires_at = :expires_at WHERE n = :n;

-- name: run_unpark
-- returns: NumberRow
-- Unpark the next run of a free thread: the newest of the interrupting runs, otherwise the oldest.
UPDATE runs SET parked = 0, version = version + 1
WHERE n = (
    SELECT p.n FROM runs AS p WHERE p.thread = :thread AND p.parked > 0
    ORDER BY p.parked DESC, CASE p.parked WHEN 2 THEN -p.n ELSE p.n END LIMIT 1
)
RETURNING n;

-- name: runs_waiting
-- returns: OwnerQueueRow
-- The queue of runs by owner, for owners after `after`: the runs without a lease, oldest first, as a JSON array, and
-- the number of the owner's leased runs. Owners in the JSON array `full` get an empty array. It reads only indexes, in
-- one step per owner, regardless of the length of the queue.
WITH RECURSIVE owners (owner) AS (
    SELECT (
        SELECT r.owner FROM runs AS r INDEXED BY runs_waiting
        WHERE r.$TO_WORK_ON AND r.parked = 0 AND r.crash_score < 10 AND r.owner > :after
        ORDER BY r.owner LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT r.owner FROM runs AS r INDEXED BY runs_waiting
        WHERE r.$TO_WORK_ON AND r.parked = 0 AND r.crash_score < 10 AND r.owner > o.owner
        ORDER BY r.owner LIMIT 1
    )
    FROM owners AS o WHERE o.owner IS NOT NULL
    LIMIT :window
)
SELECT
    o.owner,
    (SELECT count(*) FROM runs AS l WHERE l.owner = o.owner AND l.lease_until > :now) AS at_work,
    (
        SELECT json_group_array(w.n) FROM (
            SELECT r.n FROM runs AS r INDEXED BY runs_waiting
            WHERE r.$TO_WORK_ON AND r.parked = 0 AND r.crash_score < 10
                AND r.owner = o.owner AND (r.lease_until IS NULL OR r.lease_until <= :now)
                AND o.owner NOT IN (SELECT value FROM json_each(:full))
            ORDER BY r.n LIMIT :each
        ) AS w
    ) AS waiting
FROM owners AS o WHERE o.owner IS NOT NULL;

-- name: runs_suspected
-- returns: OwnedNumberRow
-- Runs without a lease that are suspected of crashing the process, longest waiting first. Returns no row while another
-- suspect has a lease, so that a crash has only one suspect. Runs that were claimed after `before` are omitted, except
-- those with the highest score, which fail.
SELECT r.n, r.owner FROM runs AS r INDEXED BY runs_suspected
WHERE r.$TO_WORK_ON AND r.parked = 0 AND r.crash_score >= 10
    AND (r.lease_until IS NULL OR r.lease_until <= :now)
    AND (r.crash_score >= :most OR r.claimed_at <= :before OR r.claimed_at > :now)
    AND NOT EXISTS (
        SELECT 1 FROM runs AS l INDEXED BY runs_suspected
        WHERE l.$TO_WORK_ON AND l.parked = 0 AND l.crash_score >= 10
            AND l.lease_until > :now
    )
ORDER BY r.claimed_at LIMIT :limit;

-- name: run_release
-- Release the lease of a stopped worker, and undo the crash score of its claim.
UPDATE runs SET
    lease = NULL, lease_until = NULL, claimed_at = :claimed_at, silent = 0,
    crash_score = max(crash_score - :spoken - silent * :less, 0)
WHERE n = :n AND lease = :lease;

-- name: run_speaks
-- The model has begun to reply, so a crash counts less from now on.
UPDATE runs SET crash_score = max(crash_score - :less, 0), silent = 0 WHERE n = :n AND silent = 1;

-- name: runs_open
-- returns: NumberRow
-- All open runs.
SELECT n FROM runs WHERE $OPEN
ORDER BY n LIMIT :limit;

-- name: runs_open_count
-- returns: AmountRow
SELECT count(*) AS amount FROM runs
WHERE $OPEN;

-- name: runs_expired
-- returns: NumberRow
-- Runs past their deadline. A worker can still end a run itself until `overdue`, but not one that waits for approval.
SELECT n FROM runs
WHERE $OPEN AND expires_at <= :now AND (expires_at <= :overdue OR state ->> '$.time_left' IS NOT NULL)
ORDER BY expires_at LIMIT :limit;

-- name: deadlines_move
-- Move the deadlines of open runs with the clock, so they keep their remaining time. Runs created between `since` and
-- `now` already use the new time. Affects no row if another process recorded the same change with `clock_change_set`.
UPDATE runs SET expires_at = expires_at + :jump, action_expires_at = action_expires_at + :jump
WHERE $OPEN
    AND NOT (created_at BETWEEN :since AND :now)
    AND NOT EXISTS (
        SELECT 1 FROM meta AS m
        WHERE m.key = 'clock_change' AND abs((m.value ->> '$.jump') - :jump) <= :skew
            AND m.value ->> '$.since' <= :now AND m.value ->> '$.now' >= :since
    );

-- name: clock_change_set
-- Record a change of the clock between `since` and `now`, after `deadlines_move` in the same transaction.
INSERT INTO meta (key, value) VALUES ('clock_change', json_object('jump', :jump, 'since', :since, 'now', :now))
ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: runs_unanswered
-- returns: NumberRow
-- Runs whose caller did not submit the outputs in time.
SELECT n FROM runs WHERE action_expires_at <= :now ORDER BY action_expires_at LIMIT :limit;

-- name: run_lease
-- returns: RunLeaseRow
SELECT lease, lease_until, version, status FROM live_runs WHERE n = :n;

-- name: leases_extend
-- An expired lease is not extended, because another worker can already be claiming the run.
UPDATE runs SET lease_until = :until WHERE lease = :lease AND lease_until > :now;

-- name: leases_clear
-- Release all leases, at the start of a process with exclusive access: their workers no longer exist.
UPDATE runs SET lease = NULL, lease_until = NULL WHERE lease_until IS NOT NULL;

-- name: journal_end
-- returns: PositionRow
-- The position of the next entry.
SELECT COALESCE((SELECT position + count FROM journal WHERE run = :run ORDER BY position DESC LIMIT 1), 1) AS position;

-- name: journal_append
INSERT INTO journal (run, position, count, kind, data, written_ms)
VALUES
(
    :run,
    COALESCE((SELECT position + count FROM journal WHERE run = :run ORDER BY position DESC LIMIT 1), 1),
    :count, :kind, :data, :written_ms
);

-- name: journal_begin
-- The first entry of a new run.
INSERT INTO journal (run, position, count, kind, data, written_ms)
SELECT n, COALESCE((SELECT max(position) + 1 FROM journal WHERE run = r.n), 1), 1, :kind, :data, :written_ms
FROM runs AS r WHERE id = :run_id AND owner = :owner;

-- name: journal_stream
-- returns: PositionRow
-- Append a chunk of the model's reply; affects no row if the run has another version, or its lease has expired.
INSERT INTO journal (run, position, count, kind, data, written_ms)
SELECT
    :run,
    COALESCE((SELECT position + count FROM journal WHERE run = :run ORDER BY position DESC LIMIT 1), 1),
    :count, :kind, :data, :written_ms
FROM runs WHERE n = :run AND version = :version AND lease_until > :now
RETURNING position;

-- name: journal_tell
-- Append an event of a running call of a platform tool; affects no row if the call has ended, or if the lease has
-- expired or belongs to another worker.
INSERT INTO journal (run, position, count, kind, data, written_ms)
SELECT
    :run,
    COALESCE((SELECT position + count FROM journal WHERE run = :run ORDER BY position DESC LIMIT 1), 1),
    1, :kind, :data, :written_ms
FROM runs
WHERE n = :run AND lease = :lease AND lease_until > :now
    AND EXISTS (SELECT 1 FROM tool_calls AS c WHERE c.run = :run AND c.call_id = :call_id AND c.output IS NULL);

-- name: journal_drop
DELETE FROM journal WHERE run = :run AND position BETWEEN :first AND :last;

-- name: journal_put
INSERT INTO journal (run, position, count, kind, data, written_ms, spans)
VALUES (:run, :position, :count, :kind, :data, :written_ms, :spans);

-- name: journal_after
-- returns: JournalRow
-- Rows with an event after `after`; the first row can also contain earlier events.
SELECT position, count AS entries, kind, data, written_ms, spans FROM journal
WHERE run = :run
    AND position >= COALESCE((SELECT max(position) FROM journal WHERE run = :run AND position <= :after + 1), 0)
ORDER BY position LIMIT :limit;

-- name: journal_last
-- returns: JournalEntryRow
-- The last event of the given kinds (a JSON array).
SELECT position, kind, data FROM journal WHERE run = :run AND kind IN (SELECT value FROM json_each(:kinds))
ORDER BY position DESC LIMIT 1;

-- name: journal_unmoved
-- returns: FoundRow
-- Return a row if the last event of the given kinds (a JSON array) is at `position`; 0 means no such event.
SELECT 1 AS found
WHERE :position = COALESCE(
    (
        SELECT position FROM journal WHERE run = :run AND kind IN (SELECT value FROM json_each(:kinds))
        ORDER BY position DESC LIMIT 1
    ),
    0
);

-- name: journal_resumed
-- returns: PositionRow
-- The position at which the run was last queued.
SELECT position FROM journal WHERE run = :run AND kind = 'status' AND data LIKE '%"queued"%' ORDER BY position DESC LIMIT 1;

-- name: call_insert
INSERT INTO tool_calls
(action_id, run, call_id, turn, position, name, arguments, output, created_at, finished_at, tool, effect)
VALUES
(:action_id, :run, :call_id, :turn, :position, :name, :arguments, :output, :now, :finished_at, :tool, :effect);

-- name: call_start
UPDATE tool_calls SET started_at = :now WHERE run = :run AND call_id = :call_id;

-- name: call_output
UPDATE tool_calls SET output = :output, finished_at = :now, outcome = :outcome, details = :details
WHERE run = :run AND call_id = :call_id;

-- name: call_before
-- returns: FoundRow
-- Return a row if another call of a tool was started in a thread.
SELECT 1 AS found FROM runs AS r JOIN tool_calls AS c ON c.run = r.n
WHERE r.thread = :thread AND c.tool = :tool AND c.started_at IS NOT NULL AND c.call_id <> :call_id LIMIT 1;

-- name: search_numbered
-- returns: SearchResultsRow
-- The results of the newest `file_search` call of a thread with this number in its marks.
SELECT json_extract(c.details, '$.results') AS results FROM runs AS r JOIN tool_calls AS c ON c.run = r.n
WHERE r.thread = :thread AND c.tool = 'file_search' AND json_extract(c.details, '$.number') = :number
ORDER BY r.n DESC, c.turn DESC, c.position DESC LIMIT 1;

-- name: sources_of_thread
-- returns: SourcesRow
-- The web pages that calls of the given tools (a JSON array of names) found or read in a thread.
SELECT json_group_array(json(s.value)) AS sources
FROM runs AS r JOIN tool_calls AS c ON c.run = r.n JOIN json_each(c.details, '$.sources') AS s
WHERE r.thread = :thread AND c.tool IN (SELECT value FROM json_each(:tools)) AND s.type = 'object';

-- name: call_mark
UPDATE tool_calls SET mark = :mark
WHERE action_id = :action_id AND run IN (SELECT n FROM live_runs WHERE owner = :owner);

-- name: action
-- returns: ActionRow
SELECT
    c.action_id, c.run, c.call_id, c.turn, c.position, c.name, COALESCE(a.arguments, c.arguments) AS arguments, c.mark,
    c.output, c.created_at, c.finished_at, c.tool, c.effect, c.started_at, c.outcome, c.details, r.id AS run_id,
    r.status AS run_status,
    CASE WHEN c.output IS NULL THEN COALESCE(r.action_expires_at, r.expires_at) ELSE r.expires_at END AS expires_at,
    a.id AS approval_id,
    CASE
        WHEN a.id IS NULL OR a.verdict IS NOT NULL THEN a.verdict
        WHEN r.status = 'requires_action' THEN 'pending'
        ELSE 'cancelled'
    END AS approval
FROM tool_calls AS c JOIN live_runs AS r ON r.n = c.run
LEFT JOIN approvals AS a ON a.run = c.run AND a.call_id = c.call_id
WHERE c.action_id = :action_id AND r.owner = :owner;

-- name: actions_of_run
-- returns: ActionRow
SELECT
    c.action_id, c.run, c.call_id, c.turn, c.position, c.name, COALESCE(a.arguments, c.arguments) AS arguments, c.mark,
    c.output, c.created_at, c.finished_at, c.tool, c.effect, c.started_at, c.outcome, c.details, r.id AS run_id,
    r.status AS run_status,
    CASE WHEN c.output IS NULL THEN COALESCE(r.action_expires_at, r.expires_at) ELSE r.expires_at END AS expires_at,
    a.id AS approval_id,
    CASE
        WHEN a.id IS NULL OR a.verdict IS NOT NULL THEN a.verdict
        WHEN r.status = 'requires_action' THEN 'pending'
        ELSE 'cancelled'
    END AS approval
FROM tool_calls AS c JOIN live_runs AS r ON r.n = c.run
LEFT JOIN approvals AS a ON a.run = c.run AND a.call_id = c.call_id
WHERE r.id = :run_id AND r.owner = :owner ORDER BY c.turn, c.position;
