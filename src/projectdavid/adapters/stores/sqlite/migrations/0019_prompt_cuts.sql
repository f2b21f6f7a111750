-- From which message on a thread is shown to a model, once it has outgrown the model's window. `source` is the provider and
-- the model. It moves in steps, so that the beginning of the prompt stays the same from turn to turn.
CREATE TABLE prompt_cuts (
    thread INTEGER NOT NULL REFERENCES threads (n) ON DELETE CASCADE,
    source TEXT NOT NULL,
    first INTEGER NOT NULL,
    PRIMARY KEY (thread, source)
) STRICT, WITHOUT ROWID;
