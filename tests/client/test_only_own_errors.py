"""Whatever a server answers and whatever is given to it, the SDK raises errors of its own, which say what happened."""

import asyncio
import gc
import gzip
import io
import json
import math
import re
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from projectdavid import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncEntity,
    BadRequestError,
    Entity,
    InternalServerError,
    InvalidAnswerError,
    InvalidInputError,
    InvalidStateError,
    NotFoundError,
    ProjectDavidError,
    RateLimitError,
    Retry,
    StreamBroken,
    StreamEnded,
    WebhookVerificationError,
    verify_webhook,
)
from tests.client.fake import DONE, KEY, frame
from tests.client.hostile import IMPATIENT, WALKS, Act, answering, http, stream
from tests.client.samples import FILE, RUN

SILENT = 0.2
"""Seconds that a client waits for a server that says nothing: these tests want it to give up."""
RETRIEVE: Act = lambda client: client.assistants.retrieve_assistant("a")  # noqa: E731
STREAM: Act = lambda client: client.runs.stream(run_id="run_1")  # noqa: E731
ACTS: dict[str, Act] = {
    "create": lambda client: client.runs.create_run("a", "t"),
    "list": lambda client: client.users.list(),
    "stream": STREAM,
    "inference": lambda client: _inference(client),
    "download": lambda client: client.files.download("f", Path(tempfile.gettempdir()) / "never-written"),
    "upload": lambda client: client.files.upload(b"x", filename="x"),
    "parts": lambda client: client.files.upload_in_parts(b"x", filename="x"),
}
OK = b"HTTP/1.1 200 OK\r\n"
DEEP = b"[" * 100_000 + b"]" * 100_000
ZIPPED = gzip.compress(json.dumps([*range(1000)]).encode())
CODECS = ("base64", "hex", "idna", "rot13", "punycode", "undefined", "utf-16", "zip", "uu", "nope", "\xff", '"')

