"""A browser and a server for this folder, and a signed-in page for each test."""

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
from tests.console.browser import PLAIN, Guard, SharedPage, launch, open_context
from tests.console.stage import Stage
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


@pytest.fixture(scope="package")
def stage() -> Stage:
    """A model whose answers wait for the test."""
    return Stage()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory, stage: Stage) -> Iterator[EmbeddedPlatform]:
    """A server with the demo model, the scripted ones and the stage."""
    providers = {"demo": DemoProvider(delay=0), "scripted": player(), "stage": stage.provider}
    hooks = {"outbound_allow": ["127.0.0.1"], "outbound_allow_http": True}
    with serving(tmp_path_factory.mktemp("console"), providers=providers, console=True, **hooks) as server:
        yield server


@pytest.fixture(scope="package")
def watch(server: EmbeddedPlatform) -> Guard:
    """Watches all pages of the server."""
    return Guard(server.base_url)


@pytest.fixture(scope="package")
def shared_page(browser: Browser, server: EmbeddedPlatform, watch: Guard) -> Iterator[SharedPage]:
    """A page for many tests."""
    with open_context(browser, server.base_url, watch) as context:
        yield SharedPage(context)


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
def guard(watch: Guard) -> Guard:
    """Watches the pages of a test."""
    watch.reset()
    return watch


@pytest.fixture
def open_page(browser: Browser, server: EmbeddedPlatform, guard: Guard, shared_page: SharedPage) -> Iterator[OpenPage]:
    """Open pages; at its end, the test fails if one of them had a problem.

    The first page is shared with other tests, unless it is opened with options of a context or `is_own`; others have
    contexts of their own.
    """
    with ExitStack() as contexts:
        is_free = True

        def open_one(path: str = "/", signed_in: Caller | None = None, *, is_own: bool = False, **options: Any) -> Page:
            nonlocal is_free
            storage = {} if signed_in is None else store_session(signed_in)
            if is_free and not is_own and options.keys() <= shared_page.OPTIONS:
                is_free = False
                return shared_page.open(path, storage, **options)
            context = contexts.enter_context(open_context(browser, server.base_url, guard, **options))
            page = context.new_page()
            page.goto(PLAIN)
            page.evaluate("storage => Object.assign(localStorage, storage)", storage)
            page.goto(path)
            return page

        yield open_one
        guard.check()
        if not is_free:
            shared_page.clear()


def store_session(caller: Caller) -> dict[str, str]:
    """Return what a signed-in page has in its storage, see `src/api/session.ts`."""
    identity = {
        "key": caller.key,
        "prefix": caller.key[:8],
        "userId": caller.user_id,
        "isAdmin": False,
        "expiresAt": None,
    }
    return {"projectdavid.session": json.dumps({"acting": "me", "me": identity})}
