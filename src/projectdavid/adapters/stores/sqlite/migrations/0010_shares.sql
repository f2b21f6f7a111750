-- What the claims of a run since its last progress count, when the last of them was counted, and whether the model has
-- said nothing since. See `runtime/runs/crashes`.
ALTER TABLE runs ADD COLUMN crash_score INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN claimed_at REAL;
ALTER TABLE runs ADD COLUMN silent INTEGER NOT NULL DEFAULT 0;

-- Both queues are read owner by owner. Each index has every column that its queue is searched by.
DROP INDEX runs_to_work_on;
CREATE INDEX runs_waiting ON runs (owner, n, lease_until, status, parked, crash_score)
WHERE status IN ('queued', 'in_progress', 'cancelling') AND parked = 0 AND crash_score < 10;
CREATE INDEX runs_suspected ON runs (claimed_at, crash_score, lease_until, owner, status, parked)
WHERE status IN ('queued', 'in_progress', 'cancelling') AND parked = 0 AND crash_score >= 10;
CREATE INDEX runs_leased ON runs (owner, lease_until, lease) WHERE lease_until IS NOT NULL;

-- `attempts` counts failures, `crashes` the claims that ended without an outcome because their process died.
ALTER TABLE vector_store_files ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vector_store_files ADD COLUMN owner_id TEXT NOT NULL DEFAULT '';
UPDATE vector_store_files SET owner_id = s.owner FROM vector_stores AS s WHERE s.n = vector_store_files.store;

DROP INDEX vector_store_files_to_ingest;
CREATE INDEX vector_store_files_waiting ON vector_store_files (stale, owner_id, n, next_at, lease_until, status)
WHERE status = 'in_progress' OR stale = 1;
DROP INDEX vector_store_files_held;
CREATE INDEX vector_store_files_leased ON vector_store_files (owner_id, lease_until, lease)
WHERE lease_until IS NOT NULL;
