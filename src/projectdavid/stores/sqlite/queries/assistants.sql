-- name: assistant_insert
INSERT INTO assistants (id, owner, body) VALUES (:id, :owner, :body);

-- name: assistant
SELECT n, id, revision, body FROM assistants WHERE id = :id AND owner = :owner;

-- name: assistant_update
UPDATE assistants SET body = :body, revision = revision + 1 WHERE id = :id AND owner = :owner AND revision = :revision;

-- name: assistant_delete
-- Hides the assistant; `Store.sweep` deletes it, with the configurations of its runs.
UPDATE assistants SET owner = 'erased', body = '{}' WHERE id = :id AND owner = :owner;

-- name: assistants_page
SELECT id, body FROM assistants
WHERE owner = :owner
    AND n $PAST COALESCE((SELECT n FROM assistants WHERE id = :after AND owner = :owner), $START)
ORDER BY n $ORDER LIMIT :limit;
