-- What the provider of a turn needs back with it, as a JSON object {source, fields, reasoning_field, calls}. `source` is the
-- provider and the model: it goes to no other.
ALTER TABLE messages ADD COLUMN provider_state TEXT;
