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
AXE = Axe().axe_script
AXE_OPTIONS = {"runOnly": list(TAGS), "resultTypes": ["violations"], "preload": False}
COLOR_OPTIONS = {**AXE_OPTIONS, "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
SIZES = {1280: 800, 360: 640}
"""Widths and heights."""
SETTLE = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
  for (const one of document.getAnimations()) if (one instanceof CSSTransition) one.finish();
  done();
})))"""
"""Ends transitions: a color that is on its way to another has any contrast."""
VIEWPORT = {"width": 1280, "height": 720}
PLAIN = "/health"
"""A path of the server that shows no page."""


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

    def reset(self) -> None:
        """Forget what was found and expected."""
        self._expected.clear()
        self.problems.clear()

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
        assert unexpected == [], unexpected

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.location["url"].endswith("/favicon.ico"):
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


class SharedPage:
    """A page that tests use one after the other: a new one costs as much as four visits.

    It does not undo init scripts and routes of web sockets; a test that adds them opens a context of its own.
    """

    OPTIONS = frozenset({"viewport", "color_scheme"})
    """What can be set and taken back."""

    def __init__(self, context: BrowserContext) -> None:
        self._context = context
        self.page = context.new_page()

    def open(self, path: str, storage: dict[str, str], **options: Any) -> Page:
        """Go to a page with this in the storage, and nothing else."""
        self.clear()
        self.page.set_viewport_size(options.get("viewport") or VIEWPORT)
        self.page.emulate_media(
            color_scheme=options.get("color_scheme") or "light", reduced_motion="no-preference", forced_colors="none"
        )
        self.page.evaluate("storage => Object.assign(localStorage, storage)", storage)
        self.page.goto(path)
        return self.page

    def clear(self) -> None:
        """Leave the console, and take back what a test can change."""
        for other in self._context.pages:
            if other is not self.page:
                other.close()
        self.page.unroute_all(behavior="ignoreErrors")
        self._context.clear_permissions()
        self.page.goto(PLAIN)
        self.page.evaluate("localStorage.clear(); sessionStorage.clear()")


def find_barriers(page: Page, *, within: str | None = None, options: dict[str, Any] = AXE_OPTIONS) -> list[str]:
    """Return the violations of WCAG 2.2 AA and of best practice, with the elements; by default of the whole page."""
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(AXE)
    page.evaluate(SETTLE)
    check = "([within, options]) => axe.run(within ?? document, options).then(found => found.violations)"
    return [
        f"{violation['id']}: {violation['help']}: {[node['html'][:200] for node in violation['nodes'][:3]]}"
        for violation in page.evaluate(check, [within, options])
    ]


def find_barriers_everywhere(page: Page, within: str | None = None) -> list[str]:
    """Return the violations in both themes and both sizes, and whether the page scrolls sideways.

    The second theme changes only colors, so only the rules about colors are checked there.
    """
    found: list[str] = []
    for width, height in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme, options in (("light", AXE_OPTIONS), ("dark", COLOR_OPTIONS)):
            page.emulate_media(color_scheme=scheme)
            barriers = find_barriers(page, within=within, options=options)
            found += [f"{scheme} {width}: {barrier}" for barrier in barriers]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{width}: the page scrolls sideways")
    return found
