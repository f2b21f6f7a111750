-- Imports from other services: one for each source of an owner. A round begins with the first request and ends when the
-- import is ended; an interrupted import continues in its round.
CREATE TABLE imports (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    round INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    UNIQUE (owner, source)
) STRICT;
CREATE INDEX imports_by_owner ON imports (owner, n);

-- What became of each object of a source, written in the transaction that imports it. `id` is its id here; NULL: it was
-- refused. `round` is the one that wrote the row, `notes` a JSON array of what could not be imported as it was. Of
-- threads: `cursor` is the source id of the last message that was handled, `last_id` the last message that was
-- imported, `complete` the last round in which all messages were sent. Rows outlive their objects: what was deleted
-- here is not imported again.
CREATE TABLE imported_objects (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    import INTEGER NOT NULL REFERENCES imports (n) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    source_id TEXT NOT NULL,
    id TEXT,
    round INTEGER NOT NULL,
    notes TEXT NOT NULL DEFAULT '[]',
    cursor TEXT,
    last_id TEXT,
    complete INTEGER NOT NULL DEFAULT 0,
    UNIQUE (import, kind, source_id)
) STRICT;
CREATE INDEX imported_objects_by_import ON imported_objects (import, n);
CREATE INDEX imported_objects_noted ON imported_objects (import, n) WHERE notes <> '[]';
CREATE INDEX imported_objects_noted_by_id ON imported_objects (id) WHERE notes <> '[]';

-- How many objects of each kind were imported and refused; `added` counts those of `round`.
CREATE TABLE import_counts (
    import INTEGER NOT NULL REFERENCES imports (n) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    imported INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    added INTEGER NOT NULL,
    round INTEGER NOT NULL,
    PRIMARY KEY (import, kind)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER imported_objects_add AFTER INSERT ON imported_objects BEGIN
    INSERT INTO import_counts (import, kind, imported, refused, added, round)
    VALUES (new.import, new.kind, new.id IS NOT NULL, new.id IS NULL, new.id IS NOT NULL, new.round)
    ON CONFLICT (import, kind) DO UPDATE SET
        imported = imported + excluded.imported, refused = refused + excluded.refused,
        added = iif(round = excluded.round, added, 0) + excluded.added, round = excluded.round;
END;
CREATE TRIGGER imported_objects_accept AFTER UPDATE OF id ON imported_objects
WHEN old.id IS NULL AND new.id IS NOT NULL BEGIN
    UPDATE import_counts
    SET imported = imported + 1, refused = refused - 1, added = iif(round = new.round, added, 0) + 1, round = new.round
    WHERE import = new.import AND kind = new.kind;
END;

-- The notes of an assistant hold definitions of its tools, which are erased with it.
CREATE TRIGGER assistants_leave_notes AFTER UPDATE OF owner ON assistants BEGIN
    UPDATE imported_objects SET notes = '[]' WHERE id = old.id AND notes <> '[]' AND kind = 'assistant';
END;
