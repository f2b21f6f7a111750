-- What of a file can be wrong or is lost in the index: a JSON array of sentences.
ALTER TABLE vector_store_files ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]';
-- The same of a page of the web.
ALTER TABLE pages ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]';
