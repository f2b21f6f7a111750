"""Talk to a server, and read its streams byte for byte."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from tests.e2e.processes import PATIENCE

DONE = b"data: [DONE]\n\n"
QUIET = 60
"""Signs of life in a row (one a second) after which a stream counts as stuck."""


class Cut(Exception):
    """The connection ended before the answer did."""


class Refusal(Exception):
    """The server answered with an error."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.code: str = body["error"]["code"]
        self.body = body


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is, and the key that opens it.

    `silence` are the seconds after which a connection without a byte counts as cut; by default it fails the test.
    """

    url: str
    key: str
    silence: float | None = None

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request and its answer.

        Raises:
            Cut: the server is gone, or went before it had answered.
            Refusal: it answered with an error.
        """
        with Stream(self, path, method=method, body=body) as answer:
            return json.loads(answer.read())


class Stream:
    """One connection with one request; the answer is read as far as one likes.

    Raises:
        Cut: the server is gone.
        Refusal: it answered with an error.
    """

    def __init__(
        self, address: Address, path: str, *, method: str = "GET", body: Any = None, last: int | None = None
    ) -> None:
        parts = urlsplit(address.url)
        self._silence = address.silence
        timeout = address.silence or PATIENCE
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
        headers = {"X-API-Key": address.key, "Content-Type": "application/json"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        try:
            self._connection.request(method, path, None if body is None else json.dumps(body), headers)
            self._answer = self._connection.getresponse()
        except TimeoutError as error:
            self.close()
            raise self._silent(error) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Cut(str(error)) from error
        if self._answer.status >= 400:
            with self:
                raise Refusal(self._answer.status, json.loads(self.read()))

    def read(self, size: int | None = None) -> bytes:
        """The next `size` bytes, or all that come.

        Raises:
            Cut: the connection ended before that.
        """
        try:
            return self._answer.read(size)
        except TimeoutError as error:
            raise self._silent(error) from error
        except (OSError, http.client.HTTPException) as error:
            raise Cut(str(error)) from error

    def frames(self) -> Iterator[bytes]:
        """The frames as they come, without signs of life; the last one is `[DONE]`, and nothing is behind it.

        Raises:
            Cut: the connection ended before that.
        """
        quiet = 0
        while True:
            frame = self.frame()
            if frame.startswith(b":"):
                quiet += 1
                assert quiet < QUIET, "the stream is stuck"
                continue
            quiet = 0
            yield frame
            if frame == DONE:
                assert self.read(1) == b""
                return

    def frame(self) -> bytes:
        """The next frame, or sign of life.

        Raises:
            Cut: the connection ended before that.
        """
        lines: list[bytes] = []
        while not lines or lines[-1] != b"\n":
            try:
                line = self._answer.readline()
            except TimeoutError as error:
                raise self._silent(error) from error
            except (OSError, http.client.HTTPException) as error:
                raise Cut(str(error)) from error
            if not line.endswith(b"\n"):
                raise Cut(f"the stream ended with {line!r}")
            lines.append(line)
        return b"".join(lines)

    def _silent(self, error: TimeoutError) -> Exception:
        return error if self._silence is None else Cut(f"nothing for {self._silence:g} seconds")

    def close(self) -> None:
        """Go away."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Event:
    """What a frame says."""

    position: int
    name: str | None
    data: dict[str, Any]

    @property
    def kind(self) -> str:
        """What it tells."""
        return self.data["type"]


def event(frame: bytes) -> Event:
    """Read a frame strictly: the fields of an event, each in its line, in order."""
    *lines, blank, end = frame.split(b"\n")
    assert (blank, end) == (b"", b""), frame
    fields = [line.split(b": ", 1) for line in lines]
    names = [name for name, _ in fields]
    assert names in ([b"id", b"event", b"data"], [b"id", b"data"]), frame
    name = fields[1][1].decode() if len(fields) == 3 else None
    return Event(int(fields[0][1]), name, json.loads(fields[-1][1]))
