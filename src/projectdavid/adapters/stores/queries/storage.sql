-- name: storage_used
-- returns: StoredAmountRow
-- The stored amounts of an owner, by the name of the limit.
SELECT kind, amount FROM storage_used WHERE owner = :owner;

-- name: storage_room
-- returns: FoundRow
-- Return a row if the owner stores at most `most` of a kind. Runs after the write, in the same transaction.
SELECT 1 AS found WHERE NOT EXISTS (
    SELECT 1 FROM storage_used WHERE owner = :owner AND kind = :kind AND amount > :most
);

-- name: messages_room
-- returns: FoundRow
-- Return a row if the thread has at most `most` messages.
SELECT 1 AS found FROM threads WHERE id = :thread_id AND owner = :owner AND messages <= :most;

-- name: store_files_room
-- returns: FoundRow
-- Return a row if the vector store has at most `most` files.
SELECT 1 AS found FROM vector_stores WHERE id = :store_id AND owner = :owner AND files <= :most;
