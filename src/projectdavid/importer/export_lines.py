"""Parser of exports: JSON Lines, or one JSON value in a file, in any of the common forms.

Forms: objects as the SDKs returned them; pages of these, `{"object": "list", "data": [...]}`; arrays of these; and flat
lines of messages, `{thread_id, assistant_id, message_id, role, text, created_at}`.
"""

import json
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from projectdavid.importer.source import Json

MAX_LINE = 32 << 20
"""Bytes per line."""
MAX_WHOLE = 256 << 20
"""Bytes of a file that is parsed as one JSON value."""
PARENTS = {"thread.message": "thread_id", "vector_store.file": "vector_store_id"}
"""The field that names an object's parent."""
DEPTH = 4
"""Levels of nested lists to search."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be parsed; lines are counted from 1."""

    file: str
    line: int
    reason: str


class ExportReader:
    """Reads export files. Messages without an id get one that is the same on each read."""

    def __init__(self) -> None:
        self._alike: Counter[bytes] = Counter()

    def read(self, path: Path) -> Generator[Json | BadLine]:
        """Yield the objects of a file, and its invalid lines.

        Raises:
            OSError: the file cannot be read.
        """
        with path.open("rb") as file:
            for number, line in _lines(file):
                if isinstance(line, str):
                    yield BadLine(str(path), number, line)
                    continue
                try:
                    value = _parse(line)
                except ValueError as error:
                    whole = _whole(path) if number == 1 else None
                    if whole is None:
                        yield BadLine(str(path), number, f"not JSON: {error}")
                        continue
                    yield from self._objects(whole, str(path), 1, DEPTH)
                    return
                yield from self._objects(value, str(path), number, DEPTH)

    def _objects(self, value: Any, file: str, line: int, depth: int) -> Generator[Json | BadLine]:
        items = value if isinstance(value, list) else None
        if isinstance(value, dict) and value.get("object") == "list":
            items = value.get("data")
        if isinstance(items, list) and depth > 0:
            for item in items:
                yield from self._objects(item, file, line, depth - 1)
        elif not isinstance(value, dict):
            yield BadLine(file, line, "expected a JSON object")
        elif isinstance(kind := value.get("object"), str):
            parent = PARENTS.get(kind)
            if kind == "list":
                yield BadLine(file, line, "'data' is not a list")
            elif parent is not None and not (isinstance(value.get(parent), str) and value[parent]):
                yield BadLine(file, line, f"{parent}: required")
            else:
                yield value
        else:
            yield self._flat(value, file, line)

    def _flat(self, value: Mapping[str, Any], file: str, line: int) -> Json | BadLine:
        """Convert a flat line to the message that the service would have returned."""
        text = value.get("text", value.get("content"))
        missing = [name for name in ("thread_id", "role") if not isinstance(value.get(name), str)]
        if missing or not isinstance(text, str | list):
            expected = "expected an object with 'object', or a flat line with 'thread_id', 'role' and 'text'"
            return BadLine(file, line, f"expected {expected}")
        content = [{"type": "text", "text": {"value": text, "annotations": []}}] if isinstance(text, str) else text
        message: Json = {
            "object": "thread.message",
            "id": value.get("message_id", value.get("id")),
            "thread_id": value["thread_id"],
            "role": value["role"],
            "content": content,
            "created_at": _seconds(value.get("created_at")),
            **{name: value[name] for name in ("assistant_id", "run_id", "metadata", "attachments") if name in value},
        }
        if message["id"] is None:
            message["id"] = self._derive_id(message)
        return message

    def _derive_id(self, message: Json) -> str:
        """Derive an id from a message's content and the number of equal messages before it."""
        said = json.dumps([message[name] for name in ("thread_id", "role", "created_at", "content")]).encode()
        digest = sha256(said).digest()
        self._alike[digest] += 1
        return f"line:{sha256(digest + self._alike[digest].to_bytes(8, 'big')).hexdigest()[:32]}"


def _lines(file: BinaryIO) -> Generator[tuple[int, bytes | str]]:
    """Yield the non-empty lines by number; a line that is too long is replaced by the reason."""
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE)
            yield number, f"longer than {MAX_LINE} bytes"
        elif stripped := line.removeprefix(b"\xef\xbb\xbf").strip():
            yield number, stripped


def _whole(path: Path) -> Any:
    """Parse a file that is one JSON value over several lines; None if it is not."""
    if path.stat().st_size > MAX_WHOLE:
        return None
    try:
        return _parse(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        return None


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text.decode(), parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start + 1}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _seconds(value: Any) -> Any:
    """Convert a time of a flat line to Unix seconds; the server rejects invalid times."""
    if isinstance(value, float) and value == value and abs(value) < 1e15:
        return int(value)
    if isinstance(value, str):
        try:
            return int(datetime.fromisoformat(value).timestamp())
        except (ValueError, OverflowError):
            return value
    return value
