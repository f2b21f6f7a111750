-- Token buckets, which may be lost: they are full after a crash of the server.
CREATE UNLOGGED TABLE rate_limits (
    owner text PRIMARY KEY,
    full_at double precision NOT NULL,
    taken bigint NOT NULL
);
