"""Log lines as JSON objects, with the ids of the request and the run that they are about."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from projectdavid.instruments.work_context import current_work

MAX_LINE = 16 * 1024
"""Maximum bytes of a line; messages and stack traces are cut to fit."""
_CUT = " [cut]"
_KEY = re.compile(r"\b(pd_[\w-]{9})[\w-]{16,}|\b(whsec_)[\w+/=-]{16,}|(\bBearer )[^\s\"']{8,}")
"""Keys of users, secrets of webhooks, and values of `Authorization`; the groups are the parts that remain."""
_IDS = ("request_id", "run_id", "thread_id", "trace_id", "span_id")


class JsonFormatter(logging.Formatter):
    """Formats records as one JSON object a line. `instance` is the process that writes them.

    The attribute `fields` of a record, a dictionary, adds fields.
    """

    def __init__(self, instance: str) -> None:
        super().__init__()
        self._instance = instance

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": redact(record.getMessage()),
            "instance": self._instance,
        }
        work = current_work.get()
        line |= {name: value for name in _IDS if (value := getattr(work, name))}
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0] is not None:
            line["error.type"] = record.exc_info[0].__qualname__
            line["error.stack"] = redact(self.formatException(record.exc_info))
        return _encode(line)


def redact(text: str) -> str:
    """Return a text without the secret parts of keys, in case a message contains one."""
    return _KEY.sub(lambda found: "".join(part or "" for part in found.groups()) + "[redacted]", text)


def _encode(line: dict[str, Any]) -> str:
    """Encode a line; if it is too long, cut the stack trace at its beginning, then the message at its end."""
    encoded = json.dumps(line)
    for name in ("error.stack", "msg"):
        text = str(line.get(name, ""))
        while len(encoded) > MAX_LINE and text:
            keep = len(text) // 2
            text = text[len(text) - keep :] if name == "error.stack" else text[:keep]
            line[name] = _CUT.strip() + " " + text if name == "error.stack" else text + _CUT
            encoded = json.dumps(line)
    return encoded
