"""What the server answers where the console is, and everywhere else as before."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from projectdavid import Entity
from projectdavid.api.console.files import load_files
from projectdavid.api.console.pages import NOT_BUILT, PAGES
from projectdavid.composition.app import create_app
from projectdavid.composition.sign_in_link import create_sign_in_link
from projectdavid.services.platform import Platform
from tests.server.conftest import serving
from tests.server.consoles import SCRIPT, build_console
from tests.server.talking import ok, refused
from tests.timeouts import EVENT_TIMEOUT

HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{}'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; frame-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A client of a server with a console."""
    folder = build_console(tmp_path_factory.mktemp("console") / "dist")
    with (
        serving(tmp_path_factory.mktemp("data"), console=True, console_folder=folder) as server,
        httpx2.Client(base_url=server.base_url, timeout=EVENT_TIMEOUT) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def unbuilt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A client of a server whose console is not built."""
    with (
        serving(tmp_path_factory.mktemp("data"), console=True, console_folder=Path("/nonexistent")) as server,
        httpx2.Client(base_url=server.base_url, timeout=EVENT_TIMEOUT) as client,
    ):
        yield client


@pytest.mark.parametrize("path", ["/", *(f"/{page}" for page in PAGES), "/runs/run_1", "/threads/a%20b"])
def test_every_page_is_the_index_with_a_nonce_of_its_own(browser: httpx2.Client, path: str) -> None:
    nonces = set[str]()
    for _ in range(2):
        page = browser.get(path)
        found = re.search(r'nonce="([A-Za-z0-9_-]{20,})"', page.text)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert found is not None
        assert "__CSP_NONCE__" not in page.text
        assert page.headers["content-security-policy"] == POLICY.format(found[1])
        nonces.add(found[1])
    assert len(nonces) == 2
    assert {name: page.headers[name] for name in ("cache-control", "vary", "referrer-policy")} == {
        "cache-control": "no-store",
        "vary": "accept-encoding",
        "referrer-policy": "no-referrer",
    }
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cross-origin-opener-policy"] == page.headers["cross-origin-resource-policy"] == "same-origin"
    head = browser.head(path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (
        200,
        b"",
        page.headers["content-length"],
    )


@pytest.mark.parametrize(
    ("accepted", "body", "coding"),
    [
        ("br, gzip", b"as brotli", "br"),
        ("gzip, deflate, br;q=0.1", b"as brotli", "br"),
        ("gzip;q=0.5", b"as gzip", "gzip"),
        ("br;q=0, gzip", b"as gzip", "gzip"),
        ("br;q=0, *", b"as gzip", "gzip"),
        ("*", b"as brotli", "br"),
        ("*;q=0", SCRIPT, None),
        ("br;q=nonsense", SCRIPT, None),
        ("identity", SCRIPT, None),
        ("", SCRIPT, None),
    ],
)
def test_an_asset_has_the_coding_that_the_client_accepts(
    browser: httpx2.Client, accepted: str, body: bytes, coding: str | None
) -> None:
    request = browser.build_request("GET", "/assets/main-abc.js", headers={"accept-encoding": accepted})
    answer = browser.send(request, stream=True)
    assert b"".join(answer.iter_raw()) == body
    answer.close()
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (answer.headers["vary"], answer.headers["x-content-type-options"]) == ("accept-encoding", "nosniff")


def test_an_asset_without_compressed_files_is_sent_as_it_is(browser: httpx2.Client) -> None:
    icon = browser.get("/assets/icon-def.svg")
    assert (icon.content, icon.headers["content-type"]) == (b"<svg/>", "image/svg+xml")
    assert "content-encoding" not in icon.headers


@pytest.mark.parametrize(
    "path",
    [
        *("/assets/gone-123.js", "/assets/main-abc.js.br", "/assets/", "/assets", "/assets/../secret.txt"),
        *("/assets/..%2fsecret.txt", "/assets/%2e%2e/manifest.json", "/index.html", "/manifest.json", "/secret.txt"),
        *("/v1/nothing", "/v1", "/nothing", "/play/a/b", "/health/nothing", "/openai/v1/nothing", "/ws/nothing"),
        *("/Play", "/play/"),
    ],
)
def test_what_is_no_page_and_no_asset_is_a_json_404(browser: httpx2.Client, path: str) -> None:
    answer = browser.get(path, headers=HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
    assert answer.json()["error"]["type"] in ("not_found_error", "invalid_request_error")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/threads", "/assets/main-abc.js"])
def test_pages_are_only_read(browser: httpx2.Client, method: str, path: str) -> None:
    answer = browser.request(method, path)
    assert answer.status_code in (404, 405)
    assert answer.headers["content-type"] == "application/json"


def test_health_names_the_console(browser: httpx2.Client, unbuilt: httpx2.Client) -> None:
    assert ok(browser.get("/health"))["console"] == {"version": "1.2.3", "sources": "0f"}
    assert ok(unbuilt.get("/health"))["console"] is None


def test_the_description_of_the_api_omits_the_console(browser: httpx2.Client, unbuilt: httpx2.Client) -> None:
    described = ok(browser.get("/openapi.json"))
    assert described == ok(unbuilt.get("/openapi.json"))
    assert all(path.startswith(("/v1/", "/health")) for path in described["paths"])


def test_a_console_that_is_not_built_explains_itself_to_people(unbuilt: httpx2.Client) -> None:
    page = unbuilt.get("/", headers=HTML)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "make console" in page.text
    assert len(NOT_BUILT) <= 2000
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    refused(unbuilt.get("/"), 404, "route_not_found")
    for path in ("/play", "/assets/main-abc.js"):
        refused(unbuilt.get(path, headers=HTML), 404, "route_not_found")


def test_a_server_without_a_console_and_an_embedded_one_answer_as_ever(tmp_path: Path) -> None:
    with serving(tmp_path, console=False) as server:
        refused(httpx2.get(f"{server.base_url}/", headers=HTML), 404, "route_not_found")
    with Entity.embedded(tmp_path / "embedded") as client:
        assert client.health().console is None
        refused(httpx2.get(f"{client.base_url}/", headers=HTML), 404, "route_not_found")


@pytest.mark.anyio
async def test_the_link_of_a_starting_server_signs_in_once(platform: Platform, tmp_path: Path) -> None:
    folder = build_console(tmp_path / "dist")
    link = await create_sign_in_link(platform, "http://here", folder)
    assert link is not None
    address, _, code = link.partition("/#code=")
    assert address == "http://here"
    transport = httpx2.ASGITransport(create_app(platform, console=folder))
    async with httpx2.AsyncClient(transport=transport, base_url="http://here") as client:
        made = await client.post("/v1/auth/exchange", json={"code": code})
        who = await client.get("/v1/auth/validate-key", headers={"x-api-key": made.json()["plain_key"]})
        assert who.json()["is_admin"] is False
        refused(await client.post("/v1/auth/exchange", json={"code": code}), 401, "invalid_code", "code")
    platform.settings.credentials.unlink()
    assert await create_sign_in_link(platform, "http://here", folder) is None
    assert await create_sign_in_link(platform, "http://here", tmp_path / "nothing") is None
    await platform.close()


def test_a_build_that_did_not_end_is_none(tmp_path: Path) -> None:
    folder = build_console(tmp_path / "dist")
    (folder / "manifest.json").unlink()
    assert load_files(folder) is None
