-- name: revision_is
-- returns: FoundRow
-- Return a row if the object still has this revision.
SELECT 1 AS found FROM revisions WHERE kind = :kind AND n = :n AND owner = :owner AND revision = :revision;

-- name: ticket_use
-- Violates the unique id if the ticket was used before.
INSERT INTO used_tickets (id, expires_at) VALUES (:id, :expires_at);

-- name: used_tickets_prune
-- returns: FoundRow
DELETE FROM used_tickets WHERE id IN (
    SELECT id FROM used_tickets WHERE expires_at <= :before LIMIT :limit
)
RETURNING 1 AS found;
