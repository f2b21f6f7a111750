"""Runs in a browser: the list, and the trace of one."""

import json
import re
from pathlib import Path

from playwright.sync_api import expect

from tests.console.browser import find_barriers
from tests.console.conftest import OpenPage
from tests.server.talking import Caller, ok


def make_run(user: Caller) -> str:
    """Run the demo model to its end, and return the run's id."""
    assistant = ok(user.post("/v1/assistants", json={"model": "demo/assistant", "name": "Mathy"}))["id"]
    thread = ok(user.post("/v1/threads", json={}))["id"]
    message = {"thread_id": thread, "role": "user", "content": "What is 12 * 12?", "assistant_id": assistant}
    ok(user.post("/v1/messages", json=message))
    run = ok(user.post("/v1/runs", json={"assistant_id": assistant, "thread_id": thread}))["id"]
    assert "[DONE]" in user.get(f"/v1/runs/{run}/events").text
    return run


def test_the_list_shows_runs_and_filters_them_by_status(open_page: OpenPage, user: Caller) -> None:
    make_run(user)
    page = open_page("/runs", user)
    row = page.get_by_role("row", name="demo/assistant")
    expect(row.get_by_text("completed")).to_be_visible()
    assert find_barriers(page) == []
    page.get_by_label("Status").select_option("failed")
    expect(page.get_by_text("No run has this status.")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?status=failed$"))


def test_a_trace_shows_turns_and_events_by_keyboard_and_as_a_file(open_page: OpenPage, user: Caller) -> None:
    run = make_run(user)
    page = open_page(f"/runs/{run}#p=2", user, viewport={"width": 360, "height": 640})
    row = page.get_by_role("treegrid").get_by_role("row", name="Turn 1")
    row.focus()
    page.keyboard.press("Enter")
    expect(row).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("listitem").locator("[aria-current]")).to_be_visible()
    assert find_barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    with page.expect_download() as download:
        page.get_by_role("button", name="Download journal").click()
    lines = Path(download.value.path()).read_text("utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == list(range(1, len(lines) + 1))
