-- The token buckets of owners, which only processes that share a store write. `full_at` is when a bucket is full again,
-- `taken` what the last operation took.
CREATE TABLE rate_limits (
    owner TEXT NOT NULL PRIMARY KEY,
    full_at REAL NOT NULL,
    taken INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
