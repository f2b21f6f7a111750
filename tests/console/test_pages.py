"""The pages of the console in a browser: what they say, and how one moves among them."""

import re

from playwright.sync_api import expect

from tests.console.browser import find_barriers
from tests.console.conftest import OpenPage
from tests.server.talking import Caller


def test_the_start_says_what_is_here_and_what_is_off(open_page: OpenPage, user: Caller) -> None:
    page = open_page("/", user)
    expect(page.get_by_text("demo/assistant")).to_be_visible()
    off = page.get_by_role("region", name="What is off, and why")
    expect(off.get_by_text("no search engine")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Try it.*Compute and plot$")).click()
    expect(page).to_have_url(re.compile(r"/play\?tool=code_interpreter&prompt=Plot"))


def test_the_status_page_shows_each_tool_and_the_raw_answer(open_page: OpenPage, user: Caller) -> None:
    page = open_page("/status", user)
    row = page.get_by_role("row", name="code_interpreter")
    expect(row.get_by_text("available")).to_be_visible()
    expect(page.get_by_text("by words only, since no embedding model is set")).to_be_visible()
    page.get_by_text("The answer of /health").click()
    expect(page.get_by_text('"status": "ok"')).to_be_visible()


def test_the_navigation_of_a_small_screen_is_a_drawer(open_page: OpenPage, user: Caller) -> None:
    page = open_page("/", user, viewport={"width": 360, "height": 640})
    page.get_by_role("button", name="Open navigation").click()
    drawer = page.get_by_role("dialog", name="Main")
    assert find_barriers(page) == []
    drawer.get_by_role("link", name="Status").click()
    expect(drawer).to_be_hidden()
    expect(page.get_by_role("heading", level=1, name="Status")).to_be_visible()


def test_the_theme_can_be_switched_and_is_kept(open_page: OpenPage, user: Caller) -> None:
    page = open_page("/", user, color_scheme="light")
    page.get_by_role("button", name="Theme: Like the system").click()
    page.get_by_role("button", name="Theme: Light").click()
    expect(page.get_by_role("button", name="Theme: Dark")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_palette_opens_pages_and_ids(open_page: OpenPage, user: Caller) -> None:
    page = open_page("/", user)
    page.get_by_role("heading", level=1).wait_for()
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox")
    expect(field).to_be_focused()
    assert find_barriers(page) == []
    field.fill("stat")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Status")).to_be_visible()
    page.keyboard.press("Control+k")
    field.fill("run_5X2dIbKJsm8IgQTOAvK5WI")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/runs/run_5X2dIbKJsm8IgQTOAvK5WI$"))


def test_shortcuts_go_to_pages_and_can_be_switched_off(open_page: OpenPage, user: Caller) -> None:
    page = open_page("/", user)
    page.get_by_role("heading", level=1).wait_for()
    page.keyboard.type("gt")
    expect(page.get_by_role("heading", level=1, name="Threads")).to_be_visible()
    page.keyboard.type("?")
    shortcuts = page.get_by_role("dialog", name="Keyboard shortcuts")
    assert find_barriers(page) == []
    shortcuts.get_by_label("Single-letter shortcuts").uncheck()
    page.keyboard.press("Escape")
    expect(shortcuts).to_be_hidden()
    page.keyboard.type("gr")
    expect(page.get_by_role("heading", level=1, name="Threads")).to_be_visible()
