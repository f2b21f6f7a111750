"""A browser for the tests, and pages that fail a test on whatever a user would not see."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request

from tests.programs import find_program
from tests.timeouts import EVENT_TIMEOUT

TAGS = ("wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice")
REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} blocks ${event.blockedURI}`));
"""
LOCAL = ("data", "blob")


def launch(playwright: Playwright) -> Browser:
    """Start Debian's Chromium; no browser is downloaded."""
    return playwright.chromium.launch(
        executable_path=str(find_program("chromium")), args=["--no-sandbox", "--disable-dev-shm-usage"]
    )


class Guard:
    """Collects the problems of a page: messages of the console, errors, requests to other origins, CSP reports."""

    def __init__(self, base_url: str) -> None:
        self._origin = urlsplit(base_url).netloc
        self._expected: list[str] = []
        self.problems: list[str] = []

    def expect(self, pattern: str) -> None:
        """Allow messages that match a pattern, such as those of a response with an error status."""
        self._expected.append(pattern)

    def watch(self, context: BrowserContext) -> None:
        """Watch all pages of a context."""
        context.add_init_script(REPORT_VIOLATIONS)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.problems.append(f"error: {error.error}"))
        context.on("request", self._on_request)

    def check(self) -> None:
        """Fail if there were problems that the test did not expect."""
        unexpected = [one for one in self.problems if not any(re.search(known, one) for known in self._expected)]
        assert unexpected == []

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console {message.type}: {message.text} ({message.location['url']})")

    def _on_request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.netloc != self._origin and url.scheme not in LOCAL:
            self.problems.append(f"request to another origin: {request.url}")


@contextmanager
def open_context(browser: Browser, base_url: str, guard: Guard, **options: Any) -> Iterator[BrowserContext]:
    """Open a context whose pages are watched."""
    context = browser.new_context(base_url=base_url, **options)
    context.set_default_timeout(EVENT_TIMEOUT * 100)
    guard.watch(context)
    try:
        yield context
    finally:
        context.close()


def find_barriers(page: Page) -> list[str]:
    """Return the violations of WCAG 2.2 AA and of best practice, with the elements."""
    found = Axe().run(page, options={"runOnly": list(TAGS), "resultTypes": ["violations"]})
    return [
        f"{violation['id']}: {violation['help']}: {[node['html'][:200] for node in violation['nodes'][:3]]}"
        for violation in found.response["violations"]
    ]