# name: what the server answers, what a call raises, what it says
ANSWERS: dict[str, tuple[bytes, type[ProjectDavidError], str]] = {
    "nothing": (b"", APIConnectionError, "disconnected"),
    "not HTTP": (b"hello\r\n\r\n", APIConnectionError, "illegal status line"),
    "status in letters": (b"HTTP/1.1 abc\r\n\r\n", APIConnectionError, "illegal status line"),
    "status of four digits": (b"HTTP/1.1 1000 X\r\n\r\n", APIConnectionError, "illegal status line"),
    "status below 100": (b"HTTP/1.1 099 X\r\n\r\n", APIConnectionError, "status_code"),
    "header without a colon": (OK + b"nope\r\n\r\n", APIConnectionError, "illegal header line"),
    "header of 1 MB": (OK + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n", APIConnectionError, "too long"),
    "200,000 headers": (OK + b"A: b\r\n" * 200_000 + b"\r\n", APIConnectionError, "too long"),
    "length in letters": (OK + b"Content-Length: ten\r\n\r\n1", APIConnectionError, "bad Content-Length"),
    "negative length": (OK + b"Content-Length: -1\r\n\r\n1", APIConnectionError, "bad Content-Length"),
    "two lengths": (OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n12", APIConnectionError, "conflicting"),
    "too short": (OK + b"Content-Length: 30\r\n\r\n{}", APIConnectionError, "without sending complete"),
    "bad chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", APIConnectionError, "illegal chunk"),
    "cut chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\n{}", APIConnectionError, "incomplete chunked"),
    "unknown transfer coding": (OK + b"Transfer-Encoding: gzip\r\n\r\n{}", APIConnectionError, "Transfer-Encoding"),
    "an unrequested upgrade": (b"HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n", APIConnectionError, "no response"),
    "only 100 Continue": (b"HTTP/1.1 100 Continue\r\n\r\n", APIConnectionError, "disconnected"),
    "invalid gzip": (http(b"nope", "Content-Encoding: gzip"), APIConnectionError, "cannot be decoded"),
    "invalid deflate": (http(b"nope", "Content-Encoding: deflate"), APIConnectionError, "cannot be decoded"),
    "gzip cut short": (http(ZIPPED[:40], "Content-Encoding: gzip"), InvalidAnswerError, "JSON"),
    "unknown coding": (http(b"nope", "Content-Encoding: br"), InvalidAnswerError, "JSON"),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", InvalidAnswerError, "Project David server"),
    "empty": (http(b""), InvalidAnswerError, "Project David server"),
    "login page": (http(b"<html>Log in</html>", kind="text/html"), InvalidAnswerError, "begins with '<html>Log in"),
    "null": (http(b"null"), InvalidAnswerError, "begins with 'null'"),
    "number": (http(b"17"), InvalidAnswerError, "should be an object"),
    "wrong types": (http(b'{"id":{}}'), InvalidAnswerError, "id: Input should be a valid string"),
    "not UTF-8": (http(b'{"id":"\xff"}'), InvalidAnswerError, "unicode"),
    "UTF-16": (http('{"id":"a"}'.encode("utf-16")), InvalidAnswerError, "JSON"),
    "deep array": (http(DEEP), InvalidAnswerError, "recursion limit"),
    "deep object": (http(b'{"a":' * 5000 + b"1" + b"}" * 5000), InvalidAnswerError, "recursion limit"),
    "endless integer": (http(b'{"id":' + b"9" * 10_000 + b"}"), InvalidAnswerError, "number out of range"),
    "not a number": (http(b'{"id":NaN}'), InvalidAnswerError, "id: Input should be a valid string"),
    "page of a proxy": (http(b"<h1>Bad</h1>", status="502 X", kind="text/html"), InternalServerError, "<h1>Bad"),
    **{
        f"error page in {codec}": (
            http(b"<h1>Bad\xff", status="502 X", kind=f"text/html; charset={codec}"), InternalServerError, "<h1>Bad"
        )
        for codec in CODECS
    },
    "deep error": (http(DEEP, status="500 X"), InternalServerError, "status 500"),
    "error of wrong types": (http(b'{"error":{"message":5}}', status="400 X"), BadRequestError, "status 400"),
    "empty error": (http(b"", status="400 "), BadRequestError, "the server sent no message"),
    "binary error": (http(bytes(range(256)), status="400 X"), BadRequestError, "status 400"),
    "unknown status": (http(b"{}", status="999 X"), InternalServerError, "status 999"),
    "redirect": (http(b"", "Location: http://evil.invalid/", status="302 Found"), APIStatusError, "status 302"),
    "redirect to nowhere": (http(b"", status="302 Found"), APIStatusError, "status 302"),
    "redirect to no URL": (http(b"", "Location: http://[::1", status="307 X"), APIConnectionError, "location header"),
    "not modified": (b"HTTP/1.1 304 X\r\n\r\n", APIStatusError, "status 304"),
    "odd cookies": (http(b"{}", "Set-Cookie: \xff=;;expires=Fri, 99 X", status="400 X"), BadRequestError, "status 400"),
    **{
        f"Retry-After {value[:24]}": (http(b"{}", f"Retry-After: {value}", status="429 X"), RateLimitError, "429")
        for value in (
            "Fri, 31 Dec 99999 23:59:59 GMT",
            "Fri, 31 Dec 2027 23:59:59 +99999999999999999999",
            "Fri, 31 Dec 0001 23:59:59 +2359",
            "nan",
            "-5",
            "9" * 400,
            "\xff",
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_a_broken_answer_is_an_error_of_the_sdk_that_says_what_is_wrong(name: str) -> None:
    raw, kind, text = ANSWERS[name]
    with answering(raw) as url:
        for walk in WALKS:
            with pytest.raises(kind, match=re.escape(text)) as caught:
                walk(url, RETRIEVE)
            assert type(caught.value).__module__ == "projectdavid.client.errors"
            for act in ACTS.values():
                with pytest.raises(ProjectDavidError, match=r"\w"):
                    walk(url, act)


@pytest.mark.parametrize("raw", [b"", OK, stream(b": hello\n\n")[:-11], stream(b": hello\n\n")[:-1]])
def test_a_server_that_falls_silent_is_a_timeout(raw: bytes) -> None:
    with answering(raw, hold=True) as url:
        for walk in WALKS:
            for act in (RETRIEVE, STREAM, ACTS["upload"]):
                with pytest.raises((APITimeoutError, StreamBroken), match=r"no response|not an event stream") as caught:
                    walk(url, act, timeout=SILENT)
                assert isinstance(caught.value, APITimeoutError) or isinstance(caught.value.__cause__, APITimeoutError)


RUNNING = http(json.dumps(RUN | {"status": "in_progress"}).encode())
OVER = http(json.dumps(RUN | {"status": "completed"}).encode())
GONE = http(b"{}", status="404 X")
HI = frame(1, "content", content="Hi")

STREAMS: dict[str, tuple[list[bytes], type[ProjectDavidError], str]] = {
    "a page": ([http(b"<html>", kind="text/html")], InvalidAnswerError, "not an event stream but text/html"),
    "no type": ([OK + b"\r\n"], InvalidAnswerError, "has no content type"),
    "not JSON": ([stream(b"data: {nope\n\n")], InvalidAnswerError, "not JSON"),
    "an array": ([stream(b"data: []\n\n")], InvalidAnswerError, "not an event"),
    "no type of event": ([stream(b"data: {}\n\n")], InvalidAnswerError, "not an event"),
    "deep": ([stream(b"data: " + DEEP + b"\n\n")], InvalidAnswerError, "not JSON"),
    "not UTF-8": ([stream(b"data: \xff\n\n")], InvalidAnswerError, "not JSON"),
    "half of a surrogate pair": ([stream(b'data: {"type":"content","run_id":"r","content":"\\ud83d"}\n\n')],
                                 InvalidAnswerError, "not JSON"),
    "an id of 10,000 digits": ([stream(b"id: " + b"9" * 10_000 + b"\ndata: {}\n\n")],
                               InvalidAnswerError, "not an event"),
    "an end of a run at work": ([stream(HI, DONE), RUNNING], StreamBroken, "but the run has the status in_progress"),
    "an end before a beginning": ([stream(DONE), RUNNING], StreamBroken, "but the run has the status in_progress"),
    "an end of a run that is gone": ([stream(HI, DONE), GONE], NotFoundError, "status 404"),
    "an end, and then no run": ([stream(HI, DONE), http(b"null")], InvalidAnswerError, "not a Run"),
    "an error without a message": ([stream(b'data: {"type":"error","run_id":"r","code":"run_deleted"}\n\n')],
                                   ProjectDavidError, "deleted|broke"),
    "a code that is an array": ([stream(b'data: {"type":"error","run_id":"r","code":[]}\n\n')], StreamBroken, "run_1"),
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
def test_a_broken_stream_never_ends_as_if_it_were_whole(name: str) -> None:
    raw, kind, text = STREAMS[name]
    for walk in WALKS:
        with answering(raw) as url, pytest.raises(kind, match=text):
            walk(url, STREAM)
        with answering(raw) as url, pytest.raises(ProjectDavidError, match=r"\w"):
            walk(url, ACTS["inference"])


def test_a_bare_end_is_one_if_the_run_is_over() -> None:
    for walk in WALKS:
        with answering([stream(HI, DONE), OVER]) as url:
            assert [event.content for event in walk(url, STREAM)] == ["Hi"]
        with answering([stream(HI, DONE), OVER]) as url:
            assert [fields["content"] for fields in walk(url, ACTS["inference"])] == ["Hi"]


def test_a_stream_of_something_deleted_says_so_without_a_message_too() -> None:
    raw = stream(b'data: {"type":"error","code":"thread_deleted"}\n\n')
    for walk in WALKS:
        with answering(raw) as url, pytest.raises(StreamEnded, match="The thread was deleted"):
            walk(url, ACTS["inference"])


def test_pages_that_go_in_a_circle_end() -> None:
    pages = [http(b'[{"id":"%b","object":"model","created":0,"owned_by":"o"}]' % one, "X-Has-More: true",
                  f"X-Last-Id: {one.decode()}") for one in (b"a", b"b", b"a")]  # fmt: skip
    for walk in WALKS:
        with answering(pages) as url, pytest.raises(ProjectDavidError, match=r"repeat|is not a"):
            walk(url, lambda client: client.files.list())


def test_a_download_of_another_size_than_the_file_leaves_nothing(tmp_path: Path) -> None:
    about = http(json.dumps(FILE | {"bytes": 5}).encode())
    for walk in WALKS:
        refusal = pytest.raises(InvalidAnswerError, match="has 5 bytes, but the server sent 12")
        with answering([about, http(b"<html>Log in")]) as url, refusal:
            walk(url, lambda client: client.files.download("f", tmp_path / "a"))
    assert list(tmp_path.iterdir()) == []


class Anything:
    """No kind of value that the API knows."""


async def _pieces() -> AsyncIterator[bytes]:
    yield b"x"


def _inference(client: Any) -> Any:
    async_name, sync_name = "inference_stream", "synchronous_inference_stream"
    told = getattr(client, async_name if hasattr(client, async_name) else sync_name)
    told.setup("t", "a", None, "run_1")
    return told.stream_chunks()


def _circle() -> dict[str, Any]:
    circle: dict[str, Any] = {}
    circle["a"] = circle
    return circle


def _nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def _closed() -> io.BytesIO:
    file = io.BytesIO(b"x")
    file.close()
    return file


def _meta(make: Callable[[], Any]) -> Act:
    return lambda client: client.assistants.create_assistant(model="m", meta_data={"a": make()})


def _keyed(key: Any) -> Act:
    return lambda client: client.runs.create_run("a", "t", idempotency_key=key)


def _matched(etag: Any) -> Act:
    return lambda client: client.assistants.delete_assistant("a", if_match=etag)


def _upload(make: Callable[[], Any], **more: Any) -> Act:
    return lambda client: client.files.upload(make(), **more)


INPUTS: dict[str, tuple[Act, str]] = {
    "metadata: an object": (_meta(Anything), "cannot be encoded as JSON.*Anything"),
    "metadata: a class": (_meta(lambda: Anything), "cannot be encoded as JSON"),
    "metadata: a function": (_meta(lambda: print), "cannot be encoded as JSON"),
    "metadata: half of a surrogate pair": (_meta(lambda: "\ud83d"), "cannot be encoded as JSON.*surrogates"),
    "metadata: bytes": (_meta(lambda: b"\xff"), "cannot be encoded as JSON.*utf-8"),
    "metadata: a circle": (_meta(_circle), "cannot be encoded as JSON.*Circular"),
    "metadata: nested deeply": (_meta(lambda: _nested(5000)), "cannot be encoded as JSON.*depth"),
    "metadata: an async iterator": (_meta(_pieces), "cannot be encoded as JSON.*async_generator"),
    "tools: an object": (lambda client: client.assistants.create_assistant(model="m", tools=[Anything()]), "JSON"),
    **{
        f"id: {value!r:.20}": (lambda client, value=value: client.assistants.retrieve_assistant(value), text)
        for value, text in {
            "": "not an id", ".": "not an id", "..": "not an id", None: "not an id", 5: "not an id", b"a": "not an id",
            "\ud800": "surrogate", "a" * 70_000: "too long",
        }.items()
    },
    "id of an object without one": (lambda client: client.runs.create_run(Anything(), "t"), "an id or an object"),
    "no thread": (lambda client: client.runs.create_run("a", None), "a run needs an assistant and a thread"),
    "unknown field": (lambda client: client.runs.create_run("a", "t", mood="good"), "unexpected keyword.*mood"),
    "run and thread": (lambda client: client.runs.stream(run_id="r", thread_id="t"), "either run_id, or an assistant"),
    **{
        f"key: {key!r}": (_keyed(key), "Idempotency-Key")
        for key in ("schlüssel", "键", "a\nb", "a\0b", "\ud800", 5, b"x")
    },
    **{
        f"etag: {etag!r}": (_matched(etag), "If-Match")
        for etag in ("schlüssel", "a\r\nX: y", 5)
    },
    "cursor": (lambda client: client.files.list(after="\ud800"), "cannot be sent"),
    "position": (lambda client: client.runs.stream(run_id="r", after="键"), "Last-Event-ID"),
    "room": (lambda client: client.computer.create_session("\ud800"), "cannot be sent"),
    "tool without a name": (lambda client: client.runs.run("a", "t", tools=[lambda x: x]), "needs a name"),
    "invalid tool": (lambda client: client.runs.run("a", "t", tools=[5]), "needs a name"),
    "file: none": (_upload(lambda: None), "expected a path, bytes or an open binary file, not NoneType"),
    "file: an iterator": (_upload(lambda: iter([b"x"]), filename="x"), "expected a path.*to a file first"),
    "file: an async iterator": (_upload(_pieces, filename="x"), "expected a path.*to a file first"),
    "file: of text": (_upload(lambda: io.StringIO("x"), filename="x"), "binary file"),
    "file: closed": (_upload(_closed, filename="x"), "the file is closed"),
    "file: a NUL in its path": (_upload(lambda: "a\0b"), "NUL"),
    "file: without a name": (_upload(lambda: b"x"), "pass the name of the file"),
    "file: a name of bytes": (_upload(lambda: b"x", filename=b"x"), "filename must be a string"),
    "purpose: a number": (_upload(lambda: b"x", filename="x", purpose=5), "purpose must be text"),
    "purpose: half a surrogate pair": (_upload(lambda: b"x", filename="x", purpose="\ud800"), "purpose must be text"),
    "parts of nothing": (lambda client: client.files.upload_in_parts(b"x", filename="x", part_size=0), "at least 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", INPUTS)
def test_what_cannot_be_sent_is_refused_before_anything_is(name: str) -> None:
    act, text = INPUTS[name]
    with answering(http(b"{}", status="418 X")) as url:
        for walk in WALKS:
            with pytest.raises(InvalidInputError, match=f"(?s){text}") as caught:
                walk(url, act)
            assert isinstance(caught.value, ValueError), "as it was before it had a class of its own"


@pytest.mark.parametrize("call", ["upload", "add_folder"])
def test_a_path_of_the_caller_that_cannot_be_read_is_the_error_of_the_system(call: str, tmp_path: Path) -> None:
    acts: dict[str, Act] = {
        "upload": lambda client: client.files.upload(tmp_path / "missing"),
        "add_folder": lambda client: client.vectors.add_folder("vs", tmp_path / "missing"),
    }
    with answering(http(b"[]")) as url:
        for walk in WALKS:
            with pytest.raises(OSError, match="missing"):
                walk(url, acts[call])


def test_what_an_iterator_gives_is_sent_with_every_attempt() -> None:
    for walk in WALKS:
        with answering([http(b"{}", status="503 X"), OVER]) as url:
            outputs = ({"tool_call_id": str(number), "output": "x"} for number in range(2))
            assert walk(url, lambda client, given=outputs: client.runs.submit_tool_outputs("r", given)).id == RUN["id"]


URLS = (
    "x", "//h", "ftp://h", "http://", "http://[::1", "http://h:abc", "http://h:99999", "http://h:0", "http://h:80:80",
    "http://exa\u2028mple", "http://a..b", f"http://{'a' * 70}.com", "http://\ud800", "http://999.1.1.1", "http://h?x",
    "http://h#x", "http://u:p@h", f"http://{'a' * 70_000}", 5, b"http://h",
)  # fmt: skip


@pytest.mark.parametrize("kind", [Entity, AsyncEntity])
@pytest.mark.parametrize("url", URLS, ids=lambda url: repr(url)[:30])
def test_a_base_url_that_is_none_is_refused_with_an_example(kind: Any, url: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"should look like http://127\.0\.0\.1:9000"):
        kind(url, KEY)


@pytest.mark.parametrize("kind", [Entity, AsyncEntity])
@pytest.mark.parametrize("timeout", [0, -1, math.nan, math.inf, 1e300, "5"])
def test_a_timeout_that_is_none_is_refused(kind: Any, timeout: Any) -> None:
    with pytest.raises(InvalidInputError, match="positive number of seconds, or None"):
        kind("http://h", KEY, timeout=timeout)


def test_patience_is_counted_in_numbers() -> None:
    with pytest.raises(InvalidInputError, match="max_retries must be a number"):
        Retry("two")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("kind", [Entity, AsyncEntity])
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", "http://[::1"),
        ("ALL_PROXY", "gopher://h"),
        ("SSL_CERT_FILE", "/nope"),
        ("SSL_CERT_FILE", __file__),
    ],
)
def test_an_environment_that_cannot_be_used_is_refused(
    kind: Any, variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidInputError, match="a proxy or certificate file set in the environment"):
        kind("https://example.invalid", KEY)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://nowhere.invalid", "https://127.0.0.1:{port}"])
def test_a_server_that_cannot_be_reached_is_a_connection_error(url: str) -> None:
    with answering(http(b"{}")) as plain:
        for walk in WALKS:
            with pytest.raises(APIConnectionError, match="no response from the server"):
                walk(url.format(port=plain.rpartition(":")[2]), RETRIEVE)


def test_a_client_that_is_closed_says_so() -> None:
    with answering(OVER) as url:
        client = Entity(url, KEY)
        client.close()
        for act in (RETRIEVE, ACTS["download"], lambda client: list(STREAM(client))):
            with pytest.raises(InvalidStateError, match="the client is closed"):
                act(client)

        async def walk() -> None:
            client = AsyncEntity(url, KEY)
            await client.close()
            with pytest.raises(InvalidStateError, match="the client is closed"):
                await RETRIEVE(client)

        asyncio.run(walk())


def _use_in_two_loops(url: str) -> None:
    client = AsyncEntity(url, KEY, retry=IMPATIENT)

    async def walk(kind: type[ProjectDavidError]) -> None:
        with pytest.raises(kind):
            await RETRIEVE(client)

    asyncio.run(walk(InvalidAnswerError))
    asyncio.run(walk(InvalidStateError))


def test_a_client_of_another_event_loop_says_so() -> None:
    with answering(http(b"null", closes=False), hold=True) as url, warnings.catch_warnings():
        # The connection belongs to a loop that is gone: nothing can close it any more.
        warnings.simplefilter("ignore", ResourceWarning)
        _use_in_two_loops(url)
        gc.collect()


def test_a_stream_without_a_run_says_so() -> None:
    with Entity("http://127.0.0.1:1", KEY) as client:
        with pytest.raises(InvalidStateError, match="created when"):
            _ = client.runs.stream(assistant_id="a", thread_id="t").run_id
        with pytest.raises(InvalidStateError, match=r"call setup\(\) first"):
            list(client.synchronous_inference_stream.stream_chunks())


@pytest.mark.parametrize(
    "headers", [{"webhook-id": 5, "webhook-timestamp": 5, "webhook-signature": 5}, {5: "x"}, {"webhook-id": b"x"}, {}]
)
def test_headers_of_a_webhook_that_are_none_are_an_error_of_verification(headers: Any) -> None:
    with pytest.raises(WebhookVerificationError, match=r"\w"):
        verify_webhook(headers, b"{}", "whsec_" + "a" * 32)
    with pytest.raises(InvalidInputError, match="no secret"):
        verify_webhook(headers, b"{}", "")


def test_no_test_of_this_file_wrote_a_download() -> None:
    assert not (Path(tempfile.gettempdir()) / "never-written").exists()
