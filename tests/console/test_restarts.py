"""Servers that are killed and restarted, and networks that fail, while a page is open."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser import PLAIN, Guard, open_context
from tests.console.checkout import ROOT
from tests.console.conftest import OpenPage, require_console, store_session
from tests.console.stage import PARAGRAPHS, Stage
from tests.console.test_play import answer_of, expect_end, start
from tests.console.test_terminal import read_rows, run_commands
from tests.e2e.conftest import Starting, fake, nursery, starting  # noqa: F401 - fixtures
from tests.e2e.hosts import require_hosts
from tests.e2e.processes import Server
from tests.server.talking import Caller, ok
from tests.timeouts import PROCESS_TIMEOUT

BROKEN = r"net::ERR_|WebSocket connection"
"""What a browser reports of a server that is away."""
OpenAt = Callable[[Server, Caller, str], Page]


@pytest.fixture
def open_at(browser: Browser) -> Iterator[OpenAt]:
    """Open a page of a server that the test kills; such pages report broken connections, and nothing else."""
    guards: list[Guard] = []
    with ExitStack() as contexts:

        def open_one(server: Server, user: Caller, path: str) -> Page:
            guard = Guard(server.url())
            guard.expect(BROKEN)
            guards.append(guard)
            page = contexts.enter_context(open_context(browser, server.url(), guard)).new_page()
            page.goto(PLAIN)
            page.evaluate("storage => Object.assign(localStorage, storage)", store_session(user))
            page.goto(path)
            return page

        yield open_one
        for guard in guards:
            guard.check()


@pytest.fixture
def killed(starting: Starting) -> Server:  # noqa: F811 - a fixture
    """A server that comes back with the same address."""
    server = starting(console=True)
    server.port = urlsplit(server.url()).port or 0
    return server


@pytest.fixture
def owner(killed: Server) -> Iterator[Caller]:
    """Its user."""
    with Caller(killed.url(), "", killed.key) as owner:
        owner.user_id = ok(owner.get("/v1/auth/validate-key"))["user_id"]
        yield owner


def test_an_answer_goes_on_in_the_page_after_kill_9_and_restart(open_at: OpenAt, killed: Server, owner: Caller) -> None:
    run = start(owner, "[tokens=60][hang=30,times=1]", model="fake-model")
    page = open_at(killed, owner, f"/threads/{run['thread_id']}")
    expect(answer_of(page)).to_contain_text("w29")
    killed.kill()
    killed.ended()
    expect(page.get_by_text("The connection is lost. Reconnecting…")).to_be_visible()
    killed.start()
    expect_end(page)
    words = " ".join(f"w{number}" for number in range(60))
    expect(answer_of(page).get_by_text(words, exact=True)).to_be_visible()
    assert answer_of(page).inner_text().count("w29 ") == 1
    kept = ok(owner.get(f"/v1/threads/{run['thread_id']}/messages"))["data"][-1]["content"]
    assert kept == words
    page.reload()
    expect(answer_of(page).get_by_text(words, exact=True)).to_be_visible()


def test_a_terminal_goes_on_after_a_restart_of_the_server(open_at: OpenAt, killed: Server, owner: Caller) -> None:
    thread = run_commands(owner, "echo first")
    page = open_at(killed, owner, f"/terminal/{thread['id']}")
    rows = page.locator(".xterm-rows")
    expect(rows).to_contain_text("first")
    killed.terminate()
    killed.ended()
    expect(page.get_by_text("reconnecting")).to_be_visible()
    killed.start()
    expect(page.get_by_text("watching")).to_be_visible()
    run_commands(owner, "echo second", thread)
    expect(rows).to_contain_text("second")
    assert read_rows(page).count("echo first") == 1


def test_a_page_without_a_network_says_so_and_goes_on_by_itself(
    open_page: OpenPage, user: Caller, guard: Guard, stage: Stage
) -> None:
    guard.expect(f"{BROKEN}|Unable to preload|dynamically imported")
    run = start(user, "offline")
    page = open_page(f"/threads/{run['thread_id']}", user, is_own=True)
    expect(page.get_by_text("Paragraph 19 says")).to_be_visible()
    page.context.set_offline(True)
    away = page.get_by_text("The server does not answer. Trying again…")
    expect(away).to_be_visible()
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="This page cannot be loaded.")).to_be_visible()
    page.go_back()
    stage.release("offline")
    page.context.set_offline(False)
    expect(away).to_be_hidden()
    expect_end(page)
    shown = answer_of(page).locator("p", has_text="Paragraph").all_inner_texts()
    assert shown == [paragraph.strip() for paragraph in PARAGRAPHS]


def test_the_console_needs_no_network_but_loopback(tmp_path: Path) -> None:
    require_console()
    require_hosts()
    command = [sys.executable, "-m", "tests.console.isolated", str(tmp_path)]
    alone = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$0" "$@"']
    done = subprocess.run(
        [*alone, *command], cwd=ROOT, capture_output=True, text=True, timeout=PROCESS_TIMEOUT, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["interfaces"] == ["lo"]
    assert seen["problems"] == []
    assert "Hello" in seen["answer"]
