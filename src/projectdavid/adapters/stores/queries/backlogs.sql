-- name: runs_by_status
-- returns: StatusCountRow
-- The open runs of all owners by status, at most `limit` together.
SELECT o.status, count(*) AS amount FROM (SELECT status FROM runs WHERE $OPEN LIMIT :limit) AS o GROUP BY o.status;

-- name: queue_backlogs
-- returns: QueueBacklogRow
-- Each queue: the number of entries that wait, at most `limit`; since when the oldest of them that is due waits; and the
-- end of the lease that ends first. Runs and files are due from their creation, deliveries from their next attempt. It
-- reads only indexes, except for one row of each queue.
SELECT
    'runs' AS queue,
    (
        SELECT count(*) FROM (
            SELECT 1 FROM runs AS r INDEXED BY runs_waiting
            WHERE r.$TO_WORK_ON AND r.parked = 0 AND r.crash_score < 10
                AND (r.lease_until IS NULL OR r.lease_until <= :now)
            LIMIT :limit
        ) AS w
    ) AS amount,
    (
        SELECT CAST(f.created_at AS DOUBLE PRECISION) FROM runs AS f WHERE f.n = (
            SELECT min(w.n) FROM (
                SELECT r.n FROM runs AS r INDEXED BY runs_waiting
                WHERE r.$TO_WORK_ON AND r.parked = 0 AND r.crash_score < 10
                    AND (r.lease_until IS NULL OR r.lease_until <= :now)
                LIMIT :limit
            ) AS w
        )
    ) AS oldest_at,
    (SELECT min(l.lease_until) FROM runs AS l WHERE l.lease_until IS NOT NULL) AS lease_until
UNION ALL
SELECT
    'ingest' AS queue,
    (
        SELECT count(*) FROM (
            SELECT 1 FROM vector_store_files AS v INDEXED BY vector_store_files_waiting
            WHERE (v.status = 'in_progress' OR v.stale = 1) AND (v.lease_until IS NULL OR v.lease_until <= :now)
            LIMIT :limit
        ) AS w
    ) AS amount,
    (
        SELECT CAST(f.created_at AS DOUBLE PRECISION) FROM vector_store_files AS f WHERE f.n = (
            SELECT min(w.n) FROM (
                SELECT v.n FROM vector_store_files AS v INDEXED BY vector_store_files_waiting
                WHERE (v.status = 'in_progress' OR v.stale = 1) AND v.stale = 0 AND v.next_at <= :now
                    AND (v.lease_until IS NULL OR v.lease_until <= :now)
                LIMIT :limit
            ) AS w
        )
    ) AS oldest_at,
    (SELECT min(l.lease_until) FROM vector_store_files AS l WHERE l.lease_until IS NOT NULL) AS lease_until
UNION ALL
SELECT
    'outbox' AS queue,
    (SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE status = 'pending' LIMIT :limit) AS w) AS amount,
    (SELECT min(next_at) FROM deliveries WHERE status = 'pending' AND next_at <= :now) AS oldest_at,
    NULL AS lease_until;
