"""Requests that are as heavy as a client can make them: what the server rejects, and the largest that it takes."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

Body = bytes | Callable[[], bytes] | Callable[[], Iterable[bytes]]
"""Bytes, or a function that builds them: large bodies exist only while they are sent."""
JSON = "application/json"
FORM = "multipart/form-data; boundary=b"
MEGABYTE = 1024 * 1024
IMAGE = "data:image/png;base64," + "iVBORw0KGgoA" * 1_600_000
"""Within the 20,000,000 characters that an image may have."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `body` is bytes, or a function that builds them, or pieces that are sent in chunks."""

    method: str
    path: str
    body: Body = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict[str, str])


class Client:
    """A connection to the server as one user."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=600)
        self._url = url
        self._key = key

    def with_key(self, key: str) -> "Client":
        """A client of another user."""
        return Client(self._url, key)

    def send(self, request: Request) -> tuple[int, bytes]:
        """The status and the body of the response; 0 if the server hangs up on a body that it does not read."""
        body = request.body if isinstance(request.body, bytes) else request.body()
        headers = {"X-API-Key": self._key, "Content-Type": request.content_type, **request.headers}
        chunked = not isinstance(body, bytes)
        with suppress(BrokenPipeError, ConnectionResetError):  # the response may be there all the same
            self._connection.request(request.method, request.path, body, headers, encode_chunked=chunked)
        try:
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, ConnectionError):
            return 0, b""
        finally:
            self._connection.close()

    def make(self, path: str, **values: Any) -> Any:
        """What a POST answers."""
        status, body = self.send(Request("POST", path, json.dumps(values, ensure_ascii=False).encode()))
        if status not in (200, 201):
            raise RuntimeError(f"{path}: {status} {body[:500]!r}")
        return json.loads(body)

    def read(self, path: str) -> Any:
        """What a GET answers."""
        return json.loads(self.send(Request("GET", path))[1])


@dataclass(frozen=True, slots=True)
class Heavy:
    """A heavy request by name; `prepare` makes what it needs, and `status` is what the server answers.

    `admin` requests are an admin's. `follow_up` is how many seconds the server works on it after it answered.
    """

    name: str
    status: int
    prepare: Callable[[Client], Request]
    admin: bool = False
    follow_up: float = 0


def post(name: str, status: int, path: str, body: Body, **options: Any) -> Heavy:
    """A POST that needs nothing to be there."""
    return Heavy(name, status, lambda _: Request("POST", path, body, **options))


def members(count: int, value: bytes = b"[]") -> bytes:
    """The members of an object."""
    return b",".join(b'"%d":%b' % (number, value) for number in range(count))


def repeated(item: bytes, count: int) -> bytes:
    """The elements of an array."""
    return b",".join([item] * count)


def bad_metadata(count: int) -> bytes:
    """An assistant with metadata of wrong values."""
    return b'{"model":"x","meta_data":{%b}}' % members(count)


def function_tool(count: int) -> bytes:
    """An assistant with a function of many parameters."""
    properties = members(count, b'{"type":"string"}')
    return (
        b'{"model":"x","tools":[{"type":"function","function":{"name":"f","parameters":'
        b'{"type":"object","properties":{%b}}}}]}' % properties
    )


def in_thread(
    path: str, build: Callable[[], bytes], method: str = "POST", **options: Any
) -> Callable[[Client], Request]:
    """A request about a new thread, whose id replaces `{thread}` in its path and in the body that `build` returns."""

    def prepare(client: Client) -> Request:
        thread = client.make("/v1/threads")["id"]
        named = build().replace(b"{thread}", thread.encode())
        return Request(method, path.replace("{thread}", thread), named, **options)

    return prepare


def content(blocks: bytes) -> bytes:
    """A message of blocks, in both dialects but for the thread that the native API names."""
    return b'{"role":"user","content":[%b]}' % blocks


def native(body: bytes) -> bytes:
    """The same for the native API."""
    return b'{"thread_id":"{thread}",' + body[1:]


def text_block(text: bytes) -> bytes:
    """A block of text."""
    return b'{"type":"text","text":"%b"}' % text


def image_message() -> bytes:
    """A message with one image of the largest size."""
    return content(b'{"type":"image_url","image_url":{"url":"%b"}}' % IMAGE.encode())


def texts(count: int, size: int) -> bytes:
    """A thread of messages."""
    message = b'{"role":"user","content":"%b"}' % (b"a" * size)
    return b'{"messages":[%b]}' % repeated(message, count)


def pieces(size: int, data: bytes) -> Callable[[], Iterator[bytes]]:
    """A form with a file of `size` bytes that repeats `data`."""

    def made() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n'
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
        block = data * (MEGABYTE // len(data))
        for _ in range(size // len(block)):
            yield block
        yield b"\r\n--b--\r\n"

    return made


def vectors(client: Client) -> Request:
    """As many numbers as a body may have."""
    store = client.make("/v1/vector-stores", name="s", vector_size=1536)["id"]
    vector = b"[%b]" % repeated(b"0.123456789012345", 1536)
    body = b'{"file":{"file_id":"f","file_name":"f"},"texts":[%b],"vectors":[%b]}'
    return Request("POST", f"/v1/vector-stores/{store}/vectors", body % (repeated(b'"t"', 640), repeated(vector, 640)))


def search(client: Client) -> Request:
    """A search with filters of as many values as a body may have."""
    store = client.make("/v1/vector-stores", name="s")["id"]
    condition = b'{"type":"eq","key":"a","value":1}'
    body = b'{"query":"q","filters":{"type":"and","filters":[%b]}}' % repeated(condition, 12_000)
    return Request("POST", f"/v1/vector-stores/{store}/search", body)


def listing(path: str) -> Callable[[Client], Request]:
    """A page of the largest assistants that there can be."""

    def prepare(client: Client) -> Request:
        for _ in range(30):
            client.make("/v1/assistants", model="m", instructions="\N{GRINNING FACE}" * 250_000)
        return Request("GET", path)

    return prepare


def messages(path: str, count: int = 2) -> Callable[[Client], Request]:
    """A page of messages with the largest images."""

    def prepare(client: Client) -> Request:
        thread = client.make("/v1/threads")["id"]
        for _ in range(count):
            client.send(Request("POST", f"/openai/v1/threads/{thread}/messages", image_message()))
        return Request("GET", path.format(thread=thread))

    return prepare


def crowded_thread(client: Client) -> str:
    """A thread of 20,000 messages."""
    thread: str = client.make("/v1/threads")["id"]
    assistant = client.make("/v1/assistants", model="m")["id"]
    said = [{"role": "user", "content": "a" * 100}] * 1000
    for _ in range(20):
        run = client.make(f"/openai/v1/threads/{thread}/runs", assistant_id=assistant, additional_messages=said)
        client.send(Request("POST", f"/openai/v1/threads/{thread}/runs/{run['id']}/cancel"))
        while client.read(f"/v1/runs/{run['id']}")["status"] in ("queued", "in_progress", "cancelling"):
            pass
    return thread


def deletion(path: str) -> Callable[[Client], Request]:
    """Deletes a crowded thread."""
    return lambda client: Request("DELETE", path.format(thread=crowded_thread(client)))


def deletion_of_user(client: Client) -> Request:
    """Deletes a user with a crowded thread and 1,000 threads of one message."""
    user = client.make("/v1/users")["id"]
    theirs = client.with_key(client.make(f"/v1/users/{user}/apikeys")["plain_key"])
    crowded_thread(theirs)
    for _ in range(1000):
        theirs.make("/openai/v1/threads", messages=[{"role": "user", "content": "a"}])
    return Request("DELETE", f"/v1/users/{user}")


def base64_of_file(client: Client) -> Request:
    """A file of 64 MB as text."""
    upload = Request("POST", "/v1/files", pieces(64 * MEGABYTE, b"\0"), FORM)
    file = json.loads(client.send(upload)[1])["id"]
    return Request("GET", f"/v1/files/{file}/base64")


BOTH = ("/v1/assistants", "/openai/v1/assistants")
OUTPUTS = b'{"tool_outputs":[%b]}'
OUTPUT = b'{"tool_call_id":"c","output":"o"}'
SPOKEN = "/openai/v1/threads/{thread}/messages"
REJECTED: tuple[Heavy, ...] = (
    *(post(f"20k wrong values, {path}", 400, path, lambda: bad_metadata(20_000)) for path in BOTH),
    *(post(f"100k wrong values, {path}", 400, path, lambda: bad_metadata(100_000)) for path in BOTH),
    *(post(f"1.5M wrong values (18 MB), {path}", 400, path, lambda: bad_metadata(1_500_000)) for path in BOTH),
    post(
        "1.5M wrong values, large body, /openai/v1/threads", 400, "/openai/v1/threads", lambda: bad_metadata(1_500_000)
    ),
    *(
        post(f"2M unknown fields (23 MB), {path}", 400, path, lambda: b"{%b}" % members(2_000_000, b"1"))
        for path in BOTH
    ),
    post("1000 unknown fields, /v1/assistants", 422, "/v1/assistants", lambda: b"{%b}" % members(1000, b"1")),
    post("1000 unknown fields, /openai/v1/threads", 400, "/openai/v1/threads", lambda: b"{%b}" % members(1000, b"1")),
    post("300k unknown fields, /v1/threads", 413, "/v1/threads", lambda: b"{%b}" % members(300_000)),
    post("300k unknown fields, /openai/v1/threads", 400, "/openai/v1/threads", lambda: b"{%b}" % members(300_000)),
    *(
        post(f"escapes in a name (30 MB), {path}", 400, path, lambda: b'{"model":"%b"}' % (rb"\u0041" * 5_000_000))
        for path in BOTH
    ),
    post(
        "escapes in a name (2 MB), /v1/assistants",
        422,
        "/v1/assistants",
        lambda: b'{"model":"%b"}' % (rb"\u0041" * 345_000),
    ),
    Heavy(
        "escapes in a text (30 MB), messages",
        400,
        in_thread("/v1/messages", lambda: native(content(text_block(rb"\u0041" * 5_000_000)))),
    ),
    Heavy(
        "escapes in a text (12 MB), messages",
        422,
        in_thread("/v1/messages", lambda: native(content(text_block(rb"\u0041" * 1_990_000)))),
    ),
    Heavy(
        "1M bad blocks (23 MB), /v1/messages",
        400,
        in_thread("/v1/messages", lambda: native(content(repeated(b'{"type":"text"}', 1_000_000)))),
    ),
    Heavy(
        "1M bad blocks (16 MB), dialect",
        400,
        in_thread(SPOKEN, lambda: content(repeated(b'{"type":"text"}', 1_000_000))),
    ),
    Heavy(
        "100 bad blocks of 400 fields, dialect",
        400,
        in_thread(SPOKEN, lambda: content(repeated(b"{%b}" % members(400, b"1"), 100))),
    ),
    post(
        "1M outputs (33 MB), native",
        413,
        "/v1/runs/r/submit_tool_outputs",
        lambda: OUTPUTS % repeated(OUTPUT, 1_000_000),
    ),
    post(
        "16k bad outputs, native", 422, "/v1/runs/r/submit_tool_outputs", lambda: OUTPUTS % repeated(b'{"a":1}', 16_000)
    ),
    post(
        "16k bad outputs, dialect",
        400,
        "/openai/v1/threads/thread_1/runs/run_1/submit_tool_outputs",
        lambda: OUTPUTS % repeated(b'{"a":1}', 16_000),
    ),
    *(
        post(f"function with 500k properties (14 MB), {path}", 400, path, lambda: function_tool(500_000))
        for path in BOTH
    ),
    *(post(f"function with 20k properties, {path}", 400, path, lambda: function_tool(20_000)) for path in BOTH),
    post("11k messages, dialect", 400, "/openai/v1/threads", lambda: texts(11_000, 20)),
    post("deep objects (32 MB), /openai/v1/threads", 400, "/openai/v1/threads", lambda: b'{"a":' * 6_000_000),
    post("lists (32 MB), /openai/v1/threads", 400, "/openai/v1/threads", lambda: b"[%b]" % repeated(b"[]", 11_000_000)),
    post("spaces (32 MB), /openai/v1/threads", 200, "/openai/v1/threads", lambda: b" " * (32 * MEGABYTE - 2) + b"{}"),
    post("quotes (32 MB), /openai/v1/threads", 400, "/openai/v1/threads", lambda: b'"' * (32 * MEGABYTE)),
    Heavy(
        "commas and colons in a text (32 MB), dialect",
        400,
        in_thread(SPOKEN, lambda: content(text_block(b",:" * (16 * MEGABYTE - 100)))),
    ),
    post(
        "a form of 20k small parts",
        422,
        "/v1/files",
        lambda: b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n' * 20_000,
        content_type=FORM,
    ),
    post("a form of near-boundaries (256 MB)", 201, "/v1/files", pieces(256 * MEGABYTE, b"\r\n--a"), content_type=FORM),
    Heavy("a search with 12k filters", 422, search),
    Heavy("a header of 1 MB", 431, lambda _: Request("GET", "/health", headers={"X-Long": "a" * MEGABYTE})),
)
"""What is refused, or does nothing."""
TAKEN: tuple[Heavy, ...] = (
    Heavy("an image of 19 MB, /v1/messages", 200, in_thread("/v1/messages", lambda: native(image_message()))),
    Heavy("an image of 19 MB, dialect", 200, in_thread(SPOKEN, image_message)),
    Heavy(
        "the same with an idempotency key",
        200,
        in_thread(SPOKEN, image_message, headers={"Idempotency-Key": "k"}),
    ),
    post("60 messages of 256k characters, dialect", 200, "/openai/v1/threads", lambda: texts(60, 256_000)),
    post("10k messages, dialect", 200, "/openai/v1/threads", lambda: texts(10_000, 20)),
    Heavy("640 vectors of 1536 numbers", 200, vectors),
    post("a file of 512 MB", 201, "/v1/files", pieces(512 * MEGABYTE, b"\0"), content_type=FORM),
    Heavy("a file of 64 MB in base64", 200, base64_of_file),
    Heavy("a page of assistants of 1 MB, native", 200, listing("/v1/assistants?limit=100")),
    Heavy("a page of assistants of 1 MB, dialect", 200, listing("/openai/v1/assistants?limit=100")),
    Heavy("a page of images, native", 200, messages("/v1/threads/{thread}/messages?limit=100")),
    Heavy("a page of images, dialect", 200, messages("/openai/v1/threads/{thread}/messages?limit=100")),
    Heavy("deletion of a thread of 20k messages", 200, deletion("/v1/threads/{thread}"), follow_up=5),
    Heavy("deletion of a user of 21k messages", 200, deletion_of_user, admin=True, follow_up=5),
    Heavy("images as a model sees them", 200, messages("/v1/threads/{thread}/formatted_messages")),
)
"""What the server does, at the limits of what it takes."""
