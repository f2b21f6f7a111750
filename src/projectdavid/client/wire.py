"""Requests and responses as values: paths, bodies, and the error of a response. No I/O."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import TypeAdapter, ValidationError

from projectdavid.client.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    InvalidAnswerError,
    InvalidInputError,
    error_class,
)
from projectdavid.distribution import VERSION
from projectdavid.protocol.base import Answer
from projectdavid.protocol.errors import ErrorAnswer

T = TypeVar("T")

USER_AGENT = f"projectdavid-python/{VERSION}"

_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)
_SHOWN = 300
"""Characters of an unexpected error page that an error quotes."""
_FAULTS = 3
"""Validation faults of a response that an error names."""


class HttpReply(Protocol):
    """The parts of a response that parsing needs."""

    @property
    def content(self) -> bytes:
        """The body."""
        ...

    @property
    def headers(self) -> httpx2.Headers:
        """The headers."""
        ...


class IdentifiedObject(Protocol):
    """An object of the API."""

    @property
    def id(self) -> str:
        """Its id."""
        ...


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One API request: `path` follows the base URL; `body` is any JSON value, or None for no body.

    `stream` creates the body in pieces, once for each attempt. With `once`, there is one attempt.
    """

    method: str
    path: str
    query: dict[str, str] | None = None
    body: Any = None
    headers: dict[str, str] | None = None
    stream: Callable[[], Any] | None = None
    once: bool = False


def id_of(thing: str | IdentifiedObject) -> str:
    """Return the id of an object, or the id itself.

    Raises:
        InvalidInputError: it is neither.
    """
    found = thing if isinstance(thing, str) else getattr(thing, "id", None)
    if not isinstance(found, str):
        raise InvalidInputError(f"expected an id or an object with one, not {type(thing).__name__}")
    return found


def at(template: str, *ids: str) -> str:
    """Return a path with its ids inserted and escaped.

    Raises:
        InvalidInputError: an id is empty or cannot be encoded, so the path would name something else.
    """
    for one in ids:
        if not isinstance(one, str) or one in ("", ".", ".."):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidInputError(f"not an id: {one!r}")
    try:
        return template.format(*(quote(one, safe="") for one in ids))
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"not an id: {error.object!r} contains a lone surrogate") from error


def encode_body(body: Any) -> bytes:
    """Encode a request body as JSON; it can contain pydantic models.

    Raises:
        InvalidInputError: part of it cannot be represented in JSON.
    """
    try:
        return _ANYTHING.dump_json(body)
    except (ValueError, TypeError, RecursionError) as error:  # raised by pydantic for values, and by their methods
        raise InvalidInputError(f"the request cannot be encoded as JSON: {error}") from error


def prepare(call: ApiCall) -> ApiCall:
    """Return the same call with its body as bytes, so an iterator in it is read only once across retries.

    Raises:
        InvalidInputError: the body cannot be encoded as JSON, or a header is not printable ASCII text.
    """
    for name, value in (call.headers or {}).items():
        if not (isinstance(value, str) and value.isascii() and value.isprintable()):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidInputError(f"the header {name} must be printable ASCII text, not {value!r}")
    return call if call.body is None else replace(call, body=encode_body(call.body))


@lru_cache(maxsize=256)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def read(kind: type[T], reply: HttpReply) -> T:
    """Parse the body of a response as `kind`.

    Raises:
        InvalidAnswerError: the body does not match.
    """
    try:
        value: T = _adapter(kind).validate_json(reply.content)
    except ValidationError as error:
        name = getattr(kind, "__name__", str(kind))
        begin = _excerpt(reply.content)
        raise InvalidAnswerError(
            f"the response is not a {name}; is the base URL that of a Project David server?"
            f" {faults_of(error)}; the response begins with {begin!r}"
        ) from error
    _tag(value, reply)
    return value


def faults_of(error: ValidationError) -> str:
    """Return the first few faults that pydantic found, in one line."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    texts = [": ".join(filter(None, (".".join(map(str, fault["loc"])), fault["msg"]))) for fault in faults[:_FAULTS]]
    return "; ".join(texts) + ("; ..." if len(faults) > _FAULTS else "")


def _excerpt(body: bytes) -> str:
    """Return the beginning of a body as one line of text, whatever its declared encoding."""
    return re.sub(r"\s+", " ", body[: 4 * _SHOWN].decode("utf-8", "replace")).strip()[:_SHOWN]


def _tag(value: Any, reply: HttpReply) -> None:
    if isinstance(value, Answer) and "etag" in reply.headers:
        vars(value)["_etag"] = reply.headers["etag"]


def connection_error(error: httpx2.RequestError) -> APIConnectionError:
    """Convert a failure of the transport to an error of the SDK."""
    kind = APITimeoutError if isinstance(error, httpx2.TimeoutException) else APIConnectionError
    where = f" ({error.request.method} {_origin(error.request.url)})" if _has_request(error) else ""
    reason = str(error) or type(error).__name__
    what = (
        "the response cannot be decoded" if isinstance(error, httpx2.DecodingError) else "no response from the server"
    )
    return kind(f"{what}{where}: {reason}", sent=not isinstance(error, _NEVER_SENT))


def status_error(response: httpx2.Response) -> APIStatusError:
    """Convert an error response, whose body has been read, to an error of the SDK."""
    status = response.status_code
    code = param = None
    try:
        body = ErrorAnswer.model_validate_json(response.content).error
        message, code, param = body.message, body.code, body.param
    except ValidationError:
        message = _excerpt(response.content) or response.reason_phrase or "the server sent no message"
    return error_class(status)(
        message,
        status_code=status,
        code=code,
        param=param,
        request_id=response.headers.get("x-request-id"),
        retry_after=retry_after(response.headers, datetime.now(UTC)),
    )


def retry_after(headers: httpx2.Headers, now: datetime) -> float | None:
    """Return the seconds to wait that the server asks for: `retry-after-ms`, or `Retry-After` (seconds or date)."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None or text is None:
        return seconds
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # raised for an invalid time zone
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
