-- name: meta
-- returns: MetaRow
SELECT value FROM meta WHERE key = :key;

-- name: meta_add
-- Affects no row if the key exists.
INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO NOTHING;

-- name: meta_set
INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value;
