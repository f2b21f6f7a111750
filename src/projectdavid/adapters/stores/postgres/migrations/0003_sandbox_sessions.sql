-- The processes that share the database, and the sandbox sessions that each has; processes write their rows again.
CREATE UNLOGGED TABLE instances (
    id text PRIMARY KEY,
    role text NOT NULL,
    address text,
    seen_at double precision NOT NULL
);

CREATE UNLOGGED TABLE sandbox_sessions (
    thread text NOT NULL,
    kind text NOT NULL,
    worker text NOT NULL,
    opened_at double precision NOT NULL,
    used_at double precision NOT NULL,
    PRIMARY KEY (thread, kind)
);
CREATE INDEX sandbox_sessions_by_worker ON sandbox_sessions (worker);
