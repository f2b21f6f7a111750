"""Uploads that are refused, or do not come to their end: nothing stays of them."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.server.conftest import serving
from tests.server.talking import Caller, ok, refused, stored
from tests.timeouts import EVENT_TIMEOUT

PATHS = ("/v1/files", "/v1/uploads")
FORM = {"content-type": "multipart/form-data; boundary=b"}
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc\r\n'
PURPOSE = b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nx\r\n'
END = b"--b--\r\n"


def field(name: str, value: bytes = b"x") -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), value)


BAD: dict[str, tuple[bytes, int, str, str | None]] = {
    "nothing": (b"", 400, "incomplete_body", None),
    "no file": (PURPOSE + END, 422, "missing_field", "file"),
    "no part at all": (END, 422, "missing_field", "file"),
    "a file without a name": (field("file") + END, 422, "invalid_value", "file"),
    "a file with an empty name": (FILE.replace(b'"a"', b'""') + END, 422, "invalid_value", "file"),
    "a name that is no UTF-8": (FILE.replace(b'"a"', b'"\xff"') + END, 422, "invalid_value", "file"),
    "a name with a NUL alone": (FILE.replace(b'"a"', b'"\x00"') + END, 422, "invalid_value", "file"),
    "two files": (FILE + FILE + END, 422, "invalid_value", "file"),
    "a field twice": (FILE + PURPOSE + PURPOSE + END, 422, "invalid_value", "purpose"),
    "an unknown field": (FILE + field("name") + END, 422, "unknown_field", "name"),
    "a thousand fields": (FILE + b"".join(field(f"x{n}") for n in range(1000)) + END, 422, "unknown_field", "x0"),
    "an unknown field before the file": (field("name") + FILE + END, 422, "unknown_field", "name"),
    "a long purpose": (FILE + field("purpose", b"x" * 10_000) + END, 422, "invalid_value", "purpose"),
    "an empty purpose": (FILE + field("purpose", b"") + END, 422, "invalid_value", "purpose"),
    "a purpose that is no UTF-8": (FILE + field("purpose", b"\xff") + END, 422, "invalid_value", "purpose"),
    "an end that is no number": (FILE + field("expires_after", b"1h") + END, 422, "invalid_value", "expires_after"),
    "an end at once": (FILE + field("expires_after", b"0") + END, 422, "invalid_value", "expires_after"),
    "an end far away": (FILE + field("expires_after", b"315360001") + END, 422, "invalid_value", "expires_after"),
    "no end": (FILE, 400, "incomplete_body", None),
    "half an end": (FILE + b"--b", 400, "incomplete_body", None),
    "half a file": (FILE[:-4], 400, "incomplete_body", None),
    "a wrong boundary": (FILE.replace(b"--b", b"--c") + END, 400, "invalid_multipart", None),
    "JSON": (b"{}", 400, "invalid_multipart", None),
    "a part without a name": (FILE.replace(b' name="file";', b"") + END, 400, "invalid_multipart", None),
    "a part that is no field": (FILE.replace(b"form-data", b"attachment") + END, 400, "invalid_multipart", None),
    "a part without headers": (b"--b\r\n\r\nabc\r\n" + END, 400, "invalid_multipart", None),
    "a long header": (FILE.replace(b'"a"', b'"%b"' % (b"a" * 100_000)) + END, 400, "invalid_multipart", None),
    "many headers": (
        FILE.replace(b"\r\n\r\nabc", b"\r\nX: y" * 1000 + b"\r\n\r\nabc") + END,
        400,
        "invalid_multipart",
        None,
    ),
    "a file in base64": (
        FILE.replace(b"\r\n\r\nabc", b"\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj") + END,
        400,
        "invalid_multipart",
        None,
    ),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("body", "status", "code", "param"), BAD.values(), ids=BAD)
def test_a_form_that_is_wrong_is_refused_and_leaves_nothing(
    user: Caller, folder: Path, path: str, body: bytes, status: int, code: str, param: str | None
) -> None:
    before = stored(folder)
    message = refused(user.post(path, content=body, headers=FORM), status, code, param)
    assert param is None or message.startswith(f"{param}: ")
    assert stored(folder) == before
    assert ok(user.get("/v1/files"))["data"] == []


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/mixed; boundary=b", None])
def test_what_calls_itself_no_form_is_refused(user: Caller, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    message = refused(user.post("/v1/files", content=FILE + END, headers=headers), 415, "unsupported_media_type")
    assert "multipart/form-data" in message


@pytest.mark.parametrize("rest", ["", "; boundary=", f"; boundary={'b' * 71}"])
def test_a_form_without_a_boundary_is_refused(user: Caller, rest: str) -> None:
    headers = {"content-type": f"multipart/form-data{rest}"}
    refused(user.post("/v1/files", content=FILE + END, headers=headers), 400, "invalid_multipart")


LIMIT = 100_000


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Caller, Path]]:
    """A user of a server that takes small files, and smaller bodies of all else; and its folder."""
    path: Path = tmp_path_factory.mktemp("small")
    with serving(path, max_file=LIMIT, max_body=4096) as server, Caller(server.base_url, "", server.api_key) as user:
        yield user, path


def test_a_file_of_the_largest_size_is_taken_and_one_byte_more_is_not(small: tuple[Caller, Path]) -> None:
    user, folder = small
    file = user.upload(bytes(LIMIT))
    assert file["bytes"] == LIMIT
    before = stored(folder)
    response = user.post("/v1/files", files={"file": ("a", bytes(LIMIT + 1))})
    assert str(LIMIT) in refused(response, 413, "file_too_large", "file")
    assert stored(folder) == before


@contextmanager
def begun(user: Caller, *headers: str) -> Iterator[socket.socket]:
    """A connection on which the head of an upload was sent."""
    url = httpx2.URL(str(user.base_url))
    lines = ("POST /v1/files HTTP/1.1", "host: x", f"x-api-key: {user.headers['x-api-key']}", *headers)
    with socket.create_connection((url.host, url.port or 80), timeout=EVENT_TIMEOUT) as connection:
        connection.sendall("\r\n".join([*lines, f"content-type: {FORM['content-type']}", "", ""]).encode())
        yield connection


def test_a_length_that_is_too_large_is_refused_before_anything_comes(small: tuple[Caller, Path]) -> None:
    user, folder = small
    before = stored(folder)
    with begun(user, "content-length: 1000000000") as connection:
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"file_too_large","param":"file"' in answer
    assert stored(folder) == before


def test_a_body_that_does_not_tell_its_length_is_refused_when_it_is_too_large(small: tuple[Caller, Path]) -> None:
    user, folder = small
    before = stored(folder)
    with begun(user, "transfer-encoding: chunked") as connection:
        for piece in (FILE[:-5], *[bytes(50_000)] * 3):
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"file_too_large","param":"file"' in answer
    assert stored(folder) == before


def test_an_upload_that_is_broken_off_leaves_nothing(
    small: tuple[Caller, Path], wait_for: Callable[[Callable[[], object]], None]
) -> None:
    user, folder = small
    before = stored(folder)
    with begun(user, "content-length: 50000") as connection:
        connection.sendall(FILE[:-5])
        wait_for(lambda: stored(folder) - before)
    wait_for(lambda: stored(folder) == before)


def test_bodies_of_strangers_are_not_read(stranger: httpx2.Client, folder: Path) -> None:
    before = stored(folder)
    refused(stranger.post("/v1/files", content=FILE + END, headers=FORM), 401, "invalid_api_key")
    assert stored(folder) == before
