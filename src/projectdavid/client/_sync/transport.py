# Made from client/_async/transport.py by scripts/unasync.py: do not edit.
"""Sends requests, repeats those that may be repeated, and turns failures into errors of the SDK."""

from collections.abc import Generator
from itertools import count
from typing import Any, TypeVar
from uuid import uuid4

import httpx2

from projectdavid.client.errors import APIConnectionError, APIStatusError
from projectdavid.client.lists import Listing, cursor, portion
from projectdavid.client.primitives import close_with, in_place, pause
from projectdavid.client.retry import Deadline, Retry
from projectdavid.client.saving import Saving
from projectdavid.client.settings import Target
from projectdavid.client.sse import Frame, FrameDecoder
from projectdavid.client.uploading import OnProgress
from projectdavid.client.wire import (
    USER_AGENT,
    Call,
    connection_error,
    encoded,
    read,
    status_error,
)

T = TypeVar("T")

CONNECT_TIMEOUT = 10.0
KEEP_ALIVE = 4.0
"""Seconds that an idle connection is kept: less than the five after which most servers hang up."""


class Transport:
    """A pool of connections to one server, and the key that opens it."""

    def __init__(
        self, target: Target, timeout: float | None, retry: Retry, inner: httpx2.BaseTransport | None = None
    ) -> None:
        self.target = target
        self.retry = retry
        self._timeout = timeout
        self._http = httpx2.Client(
            headers={"X-API-Key": target.api_key, "User-Agent": USER_AGENT},
            timeout=self._patience(timeout),
            limits=httpx2.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=KEEP_ALIVE),
            transport=inner,
            verify=target.trust(),
            # A proxy of the environment cannot reach, and should not see, what stays on this machine.
            trust_env=not target.is_loopback,
        )
        close_with(self, self._http)

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
        """Send a request and read the answer as `kind`; a POST with an idempotency key, `key` or a new one.

        With `if_match`, the server does it only to the object that has this `etag`.

        Raises:
            APIConnectionError, APIStatusError, InvalidAnswerError: as their docstrings say.
        """
        headers: dict[str, str] = {"If-Match": if_match} if if_match is not None else {}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid4()) if key is None else key
        return read(kind, self.send(Call(method, path, query, body, headers)))

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
    ) -> Listing[T]:
        """One page of at most `limit` items, or without a limit all pages to the end, asked for `size` at a time."""
        items: Listing[T] = Listing()
        while True:
            reply = self.send(Call("GET", path, cursor(size if limit is None else limit, order, after) | (query or {})))
            page = portion(kind, reply)
            items.extend(page.items)
            if limit is not None or page.next is None or page.next == after:
                return items
            after = page.next

    def send(self, call: Call) -> httpx2.Response:
        """Send a request that happens once however often it is sent, until it succeeds or enough was tried.

        The answer has been read.
        """
        for attempt in count():
            try:
                return self._attempt(call, self._timeout, stream=False)
            except (APIConnectionError, APIStatusError) as failure:
                seconds = self.retry.pause(attempt, failure)
                if seconds is None:
                    raise
            pause(seconds)
        raise AssertionError("unreachable")

    def save(self, call: Call, saving: Saving, on_progress: OnProgress | None) -> None:
        """Write the body of an answer as it comes; from the beginning again if it breaks off, as often as `send`."""
        for attempt in count():
            try:
                self._save(call, saving, on_progress)
                return
            except (APIConnectionError, APIStatusError) as failure:
                seconds = self.retry.pause(attempt, failure)
                if seconds is None:
                    raise
            pause(seconds)

    def _save(self, call: Call, saving: Saving, on_progress: OnProgress | None) -> None:
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

    def frames(self, call: Call, deadline: Deadline | None = None) -> Generator[Frame | None]:
        """Send a request once and yield None when it is accepted, then the frames of its stream as they arrive.

        Raises:
            APIConnectionError: broken off, or nothing came for too long, keep-alives included.
            APIStatusError: refused.
        """
        timeout = deadline.shorten(self._timeout) if deadline else self._timeout
        response = self._attempt(call, timeout, stream=True)
        decoder = FrameDecoder()
        chunks = response.iter_bytes()
        try:
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

    def _attempt(self, call: Call, timeout: float | None, *, stream: bool) -> httpx2.Response:
        headers = {"Accept": "text/event-stream"} if stream else {"Accept": "application/json"}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        request = self._http.build_request(
            call.method,
            self.target.base_url + call.path,
            params=call.query,
            content=call.stream() if call.stream else None if call.body is None else encoded(call.body),
            headers=headers | (call.headers or {}),
            timeout=self._patience(timeout),
        )
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
        raise status_error(response)

    @staticmethod
    def _patience(timeout: float | None) -> httpx2.Timeout:
        connect = CONNECT_TIMEOUT if timeout is None else min(timeout, CONNECT_TIMEOUT)
        return httpx2.Timeout(timeout, connect=connect)
