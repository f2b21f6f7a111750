"""A route has one spelling: what a proxy forbids by path cannot be reached under another."""

from contextlib import closing
from http.client import HTTPConnection

import httpx2
import pytest

from tests.server.talking import Caller, ok, refused

DISGUISED = [
    "/openai%2fv1/assistants",
    "/openai%2Fv1/assistants",
    "/openai%2fv1%2fassistants",
    "/%6fpenai/v1/assistants",
    "/%6fpenai/assistants",
    "/%61pi/projects/mine/assistants",
    "/api/projects/a%2fb/assistants",
    "/api/projects/%6dine/assistants",
    "/openai%5cv1/assistants",
    "/v1%2fassistants",
    "/v1/us%65rs",
    "/v1/%75sers",
    "/%76%31/assistants",
    "/v1/assistants%2f..%2fusers",
    "/v1/%2e%2e/openai/v1/assistants",
    "/v1/%2E./openai/v1/assistants",
    "/health%2f",
    "/%68ealth",
    "/%64ocs",
    "/openapi%2ejson",
]
LITERAL = [
    "/v1//assistants",
    "//v1/assistants",
    "/V1/assistants",
    "/v1/./assistants",
    "/v1/x/../assistants",
    "/v1/assistants/",
]


def get(user: Caller, path: str) -> httpx2.Response:
    """The answer to exactly this path, which no client has normalized."""
    with closing(HTTPConnection(user.base_url.host, user.base_url.port)) as connection:
        connection.request("GET", path, headers={"x-api-key": user.key})
        answer = connection.getresponse()
        return httpx2.Response(answer.status, headers=answer.getheaders(), content=answer.read())


@pytest.mark.parametrize(
    "path",
    [
        "/openai/v1/%61ssistants",
        "/openai/v1/models%2fmodel",
        "/openai/v1/threads%2fruns",
        "/openai/v1%2fassistants",
        "/openai/%761/assistants",
        "/openai/%61ssistants",
        "/api/projects/mine/%61ssistants",
        "/api/projects/mine/threads%2fruns",
    ],
)
def test_the_dialect_refuses_such_a_path_in_its_own_words(user: Caller, path: str) -> None:
    answer = get(user, path)
    assert answer.status_code == 404, answer.text
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["message"].startswith("Invalid URL (GET ")


@pytest.mark.parametrize("path", DISGUISED)
def test_a_path_that_is_escaped_without_need_reaches_no_route(user: Caller, path: str) -> None:
    refused(get(user, path), 404, "route_not_found")


@pytest.mark.parametrize("path", LITERAL)
def test_a_path_that_is_spelled_otherwise_reaches_no_route(user: Caller, path: str) -> None:
    assert get(user, path).status_code == 404


def test_ids_and_names_may_have_escaped_characters(user: Caller) -> None:
    refused(get(user, "/v1/assistants/a%20b%C3%A9"), 404, "assistant_not_found")
    answer = get(user, "/openai/v1/models/scripted%2Fhello")
    assert answer.status_code in (200, 404)
    assert "Invalid URL" not in answer.text


def test_the_plain_spelling_reaches_its_route(user: Caller) -> None:
    for path in ("/openai/v1/assistants", "/v1/assistants", "/health"):
        ok(get(user, path))


WRONG = ["openai/fake\r\nX: y", "a\nb", "a\tb", "a\x7fb", "a\x85b", "\x1b[31m"]


@pytest.mark.parametrize("model", WRONG)
def test_a_model_whose_name_has_control_characters_is_refused(user: Caller, model: str) -> None:
    refused(user.post("/v1/assistants", json={"model": model}), 422, "invalid_value", "model")
    assistant, thread = user.assistant(), user.thread("Hi")
    refused(user.put(f"/v1/assistants/{assistant['id']}", json={"model": model}), 422, "invalid_value", "model")
    run = {"assistant_id": assistant["id"], "thread_id": thread["id"], "model": model}
    refused(user.post("/v1/runs", json=run), 422, "invalid_value", "model")
    dialect = [
        user.post("/openai/v1/assistants", json={"model": model}),
        user.post(f"/openai/v1/assistants/{assistant['id']}", json={"model": model}),
        user.post(f"/openai/v1/threads/{thread['id']}/runs", json={"assistant_id": assistant["id"], "model": model}),
    ]
    for answer in dialect:
        assert answer.status_code == 400, answer.text  # what the dialect has for a 422
        assert answer.json()["error"]["param"] == "model"
