"""What holds for the whole server: health, models, the pages, and the label on every answer."""

import re
from html.parser import HTMLParser
from pathlib import Path

import httpx2
import pytest
from openapi_spec_validator import validate

from projectdavid.adapters.providers.scripted import ScriptedProvider
from tests.server.conftest import serving
from tests.server.script import player
from tests.server.talking import Caller, ok, refused

NEW_ID = re.compile(r"^req_[0-9a-f]{24}$")


def test_health_needs_no_key(stranger: httpx2.Client) -> None:
    health = ok(stranger.get("/health"))
    assert list(health) == [
        *("status", "version", "role", "uptime_s", "providers", "tools", "sandbox", "knowledge", "web_search", "runs"),
        *("console", "held_since", "store_free_bytes", "max_file"),
    ]
    assert health["status"] == "ok"
    assert health["providers"] == ["scripted", "demo"]
    assert set(health["tools"]) == {"code_interpreter", "computer", "file_search", "web_search"}
    assert health["sandbox"]["state"] in ("starts with the first call", "ready")
    assert health["runs"].keys() == {"at_work"}


def test_models_are_listed_with_their_providers(user: Caller) -> None:
    page = ok(user.get("/v1/models"))
    assert [(model["id"], model["owned_by"]) for model in page["data"]] == [
        ("scripted/script", "scripted"),
        ("demo/assistant", "demo"),
    ]
    assert (page["first_id"], page["last_id"], page["has_more"]) == ("scripted/script", "demo/assistant", False)


