"""Bad bodies: what is no JSON, does not call itself so, is no object, is a bad form, or is too large."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.compat.behaviours.wire import Wire, ok, refused
from tests.dialect.routes import FORMS, WITH_BODY, Call, Json, World, everything
from tests.server.conftest import serving
from tests.server.test_bad_bodies import JSON, NOT_JSON, TOO_MANY_VALUES

OPTIONAL = {"POST /threads"}
"""Operations that do without a body."""


def refused_by_all(wire: Wire, world: World, status: int, code: str, **sent: Json) -> list[str]:
    """What all operations with a body say of one, which they all refuse."""
    said: list[str] = []
    for route in WITH_BODY:
        call = Call(route, world)
        answer = wire.request(call.method, call.url, **sent)
        said.append(refused(answer, status, type="invalid_request_error", param=None, code=code)["message"])
    return said


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_no_json_is_refused_by_every_operation(ann: Wire, anns: World, whole: Json, body: bytes) -> None:
    for message in refused_by_all(ann, anns, 400, "invalid_json", content=body, headers=JSON):
        assert message.startswith("We could not parse the JSON body of your request: ")
    assert everything(ann, anns) == whole


@pytest.mark.parametrize(("body", "found"), TOO_MANY_VALUES.values(), ids=TOO_MANY_VALUES)
def test_a_body_of_too_many_values_is_refused_by_every_operation(
    ann: Wire, anns: World, whole: Json, body: bytes, found: str
) -> None:
    for content_type in ("application/json", "application/json; charset=utf-8"):
        sent = {"content": body, "headers": {"content-type": content_type}}
        for message in refused_by_all(ann, anns, 400, "too_many_values", **sent):
            assert found in message
    assert everything(ann, anns) == whole


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_does_not_call_itself_json_is_refused_by_every_operation(
    ann: Wire, anns: World, whole: Json, content_type: str
) -> None:
    headers = {"content-type": content_type}
    for message in refused_by_all(ann, anns, 415, "unsupported_media_type", content=b"{}", headers=headers):
        assert content_type in message
    assert everything(ann, anns) == whole


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"5", b"true", b"[{}]"])
def test_a_body_that_is_no_object_is_refused_by_every_operation(
    ann: Wire, anns: World, whole: Json, body: bytes
) -> None:
    for message in refused_by_all(ann, anns, 400, "invalid_type", content=body, headers=JSON):
        assert message == "Invalid body: expected a JSON object."
    assert everything(ann, anns) == whole


@pytest.mark.parametrize("body", [b"", b"null"])
@pytest.mark.parametrize("route", [route for route in WITH_BODY if route not in OPTIONAL])
def test_a_body_that_is_not_there_is_refused(ann: Wire, anns: World, route: str, body: bytes) -> None:
    call = Call(route, anns)
    refused(ann.request(call.method, call.url, content=body, headers=JSON), 400, param=None, code="invalid_type")


@pytest.mark.parametrize("body", [b"", b"null", b"{}"])
@pytest.mark.parametrize("route", sorted(OPTIONAL))
def test_some_operations_need_no_body(wire: Wire, route: str, body: bytes) -> None:
    ok(wire.request(*route.split(), content=body, headers=JSON))


BAD_FORMS: list[tuple[str, Json, int, str, str | None]] = [
    ("POST /files", {"data": {"purpose": "assistants"}, "files": {"other": b"a"}}, 400, "unknown_parameter", "other"),
    ("POST /files", {"files": {"file": ("a.txt", b"a")}}, 400, "missing_required_parameter", "purpose"),
    ("POST /files", {"files": {"purpose": (None, "assistants")}}, 400, "missing_required_parameter", "file"),
    (
        "POST /files",
        {"files": [("file", ("a.txt", b"a")), ("file", ("b.txt", b"b"))]},
        400,
        "invalid_value",
        "file",
    ),
    ("POST /files", {"files": {"file": ("..", b"a")}, "data": {"purpose": "assistants"}}, 400, "invalid_value", "file"),
    (
        "POST /files",
        {"files": {"file": ("a.txt", b"a")}, "data": {"purpose": "p" * 300}},
        400,
        "invalid_value",
        "purpose",
    ),
    *(
        (
            "POST /files",
            {"files": {"file": ("a.txt", b"a")}, "data": {"purpose": "vision", **expiry}},
            400,
            "invalid_value",
            f"expires_after[{param}]",
        )
        for expiry, param in (
            ({"expires_after[anchor]": "now", "expires_after[seconds]": "3600"}, "anchor"),
            ({"expires_after[seconds]": "3600"}, "anchor"),
            ({"expires_after[anchor]": "created_at"}, "seconds"),
            *(
                ({"expires_after[anchor]": "created_at", "expires_after[seconds]": seconds}, "seconds")
                for seconds in ("3599", "2592001", "x", "-1", "1e4", "3600.0", "٣٦٠٠", "9" * 200)
            ),
        )
    ),
    ("POST /uploads/{upload_id}/parts", {"files": {"file": b"a"}}, 400, "unknown_parameter", "file"),
    ("POST /uploads/{upload_id}/parts", {"files": [("data", b"a"), ("data", b"b")]}, 400, "invalid_value", "data"),
    *((route, {"json": {}}, 415, "unsupported_media_type", None) for route in FORMS),
    *(
        (
            route,
            {"content": content, "headers": {"content-type": "multipart/form-data; boundary=b"}},
            400,
            code,
            None,
        )
        for route in FORMS
        for content, code in ((b"--b\r\n", "incomplete_body"), (b"nonsense", "invalid_multipart"))
    ),
]


@pytest.mark.parametrize(("route", "sent", "status", "code", "param"), BAD_FORMS)
def test_a_bad_form_is_refused_with_its_field(
    ann: Wire, anns: World, whole: Json, route: str, sent: Json, status: int, code: str, param: str | None
) -> None:
    call = Call(route, anns)
    answer = ann.request(call.method, call.url, **sent)
    refused(answer, status, type="invalid_request_error", param=param, code=code)
    assert everything(ann, anns) == whole


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A user of a server that takes little."""
    path = tmp_path_factory.mktemp("small")
    with (
        serving(path, max_body=4096, max_large_body=8192, max_file=4096) as server,
        Wire(server.base_url, server.api_key) as user,
    ):
        yield user


