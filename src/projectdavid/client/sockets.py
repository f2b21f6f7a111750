"""WebSockets for the SDK: where to, as whom, and which error a failure is."""

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
from projectdavid.client.settings import Target
from projectdavid.client.wire import USER_AGENT, status_error
from projectdavid.protocol.computer import FRAMES, TerminalFrame, UnknownFrame

_REFUSED = 1008
"""The code with which the server ends what may not be, or not any more."""


def options(target: Target, path: str, query: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """The URL of a WebSocket of a server, and how to open it."""
    url = f"ws{target.base_url.removeprefix('http')}{path}?{urlencode(query)}"
    more: dict[str, Any] = {"user_agent_header": USER_AGENT, "compression": None}
    if url.startswith("wss:"):
        more["ssl"] = ssl.create_default_context()
    if target.is_loopback:  # no proxy of the environment can reach it
        more["proxy"] = None
    return url, more


@contextmanager
def failures_of(target: Target) -> Generator[None]:
    """Make what goes wrong with a WebSocket an error of the SDK."""
    try:
        from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus, WebSocketException
    except ImportError as error:
        raise ImportError("watching needs the package websockets: pip install 'projectdavid[server]'") from error
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
        raise APIConnectionError(f"the server broke off {where}: {error}") from error
    except TimeoutError as error:
        raise APITimeoutError(f"no answer from the server in time {where}") from error
    except (OSError, WebSocketException) as error:
        raise APIConnectionError(f"no answer from the server {where}: {error}", sent=False) from error


def frame_of(message: str) -> TerminalFrame:
    """The frame that a message is.

    Raises:
        InvalidAnswerError: it is none.
    """
    try:
        kind = FRAMES.get(UnknownFrame.model_validate_json(message).type, UnknownFrame)
        return kind.model_validate_json(message)
    except ValidationError as error:
        raise InvalidAnswerError(f"the server sent something else than a frame of a terminal: {error}") from error
