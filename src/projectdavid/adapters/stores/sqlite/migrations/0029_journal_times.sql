-- When the entries of a row were written, in Unix milliseconds; NULL in rows of earlier versions. The entries of one row have
-- one time, unless rows were merged: then `spans` has the number of entries and the milliseconds since the first entry, for
-- each of the merged rows: [3,0,2,120].
ALTER TABLE journal ADD COLUMN written_ms INTEGER;
ALTER TABLE journal ADD COLUMN spans TEXT;
