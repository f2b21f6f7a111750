-- The names of the columns of the table that a chunk begins within.
ALTER TABLE chunks ADD COLUMN header TEXT NOT NULL DEFAULT '';
