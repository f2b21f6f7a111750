"""The target server of an import: sends objects in batches."""

import re
from collections.abc import Sequence
from typing import Any, BinaryIO

from pydantic_core import to_json

from projectdavid.client import APIStatusError, AsyncEntity
from projectdavid.importer.source import ImportProblem, ImportStopped, Json
from projectdavid.protocol.imports import BATCH_OBJECTS, IdPolicy, ImportedObject

BATCH_BYTES = 4 << 20
"""Bytes per request; a larger object is sent alone."""
STOPS = frozenset({"storage_limit_reached", "import_full", "import_ended"})
"""Error codes that would apply to all other objects, too."""
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class ImportTarget:
    """An import at the server.

    Args:
        client: the server.
        import_id: the import.
        id_policy: whether objects keep their ids.
        dry_run: only report what would happen.
    """

    def __init__(self, client: AsyncEntity, import_id: str, id_policy: IdPolicy, *, dry_run: bool) -> None:
        self._client = client
        self._import_id = import_id
        self._id_policy: IdPolicy = id_policy
        self._dry_run = dry_run
        self.problems: list[ImportProblem] = []

    async def add(self, objects: Sequence[Json], complete: Sequence[str] = ()) -> list[ImportedObject]:
        """Send objects, and return the outcomes of those that the server could parse.

        `complete` names threads whose last messages are included.

        Raises:
            ImportStopped: the server has no room for more.
            ProjectDavidError: it does not respond, or rejects the key.
        """
        results: list[ImportedObject] = []
        refused = len(self.problems)
        for batch in _batches([self._clean(one) for one in objects]):
            results += await self._send(batch)
        if complete and len(self.problems) == refused and not self._dry_run:
            await self._client.imports.add(self._import_id, [], complete=complete)
        return results

    async def add_file(self, file: Json, content: BinaryIO, *, text_only: bool = False) -> ImportedObject | None:
        """Send a file with its bytes; returns None if the server rejects it.

        Raises:
            ImportStopped, ProjectDavidError: as for `add`.
        """
        name = str(file.get("filename"))
        content.seek(0)
        try:
            return await self._client.imports.add_file(
                self._import_id,
                content,
                source_id=str(file["id"]),
                created_at=int(file["created_at"]),
                filename=f"{name}.txt" if text_only and not name.endswith(".txt") else name,
                purpose=str(file.get("purpose") or "assistants"),
                expires_at=file.get("expires_at"),
                id_policy=self._id_policy,
                text_only=text_only,
            )
        except APIStatusError as error:
            self._refuse(error, file)
            return None

    async def _send(self, batch: Sequence[Json]) -> list[ImportedObject]:
        try:
            return await self._client.imports.add(
                self._import_id, batch, id_policy=self._id_policy, dry_run=self._dry_run
            )
        except APIStatusError as error:
            if len(batch) > 1 and error.status_code in (400, 413, 422) and error.code not in STOPS:
                half = len(batch) // 2  # the server cannot parse one of them
                return [*await self._send(batch[:half]), *await self._send(batch[half:])]
            self._refuse(error, batch[0] if batch else {})
            return []

    def _refuse(self, error: APIStatusError, value: Json) -> None:
        """Record an object that the server rejected.

        Raises:
            ImportStopped: it would reject all others, too.
            APIStatusError: the server, the key or the import is the cause, not the object.
        """
        if error.code in STOPS:
            raise ImportStopped(
                str(error), "free storage or raise the limit, then run the same command again: it resumes the import"
            ) from None
        if error.status_code not in (400, 413, 422):
            raise error
        kind, one = str(value.get("object")), value.get("id")
        message = f"The server rejected it: {error}"
        self.problems.append(
            ImportProblem(kind, one if isinstance(one, str) else None, error.code or "refused", message)
        )

    def _clean(self, value: Json) -> Json:
        """Return an object without lone surrogates, which JSON cannot encode."""
        cleaned, changed = _without_surrogates(value)
        if changed:
            kind, one = str(value.get("object")), value.get("id")
            message = "Its text contains lone surrogates; each was replaced by U+FFFD."
            self.problems.append(ImportProblem(kind, one if isinstance(one, str) else None, "text_changed", message))
        return cleaned


def _without_surrogates(value: Any) -> tuple[Any, bool]:
    if isinstance(value, str):
        return (value, False) if value.isascii() else _replace_surrogates(value)
    if isinstance(value, dict):
        items = {_without_surrogates(name)[0]: _without_surrogates(item) for name, item in value.items()}
        return {name: item for name, (item, _) in items.items()}, any(changed for _, changed in items.values())
    if isinstance(value, list):
        found = [_without_surrogates(item) for item in value]
        return [item for item, _ in found], any(changed for _, changed in found)
    return value, False


def _replace_surrogates(text: str) -> tuple[str, bool]:
    cleaned, count = LONE_SURROGATE.subn("\ufffd", text)
    return cleaned, count > 0


def _batches(objects: Sequence[Json]) -> list[list[Json]]:
    batches: list[list[Json]] = []
    size = 0
    for one in objects:
        length = len(to_json(one))
        if not batches or len(batches[-1]) == BATCH_OBJECTS or size + length > BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(one)
        size += length
    return batches
