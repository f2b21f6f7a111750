"""Catalog files: JSON, compressed or plain, in our format or that of models.dev."""

import gzip
import io
import zlib
from pathlib import Path
from typing import Any

import msgspec

from projectdavid.adapters.model_catalog.document import CatalogDocument
from projectdavid.adapters.model_catalog.models_dev import convert

MAX_BYTES = 64 * 1024 * 1024
"""Maximum bytes of a catalog file, uncompressed."""
GZIP = b"\x1f\x8b"


class CatalogError(ValueError):
    """A catalog file cannot be read; the message names the file and what was expected."""


def read_catalog(path: Path) -> CatalogDocument:
    """Read a catalog file in our format or that of models.dev.

    Raises:
        CatalogError: the file is missing, too large, or not a catalog.
    """
    try:
        content = _uncompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise CatalogError(f"The catalog file {path} cannot be read: {error}.") from None
    if len(content) > MAX_BYTES:
        raise CatalogError(f"The catalog file {path} is larger than {MAX_BYTES >> 20} MB.")
    try:
        return _decode(content)
    except (ValueError, RecursionError) as error:
        raise CatalogError(
            f"{path} is not a model catalog: {error}. Expected the JSON of models.dev (api.json) or a file written by"
            " `projectdavid models update`."
        ) from None


def write_catalog(path: Path, document: CatalogDocument) -> None:
    """Write a compressed catalog file; equal documents produce equal bytes."""
    packed = gzip.compress(msgspec.json.encode(document, order="sorted"), compresslevel=9, mtime=0)
    draft = path.with_suffix(".new")
    draft.write_bytes(packed)
    draft.replace(path)


def _uncompress(content: bytes) -> bytes:
    if not content.startswith(GZIP):
        return content
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        return file.read(MAX_BYTES + 1)


def _decode(content: bytes) -> CatalogDocument:
    try:
        return msgspec.json.decode(content, type=CatalogDocument)
    except msgspec.ValidationError as error:
        published: Any = msgspec.json.decode(content)
        if isinstance(published, dict) and "providers" not in published:
            return convert(published, date="", source="models.dev")
        raise error
