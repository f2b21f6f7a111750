-- name: auth_code_insert
INSERT INTO auth_codes (hash, owner, key_prefix, expires_at) VALUES (:hash, :owner, :key_prefix, :expires_at);

-- name: auth_code
-- returns: CallerRow
-- The user of a valid code, and the key that created it.
SELECT u.id, u.is_admin, u.limits, k.prefix, k.last_used_at, k.approves
FROM auth_codes AS c JOIN api_keys AS k ON k.prefix = c.key_prefix JOIN users AS u ON u.id = k.owner
WHERE c.hash = :hash AND c.expires_at > :now
    AND u.erased = 0 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > :now);

-- name: auth_code_use
-- Affects no row if the code was used before, or the key that created it is no longer valid.
DELETE FROM auth_codes WHERE owner = :owner AND hash = :hash AND key_prefix IN (
    SELECT prefix FROM api_keys
    WHERE owner = :owner AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now)
);

-- name: auth_codes_trim
-- Delete all but the newest `most` of an owner's codes.
DELETE FROM auth_codes WHERE owner = :owner AND hash NOT IN (
    SELECT hash FROM auth_codes WHERE owner = :owner ORDER BY expires_at DESC LIMIT :most
);

-- name: auth_codes_prune
-- returns: FoundRow
DELETE FROM auth_codes WHERE hash IN (SELECT hash FROM auth_codes WHERE expires_at <= :before LIMIT :limit)
RETURNING 1 AS found;
