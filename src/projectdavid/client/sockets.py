"""WebSockets of the SDK: URL, authentication and errors."""

import ssl
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import httpx2
from pydantic import ValidationError

from projectdavid.client.errors import (
    APIConnectionError,
    APITimeoutError,
    InvalidAnswerError,
    PermissionDeniedError,
)
from projectdavid.client.settings import ServerTarget
from projectdavid.client.wire import USER_AGENT, status_error
from projectdavid.distribution import DISTRIBUTION
from projectdavid.protocol.computer import FRAMES, TerminalFrame, UnknownFrame

_REFUSED = 1008
"""The close code of the server for a missing or lost permission."""


def options(target: ServerTarget, path: str, query: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """Return the URL of a WebSocket, and the options to open it."""
    url = f"ws{target.base_url.removeprefix('http')}{path}?{urlencode(query)}"
    more: dict[str, Any] = {"user_agent_header": USER_AGENT, "compression": None}
    if url.startswith("wss:"):
        more["ssl"] = ssl.create_default_context()
    if target.is_loopback:  # a proxy of the environment cannot reach the local machine
        more["proxy"] = None
    return url, more


@contextmanager
def failures_of(target: ServerTarget) -> Generator[None]:
    """Convert WebSocket failures to errors of the SDK."""
    try:
        from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus, WebSocketException
    except ImportError as error:
        raise ImportError(f"watching needs the package websockets: pip install '{DISTRIBUTION}[server]'") from error
    where = f"({target.base_url})"
    try:
        yield
    except ConnectionClosedOK:
        return
    except InvalidStatus as error:
        answer = error.response
        headers = list(answer.headers.raw_items())
        raise status_error(
            httpx2.Response(answer.status_code, headers=headers, content=bytes(answer.body or b""))
        ) from error
    except ConnectionClosedError as error:
        ended = error.rcvd
        if ended is not None and ended.code == _REFUSED:
            raise PermissionDeniedError(ended.reason, status_code=403) from error
        raise APIConnectionError(f"the server closed the connection {where}: {error}") from error
    except TimeoutError as error:
        raise APITimeoutError(f"no response from the server in time {where}") from error
    except (OSError, UnicodeError, WebSocketException) as error:
        raise APIConnectionError(f"no response from the server {where}: {error}", sent=False) from error


def frame_of(message: str) -> TerminalFrame:
    """Parse a message as a frame.

    Raises:
        InvalidAnswerError: it is not a frame.
    """
    try:
        kind = FRAMES.get(UnknownFrame.model_validate_json(message).type, UnknownFrame)
        return kind.model_validate_json(message)
    except ValidationError as error:
        raise InvalidAnswerError(f"the server sent something other than a terminal frame: {error}") from error
