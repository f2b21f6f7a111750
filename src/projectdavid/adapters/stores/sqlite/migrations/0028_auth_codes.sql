-- One-time codes that a key created and that are exchanged for an expiring key; only their hash is stored. A code is
-- valid as long as the key that created it.
CREATE TABLE auth_codes (
    hash BLOB NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key_prefix TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX auth_codes_by_owner ON auth_codes (owner, expires_at);
CREATE INDEX auth_codes_by_expiry ON auth_codes (expires_at);
