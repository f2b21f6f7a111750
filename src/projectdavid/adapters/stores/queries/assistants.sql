-- name: assistant_insert
-- returns: RevisionRow
INSERT INTO assistants (id, owner, body) VALUES (:id, :owner, :body) RETURNING n, revision;

-- name: assistant
-- returns: AssistantRow
SELECT n, id, revision, body FROM assistants WHERE id = :id AND owner = :owner;

-- name: assistant_update
UPDATE assistants SET body = :body, revision = revision + 1 WHERE id = :id AND owner = :owner AND revision = :revision;

-- name: assistant_delete
-- Hide the assistant; `Store.sweep` deletes it and the configurations of its runs.
UPDATE assistants SET owner = 'erased', body = '{}' WHERE id = :id AND owner = :owner;

-- name: assistants_page
-- returns: AssistantRow
SELECT n, id, revision, body FROM assistants
WHERE owner = :owner AND n $PAST COALESCE(:after, $START)
ORDER BY n $ORDER LIMIT :limit;

-- name: assistant_position
-- returns: PositionRow
-- The position in lists, also of a deleted object.
SELECT p.position FROM (
    SELECT COALESCE(
        (SELECT n FROM assistants WHERE id = :id AND owner = :owner),
        (SELECT position FROM tombstones WHERE owner = :owner AND kind = 'assistant' AND id = :id)
    ) AS position
) AS p WHERE p.position IS NOT NULL;
