"""What every request and every answer has: keys, headers, codes, envelopes."""

import httpx2
import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.compat.behaviours.wire import Wire, ok, path_of, refused

behaviour = pytest.mark.behaviour


@behaviour("transport.key")
@pytest.mark.parametrize("authorization", [None, "Bearer wrong"])
def test_a_request_without_a_valid_key_is_refused(server: EmbeddedPlatform, authorization: str | None) -> None:
    headers = {"authorization": authorization} if authorization else {}
    for path in ("/assistants", "/vector_stores", "/files", "/models"):
        answer = httpx2.get(f"{server.base_url}/openai/v1{path}", headers=headers)
        refused(answer, 401, type="invalid_request_error")


@behaviour("transport.answer-headers")
def test_an_answer_has_the_headers_of_the_service(wire: Wire) -> None:
    first, second = wire.get("/assistants"), wire.get("/assistants")
    for answer in (first, second):
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["openai-version"] == "2020-10-01"
        assert float(answer.headers["openai-processing-ms"]) >= 0
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


@behaviour("transport.answer-headers")
def test_an_error_has_a_request_id_as_well(wire: Wire) -> None:
    answer = wire.get("/assistants/asst_000000000000000000000000")
    assert answer.status_code == 404
    assert answer.headers["x-request-id"]


@behaviour("transport.organization")
def test_an_organization_and_a_project_may_be_named(wire: Wire) -> None:
    ok(wire.get("/assistants", headers={"openai-organization": "org-a", "openai-project": "proj_a"}))


@behaviour("transport.beta-header")
def test_the_beta_header_is_not_needed(server: EmbeddedPlatform, wire: Wire) -> None:
    key = {"authorization": f"Bearer {wire.key}"}
    for path in ("/assistants", "/vector_stores"):
        ok(httpx2.get(f"{server.base_url}/openai/v1{path}", headers=key))


@behaviour("transport.beta-v1")
def test_the_first_version_of_the_beta_is_refused(wire: Wire) -> None:
    refused(wire.get("/assistants", headers={"openai-beta": "assistants=v1"}), 400, code="invalid_beta")


@behaviour("transport.unknown-route")
@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("POST", "/threads/x/y/z")])
def test_a_route_that_is_not_there_says_so(wire: Wire, method: str, path: str) -> None:
    error = refused(wire.request(method, path), 404, type="invalid_request_error")
    assert error["message"].startswith("Invalid URL")
    assert method in error["message"]


@behaviour("threads.list")
def test_threads_are_listed_newest_first(wire: Wire) -> None:
    made = [wire.thread()["id"] for _ in range(3)]
    page = wire.read("/threads", limit=2)
    assert ([one["id"] for one in page["data"]], page["has_more"]) == (made[:0:-1], True)
    assert page["data"][0] == wire.read(f"/threads/{made[-1]}")
    rest = wire.read("/threads", after=page["last_id"])
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == (made[:1], False)
    back = wire.read("/threads", before=made[1])
    assert [one["id"] for one in back["data"]] == made[2:]


@behaviour("transport.poll-after")
def test_what_is_polled_says_when_to_ask_again(wire: Wire) -> None:
    run = wire.run()
    file, store = wire.shelf()
    batch = wire.make(f"/vector_stores/{store['id']}/file_batches", file_ids=[file["id"]])
    for path in (
        path_of(run),
        f"/vector_stores/{store['id']}",
        f"/vector_stores/{store['id']}/files/{file['id']}",
        f"/vector_stores/{store['id']}/file_batches/{batch['id']}",
    ):
        answer = wire.get(path, headers={"x-stainless-poll-helper": "true"})
        assert 0 < int(answer.headers["openai-poll-after-ms"]) <= 1000, path


@behaviour("transport.strict-bodies")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/assistants", {"model": "m"}),
        ("/threads", {}),
        ("/threads/runs", {"assistant_id": "asst_000000000000000000000000"}),
        ("/vector_stores", {}),
    ],
)
def test_a_field_that_nobody_knows_is_refused(wire: Wire, path: str, body: dict[str, str]) -> None:
    answer = wire.post(path, json={**body, "foo": 1})
    refused(answer, 400, "Unknown parameter: 'foo'.", code="unknown_parameter", param="foo")


@behaviour("transport.strict-bodies")
def test_a_field_that_nobody_knows_is_named_with_its_place(wire: Wire) -> None:
    message = {"role": "user", "content": "Hi", "foo": 1}
    answer = wire.post("/threads", json={"messages": [message]})
    refused(answer, 400, code="unknown_parameter", param="messages[0].foo")


@behaviour("transport.missing-parameter")
def test_a_field_that_is_missing_is_named(wire: Wire) -> None:
    answer = wire.post("/assistants", json={})
    message = "Missing required parameter: 'model'."
    refused(answer, 400, message, code="missing_required_parameter", param="model", type="invalid_request_error")


@behaviour("transport.no-json")
def test_a_body_that_is_no_json_is_refused(wire: Wire) -> None:
    answer = wire.post("/assistants", content=b"{", headers={"content-type": "application/json"})
    refused(answer, 400, type="invalid_request_error")


@behaviour("transport.updates-are-posts")
def test_there_is_no_patch_and_no_put(wire: Wire) -> None:
    assistant = wire.assistant()
    for method in ("PATCH", "PUT"):
        assert wire.request(method, f"/assistants/{assistant['id']}", json={}).status_code in (404, 405)
    assert wire.make(f"/assistants/{assistant['id']}", name="New")["name"] == "New"


@behaviour("transport.brackets")
@pytest.mark.parametrize("star", ["*", "%2A"])
@pytest.mark.parametrize("name", ["include[]", "include%5B%5D"])
def test_lists_in_a_query_have_brackets_and_may_be_encoded(wire: Wire, star: str, name: str) -> None:
    run = wire.done()
    value = "step_details.tool_calls[*].file_search.results[*].content".replace("*", star)
    ok(wire.get(f"{path_of(run)}/steps?{name}={value}"))
    ok(wire.get(f"{path_of(run)}/steps?{name}={value.replace('[', '%5B').replace(']', '%5D')}"))


@behaviour("transport.brackets")
def test_what_cannot_be_included_is_refused(wire: Wire) -> None:
    refused(wire.get(f"{path_of(wire.done())}/steps?include[]=everything"), 400)


@behaviour("transport.ownership")
def test_what_is_somebody_elses_does_not_exist(wire: Wire, other: Wire) -> None:
    run = wire.done()
    for path in (path_of(run), f"/threads/{run['thread_id']}", f"/assistants/{run['assistant_id']}"):
        assert other.get(path).status_code == 404


@behaviour("transport.idempotency")
def test_a_post_with_a_key_is_done_once(wire: Wire) -> None:
    headers = {"idempotency-key": "once-and-only-once"}
    made = [ok(wire.post("/assistants", json={"model": "m"}, headers=headers)) for _ in range(2)]
    assert made[0] == made[1]
    assert len(wire.read("/assistants")["data"]) == 1
