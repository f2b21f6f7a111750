"""Parses files and vector stores of the source."""

from collections.abc import Mapping
from typing import Any

from projectdavid.api.imports.notes import ImportNotes, ImportRefused, note, validate
from projectdavid.api.imports.resources import pick, to_mapping, without_nulls
from projectdavid.api.imports.shapes import FileShape, StoreFileShape, StoreShape
from projectdavid.engine.file_names import clean_file_name


def read_file(value: Mapping[str, Any], notes: ImportNotes) -> FileShape:
    """Parse a file, and sanitize its name.

    Raises:
        ImportRefused: a field is invalid.
    """
    fields = pick(value, ("id", "created_at", "filename", "purpose", "bytes", "expires_at"))
    file = validate(FileShape, fields)
    try:
        name = clean_file_name(file.filename)
    except ValueError as error:
        raise ImportRefused(note("invalid_value", f"filename: {error}", "filename")) from None
    if name != file.filename:
        notes.add("name_changed", f"The file is named '{name}' here.", "filename", file.filename)
    return file.model_copy(update={"filename": name})


def read_store(value: Mapping[str, Any], notes: ImportNotes) -> StoreShape:
    """Parse a vector store.

    Raises:
        ImportRefused: a field is invalid.
    """
    fields = pick(value, ("id", "created_at", "name", "description", "metadata"))
    expiry = without_nulls(to_mapping(value.get("expires_after")))
    if expiry:
        fields["expires_after"] = expiry
    if value.get("status") == "expired":
        fields["expired"] = True
        notes.add("expired", "The vector store had expired at its source, and is imported without files.", "status")
    return validate(StoreShape, fields)


def read_store_file(value: Mapping[str, Any], notes: ImportNotes) -> StoreFileShape:  # noqa: ARG001 - as the others
    """Parse a file of a vector store, which this server ingests again.

    Raises:
        ImportRefused: a field is invalid, or its ingest was cancelled at the source.
    """
    if value.get("status") == "cancelled":
        raise ImportRefused(note("cancelled", "The ingest of this file was cancelled at its source."))
    fields = pick(value, ("created_at", "vector_store_id"))
    store_id, file_id = value.get("vector_store_id"), value.get("id")
    fields |= {"id": f"{store_id}/{file_id}", "file_id": file_id}
    attributes = without_nulls(to_mapping(value.get("attributes")))
    if attributes:
        fields["attributes"] = attributes
    strategy = to_mapping(value.get("chunking_strategy"))
    if strategy.get("type") == "static":
        fields["chunking_strategy"] = without_nulls(strategy)
    return validate(StoreFileShape, fields)
