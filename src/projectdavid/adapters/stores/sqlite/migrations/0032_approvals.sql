-- The approvals that calls need, and the decisions; and whether a key can make them. `arguments` are those of the
-- decision, if they differ from the call's.
CREATE TABLE approvals (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    run INTEGER NOT NULL REFERENCES runs (n) ON DELETE CASCADE,
    call_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    digest TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at REAL NOT NULL,
    verdict TEXT,
    note TEXT,
    arguments TEXT,
    decided_by TEXT,
    decided_at INTEGER,
    UNIQUE (run, call_id)
) STRICT;
CREATE INDEX approvals_by_owner ON approvals (owner, n);
ALTER TABLE api_keys ADD COLUMN approves INTEGER NOT NULL DEFAULT 1;
