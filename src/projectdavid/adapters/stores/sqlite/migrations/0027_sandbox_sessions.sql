-- The processes that share a store, and the sandbox sessions that each has; a process that has its store to itself writes
-- neither. `thread` is the id of a thread.
CREATE TABLE instances (
    id TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    address TEXT,
    seen_at REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sandbox_sessions (
    thread TEXT NOT NULL,
    kind TEXT NOT NULL,
    worker TEXT NOT NULL,
    opened_at REAL NOT NULL,
    used_at REAL NOT NULL,
    PRIMARY KEY (thread, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX sandbox_sessions_by_worker ON sandbox_sessions (worker);
