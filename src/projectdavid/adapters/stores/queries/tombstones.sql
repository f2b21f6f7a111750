-- name: tombstones_prune
-- returns: NumberRow
DELETE FROM tombstones
WHERE deleted_at <= :before AND n IN (SELECT n FROM tombstones ORDER BY n LIMIT :limit)
RETURNING n;
