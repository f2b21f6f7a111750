"""Requests and answers as values: paths, bodies, and which error an answer is. Sends nothing."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import TypeAdapter, ValidationError

from projectdavid.client.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    InvalidAnswerError,
    error_class,
)
from projectdavid.protocol.base import Answer
from projectdavid.protocol.errors import ErrorAnswer

T = TypeVar("T")

USER_AGENT = f"projectdavid-python/{version('projectdavid')}"

_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)
_SHOWN = 300
"""Characters of a foreign error page that an error quotes."""


class Reply(Protocol):
    """What is needed of an answer to read it."""

    @property
    def content(self) -> bytes:
        """The body."""
        ...

    @property
    def headers(self) -> httpx2.Headers:
        """The headers."""
        ...


class Identified(Protocol):
    """An object of the API."""

    @property
    def id(self) -> str:
        """Its id."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the API: `path` begins behind the base URL; `body` is anything JSON, None for no body.

    `stream` makes another body, in pieces, for each time that the request is sent.
    """

    method: str
    path: str
    query: dict[str, str] | None = None
    body: Any = None
    headers: dict[str, str] | None = None
    stream: Callable[[], Any] | None = None


def id_of(thing: str | Identified) -> str:
    """The id of an object, or the id itself."""
    return thing if isinstance(thing, str) else thing.id


def at(template: str, *ids: str) -> str:
    """A path with ids put into it, escaped.

    Raises:
        ValueError: an id is empty or no text, and so would name something else.
    """
    for one in ids:
        if not isinstance(one, str) or one in ("", ".", ".."):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"not an id: {one!r}")
    return template.format(*(quote(one, safe="") for one in ids))


def encoded(body: Any) -> bytes:
    """A request body as JSON; pydantic models may stand in it."""
    return _ANYTHING.dump_json(body)


@lru_cache(maxsize=256)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def read(kind: type[T], reply: Reply) -> T:
    """The body of an answer as `kind`.

    Raises:
        InvalidAnswerError: it is something else.
    """
    try:
        value: T = _adapter(kind).validate_json(reply.content)
    except ValidationError as error:
        name = getattr(kind, "__name__", str(kind))
        raise InvalidAnswerError(
            f"the answer is not a {name}; is the base URL that of a Project David server? {error}"
        ) from error
    _tag(value, reply)
    return value


def _tag(value: Any, reply: Reply) -> None:
    if isinstance(value, Answer) and "etag" in reply.headers:
        vars(value)["_etag"] = reply.headers["etag"]


def connection_error(error: httpx2.RequestError) -> APIConnectionError:
    """The error of ours that a failure of the transport is."""
    kind = APITimeoutError if isinstance(error, httpx2.TimeoutException) else APIConnectionError
    where = f" ({error.request.method} {_origin(error.request.url)})" if _has_request(error) else ""
    reason = str(error) or type(error).__name__
    return kind(f"no answer from the server{where}: {reason}", sent=not isinstance(error, _NEVER_SENT))


def status_error(response: httpx2.Response) -> APIStatusError:
    """The error of ours that an answer with an error status is; its body has been read."""
    status = response.status_code
    code = param = None
    try:
        body = ErrorAnswer.model_validate_json(response.content).error
        message, code, param = body.message, body.code, body.param
    except ValidationError:
        shown = re.sub(r"\s+", " ", response.text).strip()[:_SHOWN]
        message = shown or response.reason_phrase or "the server said nothing"
    return error_class(status)(
        message,
        status_code=status,
        code=code,
        param=param,
        request_id=response.headers.get("x-request-id"),
        retry_after=retry_after(response.headers, datetime.now(UTC)),
    )


def retry_after(headers: httpx2.Headers, now: datetime) -> float | None:
    """Seconds after which the server wants to be asked again: `retry-after-ms`, or `Retry-After` (seconds or date)."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None or text is None:
        return seconds
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)


def _number(text: str | None) -> float | None:
    if text is None or not re.fullmatch(r"\s*\d{1,12}(\.\d{1,12})?\s*", text):
        return None
    return float(text)


def _has_request(error: httpx2.RequestError) -> bool:
    return getattr(error, "_request", None) is not None


def _origin(url: httpx2.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"
