-- name: rate_take
-- returns: TakenTokensRow
-- A token bucket as the time at which it is full again. Takes `batch` tokens if as many are left afterwards, else one.
-- Affects no row if none is left. A time after `latest` is that of a clock which was set back; it counts as a full bucket.
INSERT INTO rate_limits AS b (owner, full_at, taken) VALUES (:owner, :now + :batch_seconds, :batch)
ON CONFLICT (owner) DO UPDATE SET
    full_at = CASE WHEN b.full_at > :latest THEN :now ELSE max(b.full_at, :now) END
        + CASE WHEN b.full_at + 2 * :batch_seconds <= :until THEN :batch_seconds ELSE :each_seconds END,
    taken = CASE WHEN b.full_at + 2 * :batch_seconds <= :until THEN :batch ELSE 1 END
WHERE b.full_at + :each_seconds <= :until OR b.full_at > :latest
RETURNING taken;

-- name: rate_full_at
-- returns: FullAtRow
SELECT full_at FROM rate_limits WHERE owner = :owner;

-- name: rate_limits_prune
-- returns: OwnerRow
DELETE FROM rate_limits WHERE owner IN (SELECT owner FROM rate_limits WHERE full_at <= :before LIMIT :limit)
RETURNING owner;
