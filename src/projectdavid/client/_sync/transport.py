# Made from client/_async/transport.py by scripts/unasync.py: do not edit.
"""Sends requests, retries the safe ones, and converts failures to errors of the SDK."""

from collections.abc import Generator
from itertools import count
from typing import Any, TypeVar
from uuid import uuid4

import httpx2

from projectdavid.client.downloads import PendingDownload
from projectdavid.client.errors import (
    APIConnectionError,
    APIStatusError,
    InvalidAnswerError,
    InvalidInputError,
    InvalidStateError,
)
from projectdavid.client.lists import AnswerList, cursor, portion
from projectdavid.client.primitives import close_with, in_place, pause
from projectdavid.client.retry import Deadline, Retry
from projectdavid.client.settings import ServerTarget, check_timeout
from projectdavid.client.sse import FrameDecoder, SseFrame
from projectdavid.client.uploads import OnProgress
from projectdavid.client.wire import (
    USER_AGENT,
    ApiCall,
    connection_error,
    prepare,
    read,
    status_error,
)

T = TypeVar("T")

CONNECT_TIMEOUT = 10.0
KEEP_ALIVE = 4.0
"""Seconds to keep an idle connection. Most servers close it after five."""


class Transport:
    """A connection pool to one server, with its API key."""

    def __init__(
        self, target: ServerTarget, timeout: float | None, retry: Retry, inner: httpx2.BaseTransport | None = None
    ) -> None:
        self.target = target
        self.retry = retry
        check_timeout(timeout)
        self._timeout = timeout
        self._http = self._connections(inner)
        close_with(self, self._http)

    def _connections(self, inner: httpx2.BaseTransport | None) -> httpx2.Client:
        try:
            return httpx2.Client(
                headers={"X-API-Key": self.target.api_key, "User-Agent": USER_AGENT},
                timeout=self._patience(self._timeout),
                limits=httpx2.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=KEEP_ALIVE),
                transport=inner,
                verify=self.target.trust(),
                # A proxy cannot reach the local machine, and should not see its traffic.
                trust_env=not self.target.is_loopback,
            )
        except (
            ImportError,
            OSError,
            ValueError,
            httpx2.InvalidURL,
        ) as error:  # from SSL_CERT_FILE, HTTPS_PROXY and similar variables
            raise InvalidInputError(
                f"a proxy or certificate file set in the environment is invalid: {error}"
            ) from error

    def ask(
        self,
        kind: type[T],
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        key: str | None = None,
        if_match: str | None = None,
    ) -> T:
        """Send a request and parse the response as `kind`. A POST has an idempotency key: `key`, or a new one.

        With `if_match`, the request applies only if the `etag` of the object still matches.

        Raises:
            APIConnectionError, APIStatusError, InvalidAnswerError: see their docstrings.
        """
        headers: dict[str, str] = {"If-Match": if_match} if if_match is not None else {}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid4()) if key is None else key
        return read(kind, self.send(ApiCall(method, path, query, body, headers)))

    def list(
        self,
        kind: type[T],
        path: str,
        *,
        limit: int | None,
        order: str,
        after: str | None,
        size: int = 100,
        query: dict[str, str] | None = None,
    ) -> AnswerList[T]:
        """Return one page of at most `limit` items, or without a limit all pages, requested `size` items at a time."""
        items: AnswerList[T] = AnswerList()
        seen = {after}
        while True:
            reply = self.send(
                ApiCall("GET", path, cursor(size if limit is None else limit, order, after) | (query or {}))
            )
            page = portion(kind, reply)
            items.extend(page.items)
            if limit is not None or page.next is None or page.next == after:
                return items
            after = page.next
            if after in seen:
                raise InvalidAnswerError(f"the pages of {path} repeat: two of them end with {after!r}")
            seen.add(after)

    def send(self, call: ApiCall) -> httpx2.Response:
        """Send a request, with retries, and return its response, read completely."""
        call = prepare(call)
        for attempt in count():
            try:
                return self._attempt(call, self._timeout, stream=False)
            except (APIConnectionError, APIStatusError) as failure:
                seconds = None if call.once else self.retry.pause(attempt, failure)
                if seconds is None:
                    raise
            pause(seconds)
        raise AssertionError("unreachable")

    def save(self, call: ApiCall, saving: PendingDownload, on_progress: OnProgress | None) -> int:
        """Write the body of a response as it arrives, and return its size.

        If the connection breaks, the body is written from the beginning again, as often as `send` retries.
        """
        call = prepare(call)
        for attempt in count():
            try:
                return self._save(call, saving, on_progress)
            except (APIConnectionError, APIStatusError) as failure:
                seconds = self.retry.pause(attempt, failure)
                if seconds is None:
                    raise
            pause(seconds)
        raise AssertionError("unreachable")

    def _save(self, call: ApiCall, saving: PendingDownload, on_progress: OnProgress | None) -> int:
        response = self._attempt(call, self._timeout, stream=True)
        chunks = response.iter_bytes()
        done, total = 0, int(response.headers.get("content-length", 0))
        saving.restart()
        try:
            for chunk in chunks:
                in_place(saving.write, chunk)
                done += len(chunk)
                if on_progress is not None:
                    on_progress(done, total)
        except httpx2.RequestError as error:
            raise connection_error(error) from error
        finally:
            chunks.close()
            response.close()
        return done

    def frames(self, call: ApiCall, deadline: Deadline | None = None) -> Generator[SseFrame | None]:
        """Send a request once and yield None when it is accepted, then the frames of its stream as they arrive.

        Raises:
            APIConnectionError: the connection broke, or nothing arrived in time, keep-alives included.
            APIStatusError: the server refused the request.
            InvalidAnswerError: the response is not an event stream.
        """
        call = prepare(call)
        timeout = deadline.shorten(self._timeout) if deadline else self._timeout
        response = self._attempt(call, timeout, stream=True)
        decoder = FrameDecoder()
        chunks = response.iter_bytes()
        try:
            _check_is_stream(response)
            yield None
            for chunk in chunks:
                for frame in decoder.feed(chunk):
                    yield frame
                if deadline:
                    deadline.shorten(None)
        except httpx2.RequestError as error:
            raise connection_error(error) from error
        finally:
            chunks.close()
            response.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def _attempt(self, call: ApiCall, timeout: float | None, *, stream: bool) -> httpx2.Response:
        headers = {"Accept": "text/event-stream"} if stream else {"Accept": "application/json"}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        request = self._request(call, headers | (call.headers or {}), timeout)
        try:
            response = self._http.send(request, stream=stream)
            if response.is_success:
                return response
            try:
                response.read()
            finally:
                response.close()
        except httpx2.RequestError as error:
            raise connection_error(error) from error
        except RuntimeError as error:
            if call.stream is not None:  # errors of the caller's file or listener pass unchanged
                raise
            raise InvalidStateError(
                f"the client cannot be used here: {error}; was it closed, or created in another event loop?"
            ) from error
        raise status_error(response)

    def _request(self, call: ApiCall, headers: dict[str, str], timeout: float | None) -> httpx2.Request:
        if self._http.is_closed:
            raise InvalidStateError("the client is closed: create a new one")
        try:
            return self._http.build_request(
                call.method,
                self.target.base_url + call.path,
                params=call.query,
                content=call.stream() if call.stream else call.body,
                headers=headers,
                timeout=self._patience(timeout),
            )
        except (
            ValueError,
            TypeError,
            httpx2.InvalidURL,
        ) as error:  # the request itself can be invalid, for example an id of 70 kB
            raise InvalidInputError(f"the request {call.method} cannot be sent: {error}") from error

    @staticmethod
    def _patience(timeout: float | None) -> httpx2.Timeout:
        connect = CONNECT_TIMEOUT if timeout is None else min(timeout, CONNECT_TIMEOUT)
        return httpx2.Timeout(timeout, connect=connect)


def _check_is_stream(response: httpx2.Response) -> None:
    kind = response.headers.get("content-type", "")
    if not kind.strip().lower().startswith("text/event-stream"):
        raise InvalidAnswerError(
            f"the response is not an event stream but {kind or 'has no content type'}; "
            "is the base URL that of a Project David server?"
        )
