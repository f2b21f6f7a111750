-- name: idempotency
-- returns: IdempotencyRow
-- The claim of a key, unless it is older than `since`.
SELECT fingerprint, seed, made_at, status, answer FROM idempotency
WHERE owner = :owner AND key = :key AND made_at > :since;

-- name: idempotency_claim
-- Written in the transaction of the request's effect; affects no row if the key was claimed after `since`.
INSERT INTO idempotency (owner, key, fingerprint, seed, made_at, answer)
VALUES (:owner, :key, :fingerprint, :seed, :made_at, :note)
ON CONFLICT (owner, key) DO UPDATE SET
    fingerprint = excluded.fingerprint, seed = excluded.seed, made_at = excluded.made_at, status = NULL,
    answer = excluded.answer
WHERE idempotency.made_at <= :since;

-- name: idempotency_answer
-- returns: FoundRow
-- Store the answer; affects no row if there already is one.
UPDATE idempotency SET status = :status, answer = :answer
WHERE owner = :owner AND key = :key AND seed = :seed AND status IS NULL
RETURNING 1 AS found;

-- name: idempotency_prune
-- returns: FoundRow
DELETE FROM idempotency WHERE (owner, key) IN (
    SELECT owner, key FROM idempotency WHERE made_at <= :until LIMIT :limit
)
RETURNING 1 AS found;
