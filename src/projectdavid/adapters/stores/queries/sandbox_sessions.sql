-- name: instance_seen
INSERT INTO instances (id, role, address, seen_at) VALUES (:id, :role, :address, :now)
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, address = excluded.address;

-- name: instance_gone
DELETE FROM instances WHERE id = :id;

-- name: instances_drop
-- Delete the instances that were last seen too long ago.
DELETE FROM instances WHERE seen_at <= :before;

-- name: session_record
-- If two processes have a session of one thread, the one that opened it last is its home.
INSERT INTO sandbox_sessions AS s (thread, kind, worker, opened_at, used_at)
VALUES (:thread_id, :kind, :worker, :opened_at, :used_at)
ON CONFLICT (thread, kind) DO UPDATE SET
    worker = excluded.worker, opened_at = excluded.opened_at, used_at = excluded.used_at
WHERE s.worker = excluded.worker OR s.opened_at <= excluded.opened_at;

-- name: session_end
DELETE FROM sandbox_sessions WHERE thread = :thread_id AND kind = :kind AND worker = :worker;

-- name: sessions_drop
-- Delete the sessions of processes that are gone.
DELETE FROM sandbox_sessions WHERE worker NOT IN (SELECT id FROM instances);

-- name: sessions_orphaned
-- returns: SessionThreadRow
-- The threads with a session of a process that were deleted, or whose owners were.
SELECT DISTINCT s.thread FROM sandbox_sessions AS s
WHERE s.worker = :worker AND NOT EXISTS (
    SELECT 1 FROM threads AS t JOIN users AS u ON u.id = t.owner WHERE t.id = s.thread AND u.erased = 0
);

-- name: runs_at_home
-- returns: NumberRow
-- Those of the runs whose thread has a session of another live process, and none of this one.
SELECT r.n FROM runs AS r JOIN threads AS t ON t.n = r.thread
WHERE r.n IN (SELECT value FROM json_each(:runs))
    AND EXISTS (
        SELECT 1 FROM sandbox_sessions AS s JOIN instances AS i ON i.id = s.worker
        WHERE s.thread = t.id AND s.worker <> :worker AND i.seen_at > :since
    )
    AND NOT EXISTS (SELECT 1 FROM sandbox_sessions AS s WHERE s.thread = t.id AND s.worker = :worker);

-- name: terminal_home
-- returns: TerminalHomeRow
-- The live process that has the shell of a thread, and the address at which it sends the output to others.
SELECT i.id AS worker, i.address FROM sandbox_sessions AS s JOIN instances AS i ON i.id = s.worker
WHERE s.thread = :thread_id AND s.kind = 'shell' AND i.seen_at > :since;

-- name: terminal_relays
-- returns: FoundRow
-- One row if a live process sends the output of its shells to others.
SELECT 1 AS found FROM instances WHERE address IS NOT NULL AND seen_at > :since LIMIT 1;
