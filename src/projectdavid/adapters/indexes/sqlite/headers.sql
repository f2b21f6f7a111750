-- The column names of the table within which a chunk begins.
ALTER TABLE chunks ADD COLUMN header TEXT NOT NULL DEFAULT '';
