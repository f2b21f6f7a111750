"""A browser for this folder, a server for each file, and a signed-in page for each test."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from projectdavid.adapters.providers.scripted import DemoProvider
from projectdavid.api.console.files import is_built
from projectdavid.composition.embedded import EmbeddedPlatform
from tests.console.browser import Guard, launch, open_context
from tests.programs import require_programs
from tests.server.conftest import serving
from tests.server.script import player
from tests.server.talking import Caller, ok
from tests.timeouts import EVENT_TIMEOUT

OpenPage = Callable[..., Page]


def require_console() -> None:
    """Skip the test if the console is not built; in CI, fail it."""
    if not is_built():
        message = "The console is not built: run make console."
        pytest.fail(message) if os.environ.get("TEST_REQUIRE_PROGRAMS") else pytest.skip(message)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A browser. It ends with this folder: its event loop would be in the way of tests that run their own."""
    require_programs("chromium")
    require_console()
    expect.set_options(timeout=EVENT_TIMEOUT * 100)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    """A server with the demo model, and the scripted ones."""
    providers = {"demo": DemoProvider(delay=0), "scripted": player()}
    hooks = {"outbound_allow": ["127.0.0.1"], "outbound_allow_http": True}
    with serving(tmp_path_factory.mktemp("console"), providers=providers, console=True, **hooks) as server:
        yield server


@pytest.fixture
def user(server: EmbeddedPlatform) -> Iterator[Caller]:
    """A new user."""
    with Caller(server.base_url, "", server.admin_api_key) as admin:
        user_id = ok(admin.post("/v1/users", json={}))["id"]
        key = ok(admin.post(f"/v1/users/{user_id}/apikeys"))["plain_key"]
    with Caller(server.base_url, user_id, key) as caller:
        yield caller


@pytest.fixture
def admin(server: EmbeddedPlatform) -> Iterator[Caller]:
    """The admin."""
    with Caller(server.base_url, "", server.admin_api_key) as admin:
        admin.user_id = ok(admin.get("/v1/auth/validate-key"))["user_id"]
        yield admin


@pytest.fixture
def guard(server: EmbeddedPlatform) -> Guard:
    """Watches the pages of a test."""
    return Guard(server.base_url)


@pytest.fixture
def open_page(browser: Browser, server: EmbeddedPlatform, guard: Guard) -> Iterator[OpenPage]:
    """Open pages in contexts of their own; at its end, the test fails if one of them had a problem."""
    with ExitStack() as contexts:

        def open_one(path: str = "/", signed_in: Caller | None = None, **options: Any) -> Page:
            context = contexts.enter_context(open_context(browser, server.base_url, guard, **options))
            if signed_in is not None:
                context.add_init_script(store_session(signed_in))
            page = context.new_page()
            page.goto(path)
            return page

        yield open_one
        guard.check()


def store_session(caller: Caller) -> str:
    """Return a script that signs a page in, as `src/api/session.ts` stores it."""
    identity = {
        "key": caller.key,
        "prefix": caller.key[:8],
        "userId": caller.user_id,
        "isAdmin": False,
        "expiresAt": None,
    }
    session = json.dumps({"acting": "me", "me": identity})
    return f"if (location.protocol !== 'about:') localStorage['projectdavid.session'] ??= JSON.stringify({session})"
