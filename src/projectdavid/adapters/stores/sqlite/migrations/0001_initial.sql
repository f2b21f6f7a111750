-- Numbers are never given twice: whoever still reads by one must not meet the next owner of it.

-- Users and their keys. Only a keyed hash of a key is stored.
CREATE TABLE users (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    is_admin INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE api_keys (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    prefix TEXT NOT NULL UNIQUE,
    hash BLOB NOT NULL UNIQUE,
    owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX api_keys_by_owner ON api_keys (owner, n);

-- `body` is the object as it goes over the wire.
CREATE TABLE assistants (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    version INTEGER NOT NULL DEFAULT 1,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX assistants_by_owner ON assistants (owner, n);

CREATE TABLE threads (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    meta_data TEXT NOT NULL,
    tool_resources TEXT NOT NULL,
    participants TEXT NOT NULL
) STRICT;
CREATE INDEX threads_by_owner ON threads (owner, n);

-- The order inside a thread is `n`, never a time. `content` is JSON: text or blocks. `calls` is what a turn of the model
-- asked for; `call_id` marks the output of such a call.
CREATE TABLE messages (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    thread INTEGER NOT NULL REFERENCES threads (n) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    role TEXT NOT NULL,
    content TEXT NOT NULL,
    assistant_id TEXT,
    run_id TEXT,
    status TEXT,
    reason TEXT,
    calls TEXT,
    call_id TEXT,
    action_id TEXT,
    reasoning TEXT,
    meta_data TEXT
) STRICT;
CREATE INDEX messages_by_thread ON messages (thread, n);

-- What runs are made with, each kept once however many runs share it.
CREATE TABLE configs (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    thread INTEGER NOT NULL REFERENCES threads (n) ON DELETE CASCADE,
    assistant_id TEXT NOT NULL,
    status TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    expires_at REAL NOT NULL,
    lease TEXT,
    lease_until REAL,
    model TEXT NOT NULL,
    config INTEGER NOT NULL REFERENCES configs (n),
    meta_data TEXT NOT NULL,
    state TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_owner ON runs (owner, n);
CREATE INDEX runs_by_thread ON runs (thread, n);
CREATE INDEX runs_by_config ON runs (config);
CREATE UNIQUE INDEX runs_open ON runs (thread)
WHERE status IN ('pending', 'queued', 'in_progress', 'requires_action', 'cancelling');
CREATE INDEX runs_to_work_on ON runs (n) WHERE status IN ('queued', 'in_progress', 'cancelling');
CREATE INDEX runs_to_expire ON runs (expires_at)
WHERE status IN ('pending', 'queued', 'in_progress', 'requires_action', 'cancelling');

-- A row is `count` events that follow one another, the first at `position`.
CREATE TABLE journal (
    run INTEGER NOT NULL REFERENCES runs (n) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    count INTEGER NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

-- The ledger of function calls.
CREATE TABLE tool_calls (
    action_id TEXT PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (n) ON DELETE CASCADE,
    call_id TEXT NOT NULL,
    turn INTEGER NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    arguments TEXT NOT NULL,
    mark TEXT,
    output TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    UNIQUE (run, call_id)
) STRICT, WITHOUT ROWID;