class _Page(HTMLParser):
    """Collects the elements of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


@pytest.mark.parametrize("root", ["", "/openai/v1"])
def test_the_docs_page_loads_only_files_of_this_server_and_its_policy_allows_no_others(
    stranger: httpx2.Client, root: str
) -> None:
    response = stranger.get(f"{root}/docs")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.split(" ", 1) for part in response.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert not any("http" in sources or "*" in sources for sources in policy.values())
    elements = _Page(response.text).elements
    assert not any(name.startswith("on") for _, attributes in elements for name in attributes)
    loaded = [value for _, attributes in elements for name in ("src", "href") if (value := attributes.get(name))]
    assert loaded == ["data:,", "docs/swagger-ui.css", "openapi.json", "docs/swagger-ui-bundle.js", "docs/start.js"]
    for name in loaded[1:]:
        found = stranger.get(f"{root}/{name}")
        assert found.status_code == 200
        assert found.content


@pytest.mark.parametrize("root", ["", "/openai/v1"])
def test_the_docs_page_shows_the_description_beside_it_and_asks_no_validator(
    stranger: httpx2.Client, root: str
) -> None:
    started = stranger.get(f"{root}/docs/start.js")
    assert started.headers["content-type"].startswith("text/javascript")
    assert 'url: "openapi.json"' in started.text
    assert "validatorUrl: null" in started.text
    assert "SwaggerUIBundle" in stranger.get(f"{root}/docs/swagger-ui-bundle.js").text
    assert ok(stranger.get(f"{root}/openapi.json"))["paths"]


def test_the_description_of_the_api_is_valid_and_complete(stranger: httpx2.Client) -> None:
    schema = ok(stranger.get("/openapi.json"))
    validate(schema)
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    for path, methods in schema["paths"].items():
        for operation in methods.values():
            assert operation["description"]
            if path not in ("/health", "/v1/files/download", "/v1/auth/exchange"):
                assert operation["security"] == [{"ApiKey": []}, {"Bearer": []}]
                assert {"401", "422", "503"} <= set(operation["responses"])
            for status, answer in operation["responses"].items():
                if status >= "400":
                    reference = answer["content"]["application/json"]["schema"]["$ref"]
                    assert reference == "#/components/schemas/ErrorAnswer"


ANSWERS = [
    ("GET", "/health", 200),
    ("GET", "/docs", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/v1/assistants", 200),
    ("GET", "/v1/assistants/asst_none", 404),
    ("GET", "/v1/none", 404),
    ("GET", "/", 404),
    ("PATCH", "/v1/assistants", 405),
    ("POST", "/v1/assistants", 422),
    ("DELETE", "/health", 405),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_every_answer_has_an_id_of_its_request(user: Caller, method: str, path: str, status: int) -> None:
    ids = set()
    for _ in range(2):
        response = user.request(method, path)
        assert response.status_code == status
        assert NEW_ID.match(response.headers["x-request-id"])
        ids.add(response.headers["x-request-id"])
    assert len(ids) == 2


def test_an_answer_to_a_stranger_has_one_too(stranger: httpx2.Client) -> None:
    response = stranger.get("/v1/assistants")
    assert response.status_code == 401
    assert NEW_ID.match(response.headers["x-request-id"])


@pytest.mark.parametrize("given", ["mine", "a-B_c.9", "x" * 64])
def test_a_sane_id_of_the_caller_is_echoed(user: Caller, given: str) -> None:
    for path in ("/v1/assistants", "/v1/none"):
        assert user.get(path, headers={"x-request-id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "two words", 'quo"te', b"\xff", "semi;colon", "<b>"])
def test_another_id_is_replaced(user: Caller, given: str) -> None:
    answered = user.get("/v1/assistants", headers={"x-request-id": given}).headers.get_list("x-request-id")
    assert len(answered) == 1
    assert NEW_ID.match(answered[0])


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/assistants", "GET, HEAD, POST"),
        ("/v1/assistants/asst_1", "DELETE, GET, HEAD, PUT"),
        ("/v1/threads/thread_1", "DELETE, GET, HEAD, POST, PUT"),
        ("/v1/completions", "POST"),
        ("/v1/runs/run_1/cancel", "POST"),
        ("/v1/files/download", "GET, HEAD"),
        ("/health", "GET, HEAD"),
        ("/docs", "GET, HEAD"),
        ("/openapi.json", "GET, HEAD"),
    ],
)
def test_a_method_that_a_route_does_not_know_is_refused_with_those_it_does(
    user: Caller, path: str, allowed: str
) -> None:
    for method in ("PATCH", "TRACE", "QUERY"):
        response = user.request(method, path)
        assert allowed in refused(response, 405, "method_not_allowed")
        assert response.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/messages/tools", "POST"),
        ("DELETE", "/v1/files/download", "GET, HEAD"),
        ("GET", "/openai/v1/threads/runs", "POST"),
    ],
)
def test_a_word_in_the_place_of_an_id_is_none(user: Caller, method: str, path: str, allowed: str) -> None:
    response = user.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize("path", ["/v1/none", "/v1/assistants/", "/v1/assistants/a/b", "//v1/assistants", "/v2/runs"])
def test_a_route_that_is_none_is_not_found(user: Caller, path: str) -> None:
    response = httpx2.get(f"{str(user.base_url).rstrip('/')}{path}", headers={"x-api-key": user.key})
    assert "/docs" in refused(response, 404, "route_not_found")


class _Faulty(ScriptedProvider):
    """A plug that breaks its word: it raises something that no provider may."""

    async def models(self) -> list[str]:
        raise ZeroDivisionError("a fault, with a secret in it")


def test_a_fault_of_ours_is_told_in_the_envelope_without_its_details(tmp_path: Path) -> None:
    providers = {"scripted": player(), "faulty": _Faulty()}
    with serving(tmp_path, providers=providers) as server, Caller(server.base_url, "", server.api_key) as user:
        response = user.get("/v1/models", headers={"x-request-id": "mine"})
        message = refused(response, 500, "server_error")
        assert "secret" not in message
        assert response.json()["error"]["type"] == "server_error"
        assert response.headers["x-request-id"] == "mine"
        ok(user.get("/v1/assistants"))
