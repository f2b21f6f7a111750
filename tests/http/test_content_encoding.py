"""Bodies that are compressed: decoded within the limits of a body, or refused in words."""

import gzip
import json
import zlib

import pytest

from tests.http.raw import Answer, Connection, Target, ask

PATHS = {"/v1/threads": "meta_data", "/openai/v1/threads": "metadata"}
BY_PATH = pytest.mark.parametrize("path", PATHS)


def compressed(target: Target, path: str, data: bytes, encoding: str = "gzip", *headers: str) -> bytes:
    """A request with a compressed body."""
    fields = ("Content-Type: application/json", f"Content-Encoding: {encoding}", f"Content-Length: {len(data)}")
    return target.head(f"POST {path}", *fields, *headers) + data


def body(path: str, value: str = "b") -> bytes:
    """The JSON of a thread."""
    return json.dumps({PATHS[path]: {"a": value}}).encode()


def message(answer: Answer) -> str:
    """The text of an error."""
    return answer.json()["error"]["message"]


GOOD = {
    "gzip": gzip.compress,
    "gzip without compression": lambda data: gzip.compress(data, 0),
    "gzip with a file name": lambda data: gzip.compress(data)[:3] + b"\x08" + gzip.compress(data)[4:10] + b"a.json\0"
    + gzip.compress(data)[10:],
    "two members": lambda data: gzip.compress(data[:7]) + gzip.compress(data[7:]),
    "an empty member in front": lambda data: gzip.compress(b"") + gzip.compress(data),
}  # fmt: skip


@BY_PATH
@pytest.mark.parametrize("compress", GOOD.values(), ids=GOOD)
@pytest.mark.parametrize("name", ["gzip", "x-gzip", "GZip"])
def test_a_body_in_gzip_is_read(target: Target, path: str, compress: object, name: str) -> None:
    assert callable(compress)
    request = compressed(target, path, compress(body(path) + b" " * 40_000), name)
    with Connection(target) as connection:
        for segments in ((request,), [request[start : start + 20] for start in range(0, len(request), 20)][:400]):
            if sum(map(len, segments)) == len(request):
                connection.send(*segments)
                answer = connection.read()
                assert (answer.status, answer.json()[PATHS[path]]) == (200, {"a": "b"})


@BY_PATH
def test_a_chunked_body_in_gzip_is_read(target: Target, path: str) -> None:
    data = gzip.compress(body(path))
    chunks = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (5, data[:5], len(data) - 5, data[5:])
    answer = ask(target, target.chunked(path, chunks, "Content-Encoding: gzip"))
    assert (answer.status, answer.json()[PATHS[path]]) == (200, {"a": "b"})


@BY_PATH
def test_identity_is_no_encoding_and_an_empty_body_none_either(target: Target, path: str) -> None:
    for data, encoding in ((body(path), "identity"), (b"", "gzip"), (gzip.compress(b""), "gzip")):
        assert ask(target, compressed(target, path, data, encoding)).status == 200


@BY_PATH
@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "compress", "gzip, gzip", "gzip;q=1", "none"])
def test_another_encoding_is_refused_with_those_that_are_supported(target: Target, path: str, encoding: str) -> None:
    answer = ask(target, compressed(target, path, body(path), encoding))
    assert answer.status == 415
    assert f"'{encoding}'" in message(answer)
    assert "gzip" in message(answer)
    assert answer.headers["accept-encoding"] == "gzip, identity"


BAD = {
    "not compressed": lambda data: data,
    "zlib": zlib.compress,
    "cut": lambda data: gzip.compress(data)[:-1],
    "cut in the middle": lambda data: gzip.compress(data)[:20],
    "a wrong checksum": lambda data: gzip.compress(data)[:-8] + b"\0" * 8,
    "something after it": lambda data: gzip.compress(data) + b"more",
    "a second member that is cut": lambda data: gzip.compress(data) + gzip.compress(data)[:-1],
}


@BY_PATH
@pytest.mark.parametrize("compress", BAD.values(), ids=BAD)
def test_a_body_that_is_not_the_gzip_that_it_says_is_refused(target: Target, path: str, compress: object) -> None:
    assert callable(compress)
    answer = ask(target, compressed(target, path, compress(body(path))))
    assert answer.status == 400
    assert "not valid gzip" in message(answer)


BOMBS = {
    "one that expands a thousandfold": gzip.compress(b" " * 50_000_000, 1),
    "many members": gzip.compress(b" " * 1000) * 2000,
    "members without content": gzip.compress(b"") * 20_000,
}


@BY_PATH
@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_a_body_that_is_too_large_when_it_is_decoded_is_refused(target: Target, path: str, data: bytes) -> None:
    answer = ask(target, compressed(target, path, data))
    assert answer.status == 413, answer
    assert "bytes" in message(answer)


def test_a_file_can_be_compressed_on_its_way_too(target: Target) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n--x--\r\n'
    data = gzip.compress(form)
    fields = ("Content-Type: multipart/form-data; boundary=x", "Content-Encoding: gzip", f"Content-Length: {len(data)}")
    made = ask(target, target.head("POST /v1/files", *fields) + data)
    assert (made.status, made.json()["bytes"]) == (201, 5)
