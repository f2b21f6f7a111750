"""Visits the pages of the console, for a process that has no network but loopback: `python -m tests.console.isolated`.

Prints `{"interfaces", "problems", "answer"}`.
"""

import json
import socket
import sys
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.console.browser import PLAIN, Guard, launch, open_context
from tests.console.conftest import store_session
from tests.console.test_barriers import PAGES, go
from tests.console.test_play import answer_of, ask
from tests.server.conftest import serving
from tests.server.talking import Caller, ok
from tests.timeouts import EVENT_TIMEOUT


def main() -> None:
    """Load each page, and ask a model."""
    expect.set_options(timeout=EVENT_TIMEOUT * 100)
    with (
        serving(Path(sys.argv[1]), console=True, sandbox="off") as server,
        Caller(server.base_url, "", server.api_key) as user,
        sync_playwright() as playwright,
    ):
        user.user_id = ok(user.get("/v1/auth/validate-key"))["user_id"]
        assistant = user.assistant(model="scripted/hello")
        browser, guard = launch(playwright), Guard(server.base_url)
        with open_context(browser, server.base_url, guard) as context:
            page = context.new_page()
            page.goto(PLAIN)
            page.evaluate("storage => Object.assign(localStorage, storage)", store_session(user))
            page.goto("/")
            for path, title in PAGES.items():
                go(page, path, title)
            page.goto(f"/play?assistant={assistant['id']}")
            ask(page, "Hello?")
            expect(answer_of(page).get_by_text("completed", exact=True)).to_be_visible()
            expect(answer_of(page)).to_contain_text("Hello")
            answer = answer_of(page).inner_text()
        browser.close()
    interfaces = [name for _, name in socket.if_nameindex()]
    print(json.dumps({"interfaces": interfaces, "problems": guard.problems, "answer": answer}))


if __name__ == "__main__":
    main()
