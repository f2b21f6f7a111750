"""What browsers, monitors and load balancers ask beside the API: HEAD, OPTIONS, and pages of other origins (CORS)."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from projectdavid.settings import Settings
from tests.http.conftest import ORIGIN
from tests.http.raw import Connection, Target, ask
from tests.server.conftest import serving

OTHER = "http://localhost:3001"
STAINLESS = "authorization,content-type,openai-beta,x-stainless-lang,x-stainless-os,x-stainless-retry-count"
"""What openai-node sends in a browser (`dangerouslyAllowBrowser`)."""
ASSISTANTS = ("/v1/assistants", "/openai/v1/assistants")


# HEAD


def test_every_route_of_get_answers_head_with_the_same_headers_and_no_body(target: Target) -> None:
    made = ask(target, target.post("/v1/assistants", {"model": "demo/assistant"})).json()["id"]
    paths = ("/health", "/docs", "/openapi.json", "/openai/v1/openapi.json", "/openai/v1/models", *ASSISTANTS)
    with Connection(target) as connection:
        for path in (*paths, f"/v1/assistants/{made}", f"/openai/v1/assistants/{made}", "/v1/runs?limit=2"):
            got, head = (target.head(f"{method} {path}") for method in ("GET", "HEAD"))
            connection.send(got)
            whole = connection.read()
            connection.send(head)
            answer = connection.read(method="HEAD")
            assert (answer.status, answer.body) == (200, b""), path
            for name in ("content-type", "content-length"):
                if path != "/health" or name == "content-type":  # its uptime has more digits each time
                    assert answer.headers.get(name) == whole.headers.get(name), (path, name)


@pytest.mark.parametrize("root", ["", "/openai/v1"])
def test_every_route_of_get_answers_head_with_the_same_status(target: Target, root: str) -> None:
    described = ask(target, target.head(f"GET {root}/openapi.json")).json()["paths"]
    paths = [root + re.sub(r"{\w+}", "none", path) for path, methods in described.items() if "get" in methods]
    assert len(paths) > 15
    with Connection(target) as connection:
        for path in paths:
            connection.send(target.head(f"GET {path}") + target.head(f"HEAD {path}"))
            assert connection.read().status == connection.read(method="HEAD").status, path


def test_head_of_a_stream_or_a_file_does_not_wait_for_its_content(target: Target) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n--x--\r\n'
    fields = ("Content-Type: multipart/form-data; boundary=x", f"Content-Length: {len(form)}")
    file = ask(target, target.head("POST /v1/files", *fields) + form).json()["id"]
    assistant = ask(target, target.post("/v1/assistants", {"model": "demo/assistant"})).json()["id"]
    thread = ask(target, target.post("/v1/threads", {})).json()["id"]
    body = {"assistant_id": assistant, "thread_id": thread, "status": "pending"}
    run = ask(target, target.post("/v1/runs", body)).json()["id"]
    with Connection(target) as connection:
        for path, kind in (
            (f"/v1/files/{file}/content", "text/plain"),
            (f"/v1/runs/{run}/events", "text/event-stream"),
        ):
            connection.send(target.head(f"HEAD {path}"))
            answer = connection.read(method="HEAD")
            assert answer.status == 200
            assert answer.headers["content-type"].startswith(kind)


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/none", 404), ("/v1/assistants/asst_none", 404), ("/v1/completions", 405)]
)
def test_head_reports_what_get_would_report(target: Target, path: str, status: int) -> None:
    with Connection(target) as connection:
        for _ in range(2):
            connection.send(target.head(f"HEAD {path}"))
            assert connection.read(method="HEAD").status == status


def test_head_wants_a_key_where_get_wants_one(target: Target) -> None:
    for path in ASSISTANTS:
        assert ask(target, Target(target.url, "none").head(f"HEAD {path}"), method="HEAD").status == 401


# CORS


def preflight(origin: str, method: str = "POST", headers: str = STAINLESS) -> tuple[str, ...]:
    """The headers of a preflight."""
    return (
        f"Origin: {origin}",
        f"Access-Control-Request-Method: {method}",
        f"Access-Control-Request-Headers: {headers}",
    )


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD"])
@pytest.mark.parametrize("path", [*ASSISTANTS, "/health", "/openai/v1/threads/runs", "/v1/none"])
def test_a_preflight_of_a_page_of_the_setting_is_answered_without_a_key(target: Target, path: str, method: str) -> None:
    answer = ask(target, Target(target.url, "").head(f"OPTIONS {path}", *preflight(ORIGIN, method)))
    assert answer.status in (200, 204)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert method in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == STAINLESS
    assert "access-control-allow-credentials" not in answer.headers
    assert "Origin" in answer.headers["vary"]


def test_a_preflight_of_another_page_is_refused(target: Target) -> None:
    for origin in (OTHER, "null", f"{ORIGIN}.evil.example", "https://localhost:3000"):
        answer = ask(target, target.head("OPTIONS /v1/assistants", *preflight(origin)))
        assert answer.status == 400
        assert "access-control-allow-origin" not in answer.headers


def answers(target: Target, origin: str) -> dict[str, dict[str, str]]:
    """The headers of every kind of response to a page."""
    field = f"Origin: {origin}"
    assistant = ask(target, target.post("/v1/assistants", {"model": "demo/assistant"})).json()["id"]
    run = {"assistant_id": assistant, "thread": {"messages": [{"role": "user", "content": "Hi"}]}, "stream": True}
    anonymous = Target(target.url, "none")
    requests = {
        "an object": target.head(f"GET /v1/assistants/{assistant}", field),
        "an object of the dialect": target.head(f"GET /openai/v1/assistants/{assistant}", field),
        "a stream": target.post("/openai/v1/threads/runs", run, field),
        "no key": anonymous.head("GET /v1/assistants", field),
        "no key in the dialect": anonymous.head("GET /openai/v1/assistants", field),
        "no such route": target.head("GET /v1/none", field),
        "no such route of the dialect": target.head("GET /openai/v1/none", field),
        "another method": target.head("DELETE /health", field),
        "an invalid body": target.post("/v1/assistants", {"model": 1}, field),
        "an invalid body in the dialect": target.post("/openai/v1/assistants", {"model": 1}, field),
        "too large a body": target.post("/v1/threads", {"meta_data": {"a": "b" * 100_000}}, field),
    }
    return {name: ask(target, request).headers for name, request in requests.items()}


@pytest.mark.parametrize("origin", [ORIGIN, "app://desktop"])
def test_a_page_of_the_setting_can_read_every_response(target: Target, origin: str) -> None:
    for name, headers in answers(target, origin).items():
        assert headers.get("access-control-allow-origin") == origin, name
        assert headers.get("access-control-expose-headers") == "*", name
        assert "Origin" in headers["vary"], name


def test_another_page_can_read_no_response(target: Target) -> None:
    for name, headers in answers(target, OTHER).items():
        assert "access-control-allow-origin" not in headers, name


def test_by_default_no_page_of_another_origin_can_use_the_api(tmp_path: Path) -> None:
    with serving(tmp_path / "off") as server:
        target = Target(server.base_url, server.api_key)
        for path in ASSISTANTS:
            answer = ask(target, target.head(f"OPTIONS {path}", *preflight(ORIGIN)))
            assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")
            assert (
                "access-control-allow-origin"
                not in ask(target, target.head(f"GET {path}", f"Origin: {ORIGIN}")).headers
            )


def test_a_star_lets_every_page_use_the_api(tmp_path: Path) -> None:
    with serving(tmp_path / "all", cors_origins=["*"]) as server:
        target = Target(server.base_url, server.api_key)
        for path in ASSISTANTS:
            for request in (
                target.head(f"OPTIONS {path}", *preflight(OTHER)),
                target.head(f"GET {path}", f"Origin: {OTHER}"),
            ):
                answer = ask(target, request)
                assert answer.status == 200
                assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "origin",
    ["https://app.example.com/", "app.example.com", "https://*.example.com", "HTTPS://app.example.com", "null", ""],
)
def test_what_no_browser_sends_as_an_origin_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(ValidationError, match="cors_origins"):
        Settings(cors_origins=[origin])
