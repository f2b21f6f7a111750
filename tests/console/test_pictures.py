"""Pictures of the console for README.md and docs/console.md: `CONSOLE_PICTURES=1` writes them into docs/pictures."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from projectdavid.adapters.providers.scripted import DemoProvider
from projectdavid.composition.embedded import EmbeddedPlatform
from tests.console.browser import PLAIN, Guard, open_context
from tests.console.conftest import store_session
from tests.server.conftest import serving
from tests.server.talking import Caller, Json, ok
from tests.server.test_file_search import QUESTION, shelf

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURES = ROOT / "docs" / "pictures"
NAMES = ("start", "playground", "trace", "store", "assistant")
QUESTION_OF_DEMO = "What is the area under y = x**2 from 0 to 3? Compute it, and plot the curve."
SIZE = {"width": 1120, "height": 760}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    """A server with the demo model only, as after the first start."""
    with serving(
        tmp_path_factory.mktemp("pictures"), providers={"demo": DemoProvider(delay=0)}, console=True
    ) as server:
        yield server


@pytest.fixture(scope="module")
def objects(server: EmbeddedPlatform) -> dict[str, Json]:
    """A tutor, its run with a plot, and a store with a file."""
    with Caller(server.base_url, "", server.api_key) as user:
        fields = {
            "name": "Math tutor",
            "instructions": "You compute with code.",
            "tools": [{"type": "code_interpreter"}],
        }
        tutor = user.assistant(model="demo/assistant", **fields)
        thread = user.thread(QUESTION_OF_DEMO)
        run = ok(user.post("/v1/runs", json={"assistant_id": tutor["id"], "thread_id": thread["id"]}))
        list(user.events(run))
        store, _ = shelf(user)
        return {"tutor": tutor, "thread": thread, "run": run, "store": store}


@pytest.fixture
def page(browser: Browser, server: EmbeddedPlatform) -> Iterator[Page]:
    """A signed-in page of the size of the pictures."""
    guard = Guard(server.base_url)
    with Caller(server.base_url, "", server.api_key) as owner:
        owner.user_id = ok(owner.get("/v1/auth/validate-key"))["user_id"]
        session = store_session(owner)
    with open_context(browser, server.base_url, guard, viewport=SIZE, color_scheme="light") as context:
        page = context.new_page()
        page.goto(PLAIN)
        page.evaluate("storage => Object.assign(localStorage, storage)", session)
        page.goto("/")
        yield page
    guard.check()


def test_the_pictures_of_the_docs_show_the_console(page: Page, objects: dict[str, Json], tmp_path: Path) -> None:
    folder = PICTURES if os.environ.get("CONSOLE_PICTURES") else tmp_path
    show = {
        "start": lambda: expect(page.get_by_text("Ready to try")).to_be_visible(),
        "playground": lambda: _show_playground(page, objects),
        "trace": lambda: _show_trace(page, objects),
        "store": lambda: _show_store(page, objects),
        "assistant": lambda: _show_assistant(page, objects),
    }
    for name in NAMES:
        show[name]()
        page.screenshot(path=folder / f"{name}.png", animations="disabled", caret="hide")
    assert all((folder / f"{name}.png").stat().st_size > 10_000 for name in NAMES)


def test_each_picture_is_shown_in_the_docs_and_only_these() -> None:
    pages = [ROOT / "README.md", ROOT / "docs" / "console.md"]
    shown = {name for page in pages for name in re.findall(r"pictures/([a-z]+)\.png", page.read_text("utf-8"))}
    assert shown == set(NAMES) == {path.stem for path in PICTURES.iterdir()}


def _show_playground(page: Page, objects: dict[str, Json]) -> None:
    page.goto(f"/play?assistant={objects['tutor']['id']}&thread={objects['thread']['id']}")
    expect(page.get_by_role("img", name="plot-1.png")).to_have_js_property("complete", True)
    expect(page.get_by_text("completed", exact=True)).to_be_visible()


def _show_trace(page: Page, objects: dict[str, Json]) -> None:
    page.goto(f"/runs/{objects['run']['id']}")
    expect(page.get_by_role("treegrid").get_by_role("row", name="Turn 2")).to_be_visible()


def _show_store(page: Page, objects: dict[str, Json]) -> None:
    page.goto(f"/stores/{objects['store']['id']}?q={QUESTION}")
    page.get_by_role("heading", level=1).wait_for()
    page.get_by_label("Query").fill(QUESTION)
    page.get_by_label("Query").press("Enter")
    expect(page.get_by_text("two years").first).to_be_visible()


def _show_assistant(page: Page, objects: dict[str, Json]) -> None:
    page.goto(f"/assistants/{objects['tutor']['id']}")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Math tutor")
