"""Operations on objects that all dialects share: lookup, creation, update and deletion."""