@pytest.mark.parametrize("chunked", [False, True], ids=["with a content length", "in chunks"])
def test_a_body_that_is_too_large_is_refused(small: Wire, chunked: bool) -> None:
    body = b'{"model": "m", "instructions": "%b"}' % (b"i" * 8192)
    sent = (body[start : start + 1000] for start in range(0, len(body), 1000)) if chunked else body
    answer = small.post("/assistants", content=sent, headers=JSON)
    assert "8192" in refused(answer, 413, type="invalid_request_error", code="body_too_large")["message"]
    assert answer.headers["x-request-id"]
    assert small.read("/assistants")["data"] == []


LARGE = {
    "POST /assistants",
    "POST /assistants/{assistant_id}",
    "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs",
    "POST /vector_stores/{vector_store_id}/file_batches",
    "POST /threads",
    "POST /threads/runs",
    "POST /threads/{thread_id}/messages",
    "POST /threads/{thread_id}/runs",
}


@pytest.mark.parametrize("chunked", [False, True], ids=["with a content length", "in chunks"])
def test_only_an_operation_for_images_or_long_texts_takes_a_large_body(small: Wire, anns: World, chunked: bool) -> None:
    assert set(WITH_BODY) >= LARGE
    for route in WITH_BODY:
        call = Call(route, anns)
        name, size = ("max_large_body", 8192) if route in LARGE else ("max_body", 4096)

        def sent(body: bytes) -> bytes | Iterator[bytes]:
            return (body[start : start + 1000] for start in range(0, len(body), 1000)) if chunked else body

        answer = small.request(call.method, call.url, content=sent(b" " * size), headers=JSON)
        assert answer.status_code != 413
        answer = small.request(call.method, call.url, content=sent(b" " * (size + 1)), headers=JSON)
        error = refused(answer, 413, type="invalid_request_error", param=None, code="body_too_large")
        assert list(error) == ["message", "type", "param", "code"]
        assert answer.headers["openai-version"]
        assert str(size) in error["message"]
        assert name in error["message"]


def test_a_file_that_is_too_large_is_refused(small: Wire) -> None:
    data, told = {"purpose": "assistants"}, {"filename": "a", "purpose": "assistants", "mime_type": ""}
    file = small.post("/files", files={"file": ("a.txt", b"a" * 4097)}, data=data)
    refused(file, 413, code="file_too_large", param="file")
    refused(small.post("/uploads", json={**told, "bytes": 4097}), 413, code="file_too_large", param="bytes")
    assert small.read("/files")["data"] == []


def test_parts_that_do_not_make_up_the_upload_make_no_file(ann: Wire, anns: World, whole: Json) -> None:
    path, part = f"/uploads/{anns['upload']}/complete", anns["part"]
    refused(ann.post(path, json={"part_ids": []}), 400, code="invalid_value", param="part_ids")
    refused(ann.post(path, json={"part_ids": [part, part]}), 400, code="invalid_value", param="part_ids[1]")
    refused(ann.post(path, json={"part_ids": [part], "md5": "0" * 32}), 400, code="invalid_value", param="md5")
    assert everything(ann, anns) == whole


def test_a_body_with_a_wrong_key_is_not_read(stranger: httpx2.Client) -> None:
    refused(stranger.post("/assistants", content=b"{", headers=JSON), 401, code="invalid_api_key")
