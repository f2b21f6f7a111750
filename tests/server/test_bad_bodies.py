"""Bad bodies: what is no JSON, does not call itself so, is no object, or is too large."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from projectdavid.api.resources.body_bounds import OPEN_BODY
from tests.server.conftest import serving
from tests.server.routes import WITH_BODY, Asked, World, counted
from tests.server.talking import Caller, ok, refused
from tests.timeouts import EVENT_TIMEOUT

JSON = {"content-type": "application/json"}
OPTIONAL = {
    "POST /v1/threads",
    "POST /v1/users/{user_id}/apikeys",
    "POST /v1/admin/users/{user_id}/keys",
    "POST /v1/assistants/{assistant_id}/webhook/rotate",
    "POST /v1/auth/exchange",
}
"""Routes that do without a body."""
UP_TO_THE_GENERAL_LIMIT = [one for one in WITH_BODY if one[0] != "POST /v1/auth/exchange"]
"""Routes but the one that reads a body without a key, so a smaller one; test_auth_codes has its limit."""


NOT_JSON: dict[str, bytes] = {
    "broken": b"{",
    "text": b"hello",
    "single quotes": b"{'model': 'm'}",
    "a trailing comma": b'{"model": "m",}',
    "two values": b'{"model": "m"} {}',
    "NaN": b'{"model": NaN}',
    "Infinity": b'{"model": Infinity}',
    "minus Infinity": b'{"model": -Infinity}',
    "too large a number": b'{"model": 1e999}',
    "too small a number": b'{"model": -1E+400}',
    "too many digits": b'{"model": ' + b"9" * 400 + b".0}",
    "far too many digits": b'{"model": ' + b"9" * 5000 + b"}",
    "invalid UTF-8": b'{"model": "\xff\xfe"}',
    "an overlong character": b'{"model": "\xc0\x80"}',
    "UTF-16": '{"model": "m"}'.encode("utf-16"),
    "a surrogate in UTF-8": b'{"model": "\xed\xa0\x80"}',
    "a control character": b'{"model": "\x01"}',
}
LONE_SURROGATES: dict[str, tuple[bytes, str | None]] = {
    "a half alone": (b'{"model": "\\ud800"}', "model"),
    "a second half": (b'{"model": "\\udc00x"}', "model"),
    "halves in the wrong order": (b'{"model": "\\udc00\\ud800"}', "model"),
    "a half before a letter": (b'{"model": "an emoji, cut \\ud83d\\u0041"}', "model"),
    "in a list": (b'{"a": "\\ud83d\\ude00", "tools": [1, {"function": {"name": "\\uDBFF"}}]}', "tools.1.function.name"),
    "in a name": (b'{"model": {"\\ud83d": 1}}', "model"),
    "in the name of a field": (b'{"\\ud83d": 1}', None),
    "far into a body": (b'{"tools": [%b"\\ud83d"]}' % (b'"x",' * 40_000), "tools.40000"),
}
"""Bodies with half of a surrogate pair, and the field that has it."""
TOO_MANY_VALUES: dict[str, tuple[bytes, str]] = {
    "members": (b'{"model": "m", "meta_data": {%b}}' % b",".join(b'"%d":[]' % n for n in range(1001)), "1001 members"),
    "unknown fields": (b"{%b}" % b",".join(b'"f%d":1' % n for n in range(1001)), "1001 members"),
    "members of an object in a list": (
        b'{"tools": [{"function": {"parameters": {%b}}}]}' % b",".join(b'"%d":{}' % n for n in range(1200)),
        "1200 members",
    ),
    "members with quotes in their names": (
        b"{%b}" % b",".join(rb'"\\\"%d{\\":1' % n for n in range(1001)),
        "1001 members",
    ),
    "elements": (b'{"content": [%b]}' % b",".join([b"1"] * 50_000), "50002 values"),
    "empty arrays": (b'{"tools": [%b]}' % b",".join([b"[]"] * 50_000), "values"),
    "strings": (b'{"file_ids": [%b]}' % b",".join([b'""'] * 120_000), "strings"),
    "messages": (b'{"messages": [%b]}' % b",".join([b'{"role":"user"}'] * 50_000), "values"),
    "colons": (b'{"model": {%b}}' % (b":" * 60_000), "values"),
    "deep objects": (b'{"model":' * 201 + b"1" + b"}" * 201, "200 levels"),
    "very deep objects": (b'{"model":' * 100_000 + b"1" + b"}" * 100_000, "values"),
    "deep arrays": (b"[" * 300 + b"]" * 300, "200 levels"),
    "deep arrays without an end": (b"[" * 100_000, "values"),
}
"""Bodies of more structure than any route takes, and what the error says of them."""


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_no_json_is_refused_by_every_route(admin: Caller, world: World, body: bytes) -> None:
    before = counted(admin)
    for route, number in UP_TO_THE_GENERAL_LIMIT if len(body) > OPEN_BODY else WITH_BODY:
        asked = Asked(route, number, world)
        url = asked.template.format(**asked.path)
        message = refused(admin.request(asked.method, url, content=body, headers=JSON), 400, "invalid_json")
        assert message.startswith("The body is not valid JSON: ")
    assert counted(admin) == before


@pytest.mark.parametrize(("body", "field"), LONE_SURROGATES.values(), ids=LONE_SURROGATES)
def test_half_of_a_surrogate_pair_is_refused_with_its_field(user: Caller, body: bytes, field: str | None) -> None:
    message = refused(user.post("/v1/assistants", content=body, headers=JSON), 400, "invalid_json", field)
    assert f"{repr(field) if field else 'a text'} has an unpaired surrogate" in message
    answer = user.post("/openai/v1/assistants", content=body, headers=JSON)
    param = field and re.sub(r"\.(\d+)", r"[\1]", field)
    error = {"type": "invalid_request_error", "code": "invalid_json", "param": param}
    assert {name: answer.json()["error"][name] for name in error} == error
    assert f"{repr(param) if param else 'a text'} has an unpaired surrogate" in answer.json()["error"]["message"]
    assert ok(user.get("/v1/assistants")) == []


def test_a_body_may_begin_with_a_byte_order_mark(user: Caller) -> None:
    for path in ("/v1/assistants", "/openai/v1/assistants"):
        body = '\ufeff{"model": "m", "name": "\ufeffx"}'.encode()
        assert ok(user.post(path, content=body, headers=JSON))["name"] == "\ufeffx"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_a_body_in_another_encoding_is_refused_with_what_was_expected(user: Caller, encoding: str) -> None:
    for text in ("m", "é") if encoding != "latin-1" else ("é",):
        body = f'{{"model": "{text}"}}'.encode(encoding)
        assert "UTF-8" in refused(user.post("/v1/assistants", content=body, headers=JSON), 400, "invalid_json")


@pytest.mark.parametrize(("body", "found"), TOO_MANY_VALUES.values(), ids=TOO_MANY_VALUES)
def test_a_body_of_too_many_values_is_refused_by_every_route_but_that_of_vectors(
    admin: Caller, world: World, body: bytes, found: str
) -> None:
    before = counted(admin)
    for route, number in UP_TO_THE_GENERAL_LIMIT if len(body) > OPEN_BODY else WITH_BODY:
        asked = Asked(route, number, world)
        if asked.template.endswith("/vectors") and found in ("values", "strings", "50002 values"):
            continue  # it takes a million numbers
        url = asked.template.format(**asked.path)
        for content_type in ("application/json", "application/json; charset=utf-8"):
            sent = admin.request(asked.method, url, content=body, headers={"content-type": content_type})
            assert found in refused(sent, 400, "too_many_values")
        ok(admin.get("/health"))
    assert counted(admin) == before


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", None])
def test_what_does_not_call_itself_json_is_refused_by_every_route(
    admin: Caller, world: World, content_type: str | None
) -> None:
    before = counted(admin)
    for route, number in WITH_BODY:
        asked = Asked(route, number, world)
        url = asked.template.format(**asked.path)
        headers = {} if content_type is None else {"content-type": content_type}
        response = admin.request(asked.method, url, content=json.dumps(asked.body), headers=headers)
        assert "application/json" in refused(response, 415, "unsupported_media_type")
    assert counted(admin) == before


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/json;"])
def test_json_may_call_itself_so_in_every_way(user: Caller, content_type: str) -> None:
    ok(user.post("/v1/assistants", content=b'{"model": "m"}', headers={"content-type": content_type}))


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"text"', b"5", b"true", b"[{}]"])
def test_a_body_that_is_no_object_is_refused_by_every_route(admin: Caller, world: World, body: bytes) -> None:
    before = counted(admin)
    for route, number in WITH_BODY:
        if route in OPTIONAL and body in (b"", b"null"):
            continue
        asked = Asked(route, number, world)
        url = asked.template.format(**asked.path)
        response = admin.request(asked.method, url, content=body, headers=JSON)
        assert refused(response, 422, "invalid_body") == "body: expected a JSON object"
    assert counted(admin) == before


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """A user of a server that takes little."""
    path: Path = tmp_path_factory.mktemp("small")
    with (
        serving(path, max_body=4096, max_large_body=8192) as server,
        Caller(server.base_url, "", server.api_key) as user,
    ):
        yield user


def _body(size: int) -> bytes:
    frame = b'{"model": "m", "instructions": ""}'
    return frame[:-2] + b"i" * (size - len(frame)) + frame[-2:]


@pytest.mark.parametrize("chunked", [False, True], ids=["with a content length", "in chunks"])
def test_a_body_that_is_too_large_is_refused(small: Caller, chunked: bool) -> None:
    def sent(size: int) -> bytes | Iterator[bytes]:
        body = _body(size)
        return (body[start : start + 1000] for start in range(0, size, 1000)) if chunked else body

    ok(small.post("/v1/assistants", content=sent(8192), headers=JSON))
    before = ok(small.get("/v1/assistants"))
    for size in (8193, 100_000):
        for content_type in ("application/json", "text/plain"):
            response = small.post("/v1/assistants", content=sent(size), headers={"content-type": content_type})
            assert "8192" in refused(response, 413, "body_too_large")
            assert response.headers["x-request-id"].startswith("req_")
    assert ok(small.get("/v1/assistants")) == before


LARGE = {
    "/v1/assistants",
    "/v1/assistants/{assistant_id}",
    "/v1/runs",
    "/v1/runs/{run_id}/submit_tool_outputs",
    "/v1/actions/{action_id}",
    "/v1/vector-stores/{store_id}/file-batches",
    "/v1/messages",
    "/v1/messages/assistant",
    "/v1/messages/tools",
    "/v1/vector-stores/{store_id}/vectors",
    "/v1/imports/{import_id}/objects",
}


@pytest.mark.parametrize("chunked", [False, True], ids=["with a content length", "in chunks"])
def test_only_a_route_for_images_long_texts_or_vectors_takes_a_large_body(
    small: Caller, world: World, chunked: bool
) -> None:
    assert {Asked(*one, world).template for one in WITH_BODY} >= LARGE
    for route, number in UP_TO_THE_GENERAL_LIMIT:
        asked = Asked(route, number, world)
        name = "max_large_body" if asked.template in LARGE else "max_body"
        size = 8192 if name == "max_large_body" else 4096
        url = asked.template.format(**asked.path)

        def sent(body: bytes) -> bytes | Iterator[bytes]:
            return (body[start : start + 1000] for start in range(0, len(body), 1000)) if chunked else body

        assert small.request(asked.method, url, content=sent(b" " * size), headers=JSON).status_code != 413
        message = refused(
            small.request(asked.method, url, content=sent(b" " * (size + 1)), headers=JSON), 413, "body_too_large"
        )
        assert str(size) in message
        assert name in message
        ok(small.get("/health"))


@pytest.mark.parametrize("length", ["1000000000000", "99999999999999999999"])
def test_a_length_that_is_too_large_is_refused_before_the_body_comes(small: Caller, length: str) -> None:
    host, port = small.base_url.host, small.base_url.port
    assert port is not None
    with socket.create_connection((host, port), timeout=EVENT_TIMEOUT) as connection:
        lines = ["POST /v1/assistants HTTP/1.1", "host: here", f"x-api-key: {small.key}", f"content-length: {length}"]
        connection.sendall("\r\n".join([*lines, "content-type: application/json", "", ""]).encode())
        assert connection.recv(4096).split()[1] in (b"413", b"400")


def test_a_body_that_breaks_off_leaves_nothing(small: Caller) -> None:
    before = ok(small.get("/v1/assistants"))
    host, port = small.base_url.host, small.base_url.port
    assert port is not None
    for _ in range(3):
        with socket.create_connection((host, port), timeout=EVENT_TIMEOUT) as connection:
            lines = ["POST /v1/assistants HTTP/1.1", "host: here", f"x-api-key: {small.key}", "content-length: 100"]
            connection.sendall("\r\n".join([*lines, "content-type: application/json", "", '{"model": "m"']).encode())
    assert ok(small.get("/v1/assistants")) == before
    ok(httpx2.get(str(small.base_url.join("/health"))))
