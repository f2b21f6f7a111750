-- name: page_kept
-- returns: WebPageRow
SELECT url, final_url, title, text, warnings FROM pages WHERE owner = :owner AND url = :url AND read_at > :since;

-- name: page_keep
INSERT OR REPLACE INTO pages (owner, url, read_at, final_url, title, text, warnings)
VALUES (:owner, :url, :now, :final_url, :title, :text, :warnings);

-- name: pages_bound
-- Delete all but the newest `most` pages of an owner.
DELETE FROM pages WHERE owner = :owner AND n <= (
    SELECT n FROM pages WHERE owner = :owner ORDER BY n DESC LIMIT 1 OFFSET :most
);

-- name: pages_prune
-- returns: NumberRow
DELETE FROM pages WHERE n IN (SELECT n FROM pages WHERE read_at <= :before LIMIT :limit) RETURNING n;
