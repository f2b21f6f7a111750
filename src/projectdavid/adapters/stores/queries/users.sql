-- name: user_insert
INSERT INTO users (id, is_admin, created_at, updated_at, body) VALUES (:id, :is_admin, :now, :now, :body);

-- name: user
-- returns: UserRow
SELECT n, id, is_admin, created_at, updated_at, body, limits, revision FROM users WHERE id = :id AND erased = 0;

-- name: users_none
-- returns: FoundRow
-- Return a row if there is no user yet.
SELECT 1 AS found WHERE NOT EXISTS (SELECT 1 FROM users WHERE erased = 0);

-- name: user_update
UPDATE users SET
    body = :body, is_admin = :is_admin, limits = :limits, updated_at = :now, revision = revision + 1
WHERE id = :id AND revision = :revision AND erased = 0;

-- name: admin_remains
-- returns: FoundRow
-- Return a row unless this user is the only admin with a valid key.
SELECT 1 AS found
WHERE NOT EXISTS (SELECT 1 FROM users WHERE id = :id AND is_admin = 1) OR EXISTS (
    SELECT 1 FROM users AS u JOIN api_keys AS k ON k.owner = u.id
    WHERE u.is_admin = 1 AND u.id <> :id AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > :now)
);

-- name: admin_key_remains
-- returns: FoundRow
-- Return a row unless this key is the only valid key of an admin.
SELECT 1 AS found
WHERE NOT EXISTS (
    SELECT 1 FROM users AS u JOIN api_keys AS k ON k.owner = u.id
    WHERE k.owner = :owner AND u.is_admin = 1 AND k.prefix = :prefix
        AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > :now)
) OR EXISTS (
    SELECT 1 FROM users AS u JOIN api_keys AS k ON k.owner = u.id
    WHERE u.is_admin = 1 AND k.prefix <> :prefix AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > :now)
);

-- name: user_promote
UPDATE users SET is_admin = 1, updated_at = :now, revision = revision + 1 WHERE id = :id;

-- name: user_limit
UPDATE users SET limits = :limits, revision = revision + 1 WHERE id = :id AND erased = 0;

-- name: user_delete
-- Hide the user, delete the keys and end the open runs; `Store.sweep` deletes the rest.
UPDATE users SET erased = 1, is_admin = 0, body = '{}', limits = '{}' WHERE id = :id AND erased = 0;

-- name: users_page
-- returns: UserRow
SELECT n, id, is_admin, created_at, updated_at, body, limits, revision FROM users
WHERE erased = 0 AND n $PAST COALESCE(:after, $START)
ORDER BY n $ORDER LIMIT :limit;

-- name: user_position
-- returns: PositionRow
-- The position in lists, also of a deleted object.
SELECT p.position FROM (
    SELECT COALESCE(
        (SELECT n FROM users WHERE id = :id),
        (SELECT position FROM erasures WHERE user_hash = :hash)
    ) AS position
) AS p WHERE p.position IS NOT NULL;

-- name: caller
-- returns: CallerRow
-- The user of a valid key. Runs once per request.
SELECT u.id, u.is_admin, u.limits, k.prefix, k.last_used_at, k.approves
FROM api_keys AS k JOIN users AS u ON u.id = k.owner
WHERE k.hash = :hash AND u.erased = 0 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > :now);

-- name: key_insert
INSERT INTO api_keys (prefix, hash, owner, name, created_at, expires_at)
VALUES (:prefix, :hash, :owner, :name, :now, :expires_at);

-- name: key_restrict
-- In the transaction of `key_insert`: the key cannot decide about approvals.
UPDATE api_keys SET approves = 0 WHERE owner = :owner AND prefix = :prefix;

-- name: keys_of
-- returns: ApiKeyRow
SELECT prefix, owner, name, created_at, expires_at, last_used_at, revoked_at, approves FROM api_keys
WHERE owner = :owner ORDER BY n;

-- name: key_of
-- returns: ApiKeyRow
SELECT prefix, owner, name, created_at, expires_at, last_used_at, revoked_at, approves FROM api_keys
WHERE owner = :owner AND prefix = :prefix;

-- name: key_revoke
UPDATE api_keys SET revoked_at = :now WHERE owner = :owner AND prefix = :prefix AND revoked_at IS NULL;

-- name: keys_expire
-- Revoke an owner's expired keys, so they no longer count against the limit of keys.
UPDATE api_keys SET revoked_at = expires_at WHERE owner = :owner AND revoked_at IS NULL AND expires_at <= :now;

-- name: key_used
UPDATE api_keys SET last_used_at = :now WHERE prefix = :prefix;

-- name: keys_prune
-- Delete all but the newest `most` of an owner's revoked keys.
DELETE FROM api_keys WHERE owner = :owner AND revoked_at IS NOT NULL AND n NOT IN (
    SELECT n FROM api_keys WHERE owner = :owner AND revoked_at IS NOT NULL ORDER BY n DESC LIMIT :most
);
