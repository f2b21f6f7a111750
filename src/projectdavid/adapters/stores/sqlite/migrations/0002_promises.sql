-- A parked run waits for its turn in a thread that another run has: 1 behind those that wait already, 2 before them.
ALTER TABLE runs ADD COLUMN parked INTEGER NOT NULL DEFAULT 0;
-- Until when it waits for the outputs of its calls, while it does.
ALTER TABLE runs ADD COLUMN action_expires_at REAL;
-- The open part of the API key with which it was created.
ALTER TABLE runs ADD COLUMN key_prefix TEXT NOT NULL DEFAULT '';

DROP INDEX runs_open;
CREATE UNIQUE INDEX runs_open ON runs (thread)
WHERE status IN ('pending', 'queued', 'in_progress', 'requires_action', 'cancelling') AND parked = 0;
DROP INDEX runs_to_work_on;
CREATE INDEX runs_to_work_on ON runs (n) WHERE status IN ('queued', 'in_progress', 'cancelling') AND parked = 0;
CREATE INDEX runs_parked ON runs (thread, parked, n) WHERE parked > 0;
CREATE INDEX runs_to_answer ON runs (action_expires_at) WHERE action_expires_at IS NOT NULL;
CREATE INDEX runs_open_by_owner ON runs (owner)
WHERE status IN ('pending', 'queued', 'in_progress', 'requires_action', 'cancelling');

-- `tool` is the platform tool that runs the call; NULL: its caller does. `outcome` is 'unknown' where nobody can say
-- whether it happened.
ALTER TABLE tool_calls ADD COLUMN tool TEXT;
ALTER TABLE tool_calls ADD COLUMN effect TEXT NOT NULL DEFAULT 'unsafe';
ALTER TABLE tool_calls ADD COLUMN started_at INTEGER;
ALTER TABLE tool_calls ADD COLUMN outcome TEXT;

-- What a user may use, as JSON; what it does not say is not limited.
ALTER TABLE users ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';

-- The keys with which webhooks are signed. The one without an end is the one that is made known; others end soon.
CREATE TABLE webhook_secrets (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    assistant_id TEXT NOT NULL REFERENCES assistants (id) ON DELETE CASCADE,
    secret TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;
CREATE INDEX webhook_secrets_by_assistant ON webhook_secrets (assistant_id);

-- The outbox of webhooks: what is promised, written with what it tells of. `body` goes out as these bytes; `log` is a
-- JSON array of the attempts. While `sending`, `next_at` is when whoever sends it is given up; 2: to be sent again then.
CREATE TABLE deliveries (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    assistant_id TEXT NOT NULL,
    run_id TEXT,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    sending INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    next_at REAL NOT NULL,
    ended_at INTEGER,
    log TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE INDEX deliveries_by_owner ON deliveries (owner, n);
CREATE INDEX deliveries_by_run ON deliveries (run_id, n);
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE status = 'pending';
CREATE INDEX deliveries_open_by_run ON deliveries (run_id, n) WHERE status = 'pending';
CREATE INDEX deliveries_ended ON deliveries (ended_at) WHERE ended_at IS NOT NULL;

-- What was answered to a POST with an `Idempotency-Key`. Without a status, it was done, and is answered anew: its ids and
-- secrets come of `seed` and the server's secret, and `answer` is what it noted for that.
CREATE TABLE idempotency (
    owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    seed BLOB NOT NULL,
    made_at REAL NOT NULL,
    status INTEGER,
    answer BLOB,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (made_at);

-- What models were paid for, by day (UTC, in days since 1970). `cost` is in millionths of the currency of the prices;
-- NULL: no price was known.
CREATE TABLE usage (
    owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    day INTEGER NOT NULL,
    assistant_id TEXT NOT NULL,
    key_prefix TEXT NOT NULL,
    model TEXT NOT NULL,
    turns INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cost INTEGER,
    PRIMARY KEY (owner, day, assistant_id, key_prefix, model)
) STRICT, WITHOUT ROWID;
