-- The partial indexes of runs with `OR` in place of `IN`: for each such list SQLite fills a table, and again for each index
-- of every row that it writes. A query uses one of these indexes only if it names the states in the same way.
DROP INDEX runs_to_expire;
CREATE INDEX runs_to_expire ON runs (expires_at) WHERE (
    status = 'pending' OR status = 'queued' OR status = 'in_progress' OR status = 'requires_action'
    OR status = 'cancelling'
);
DROP INDEX runs_open;
CREATE UNIQUE INDEX runs_open ON runs (thread) WHERE (
    status = 'pending' OR status = 'queued' OR status = 'in_progress' OR status = 'requires_action'
    OR status = 'cancelling'
) AND parked = 0;
DROP INDEX runs_open_by_owner;
CREATE INDEX runs_open_by_owner ON runs (owner) WHERE (
    status = 'pending' OR status = 'queued' OR status = 'in_progress' OR status = 'requires_action'
    OR status = 'cancelling'
);
DROP INDEX runs_waiting;
CREATE INDEX runs_waiting ON runs (owner, n, lease_until, status, parked, crash_score)
WHERE (status = 'queued' OR status = 'in_progress' OR status = 'cancelling') AND parked = 0 AND crash_score < 10;
DROP INDEX runs_suspected;
CREATE INDEX runs_suspected ON runs (claimed_at, crash_score, lease_until, owner, status, parked)
WHERE (status = 'queued' OR status = 'in_progress' OR status = 'cancelling') AND parked = 0 AND crash_score >= 10;

DROP TRIGGER users_erase;
CREATE TRIGGER users_erase AFTER UPDATE OF erased ON users WHEN new.erased = 1 BEGIN
    DELETE FROM api_keys WHERE owner = new.id;
    UPDATE runs
    SET status = 'erased', version = version + 1, lease = NULL, lease_until = NULL, parked = 0, action_expires_at = NULL
    WHERE owner = new.id AND (
        status = 'pending' OR status = 'queued' OR status = 'in_progress' OR status = 'requires_action'
        OR status = 'cancelling'
    );
END;
