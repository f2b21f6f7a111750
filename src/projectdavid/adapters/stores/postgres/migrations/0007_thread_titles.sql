-- What a user calls a thread.
ALTER TABLE threads ADD COLUMN title text;
