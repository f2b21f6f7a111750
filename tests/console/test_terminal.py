"""The page of a terminal: what a shell printed, and connections that are cut."""

import re

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.console.browser import Guard, find_barriers
from tests.console.conftest import OpenPage
from tests.server.talking import Caller, Json, ok

COMMAND = (
    r'printf "\033[31mred\033[0m\n\033[38;2;10;200;30mlime\033[0m\n"; exit_with() { return $1; };'
    " echo 7 > seven.txt; exit_with 3"
)
SHOWN = "red"
RED = "rgb(243, 156, 146)"


def run_commands(user: Caller, commands: str, thread: Json = None) -> Json:
    """A thread in whose shell commands have run."""
    assistant = user.assistant(model="demo/assistant", tools=[{"type": "computer"}])
    question = f"Run `{commands}`"
    if thread is None:
        thread = user.thread(question)
    else:
        user.say(thread, question)
    run = ok(user.post("/v1/runs", json={"assistant_id": assistant["id"], "thread_id": thread["id"]}))
    user.until(run, "completed")
    return thread


def open_terminal(open_page: OpenPage, user: Caller, thread: Json) -> Page:
    page = open_page("/", user)
    page.goto(f"/terminal/{thread['id']}")
    expect(page.get_by_text("watching")).to_be_visible()
    return page


def read_rows(page: Page) -> str:
    return page.locator(".xterm-rows").inner_text()


def test_a_terminal_shows_what_the_shell_prints_in_color(open_page: OpenPage, user: Caller) -> None:
    thread = user.thread()
    page = open_terminal(open_page, user, thread)
    expect(page.get_by_text("No command has run in this thread's shell yet.")).to_be_visible()
    run_commands(user, COMMAND, thread)
    cell = page.locator(".xterm-rows span", has_text=re.compile(f"^{SHOWN}$"))
    expect(cell).to_have_css("color", RED)
    expect(page.locator(".xterm-rows span", has_text=re.compile("^lime$"))).to_have_css("color", "rgb(10, 200, 30)")
    expect(page.get_by_text("exit 3")).to_be_visible()
    expect(page.get_by_role("link", name="seven.txt")).to_be_visible()
    assert find_barriers(page) == []
    page.get_by_label("Screen reader mode").check()
    expect(page.locator(".xterm-accessibility")).to_contain_text(SHOWN)
    assert find_barriers(page) == []
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy as text").click()
    expect(page.get_by_text("Copied").first).to_be_visible()
    assert f"\n{SHOWN}\n" in page.evaluate("navigator.clipboard.readText()")


def test_a_terminal_connects_again_and_repeats_nothing(open_page: OpenPage, user: Caller) -> None:
    thread = run_commands(user, "echo first")
    page = open_page("/", user, is_own=True)
    sockets: list[WebSocketRoute] = []
    tickets: list[str] = []

    def keep(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)
        tickets.append(socket.url)

    page.route_web_socket(re.compile("/ws/computer"), keep)
    page.goto(f"/terminal/{thread['id']}")
    rows = page.locator(".xterm-rows")
    expect(rows).to_contain_text("first")
    sockets[0].close(code=1012, reason="The server stops.")
    expect(page.get_by_text("reconnecting")).to_be_visible()
    expect(page.get_by_text("watching")).to_be_visible()
    run_commands(user, "echo second", thread)
    expect(rows).to_contain_text("second")
    assert len(re.findall("echo first", read_rows(page))) == 1
    assert len(set(tickets)) == 2
    assert all("role=viewer" in ticket for ticket in tickets)


@pytest.mark.parametrize("width", [1280, 360])
def test_a_terminal_that_is_closed_says_why(open_page: OpenPage, user: Caller, width: int) -> None:
    page = open_page("/", user, viewport={"width": width, "height": 640}, is_own=True)
    page.route_web_socket(re.compile("/ws/computer"), lambda socket: socket.close(code=1008, reason="Revoked."))
    page.goto(f"/terminal/{user.thread()['id']}")
    expect(page.get_by_role("alert")).to_contain_text("The server closed the connection: Revoked.")
    assert find_barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_terminal_of_no_thread_is_gone(open_page: OpenPage, user: Caller, guard: Guard) -> None:
    guard.expect("status of 404")
    page = open_page("/terminal/thread_0000000000000000000000", user)
    expect(page.get_by_role("alert")).to_contain_text("Not found")
