"""Everyone can use the pages: in each state, in both themes and sizes, enlarged, and with the settings of a system."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.console.browser import VIEWPORT, Guard, find_barriers, find_barriers_everywhere
from tests.console.conftest import OpenPage
from tests.server.talking import WEATHER, Caller, Json, ok

PAGES = {
    "/": "Ready to try",
    "/status": "Status",
    "/play": "Playground",
    "/threads": "Threads",
    "/runs": "Runs",
    "/stores": "Vector stores",
    "/files": "Files",
    "/assistants": "Assistants",
    "/assistants/new": "New assistant",
    "/keys": "API keys",
    "/usage": "Usage",
    "/webhooks": "Webhooks",
}
ADMIN_PAGES = {"/users": "Users", "/settings?q=webhook": "Settings"}
READING = ("/threads", "/runs", "/stores", "/files", "/assistants", "/keys", "/usage", "/webhooks")
"""Pages that show nothing before the server has answered."""
ENLARGED = (640, 320)
"""Pixels that a window of 1280 has at 200 % and at 400 %."""
REFUSAL = {"error": {"type": "server_error", "code": "example", "param": None, "message": "It does not work today."}}


def go(page: Page, path: str, title: str) -> None:
    """Go to a page as a link of the console does, which costs a sixth of loading it."""
    page.evaluate("path => history.pushState(null, '', path)", path)
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()


def check(
    page: Page, pages: dict[str, str], shows: Callable[[str], str | None] = lambda _: None, within: str | None = "main"
) -> None:
    """Visit pages, and fail with what bars people from using them, or this part of them."""
    found: dict[str, list[str]] = {}
    for path, title in pages.items():
        go(page, path, title)
        if (text := shows(path)) is not None:
            expect(page.locator("main").get_by_text(text).first).to_be_visible()
        if barriers := find_barriers_everywhere(page, within):
            found[path] = barriers
    assert found == {}, found


@pytest.fixture(scope="module")
def owner(server: EmbeddedPlatform) -> Iterator[Caller]:
    """A user who has one of everything."""
    with Caller(server.base_url, "", server.admin_api_key) as admin:
        user_id = ok(admin.post("/v1/users", json={"full_name": "Ada Example"}))["id"]
        key = ok(admin.post(f"/v1/users/{user_id}/apikeys", json={"key_name": "nightly job"}))["plain_key"]
    with Caller(server.base_url, user_id, key) as owner:
        yield owner


@pytest.fixture(scope="module")
def things(owner: Caller) -> dict[str, Json]:
    """An assistant with a webhook and its run with a call, a file with a name in Arabic, and a store of it."""
    hook = {"webhook_url": "http://127.0.0.1:8080/hook", "webhook_events": ["run.completed"]}
    assistant = owner.assistant(model="demo/assistant", name="Clerk", tools=[{"type": "code_interpreter"}], **hook)
    thread = ok(owner.post("/v1/threads", json={"title": "A question about pumps"}))
    owner.say(thread, "What is the area under y = x**2 from 0 to 3?")
    run = ok(owner.post("/v1/runs", json={"assistant_id": assistant["id"], "thread_id": thread["id"]}))
    owner.until(run, "completed")
    waiting = owner.waiting()
    file = owner.upload("# كتيب\n\nThe pump weighs two kilograms.\n".encode(), "كتيب the handbook.md")
    store = owner.read(owner.store(file, name="Handbook"))
    return {"assistant": assistant, "thread": thread, "run": run, "waiting": waiting, "file": file, "store": store}


def list_filled(things: dict[str, Json]) -> dict[str, str]:
    """The pages of someone who has one of everything, with their titles."""
    ids = {name: thing["id"] for name, thing in things.items()}
    return {path: PAGES[path] for path in FILLED_WITH} | {
        f"/play?thread={ids['thread']}&assistant={ids['assistant']}": "Playground",
        f"/threads/{ids['thread']}": "A question about pumps",
        f"/threads/{things['waiting']['thread_id']}": "Untitled",
        f"/runs/{ids['run']}": "Run",
        f"/assistants/{ids['assistant']}": "Clerk",
        f"/stores/{ids['store']}": "Handbook",
    }


FILLED_WITH = {
    "/threads": "A question about pumps",
    "/runs": "demo/assistant",
    "/stores": "Handbook",
    "/files": "the handbook.md",
    "/assistants": "Clerk",
    "/keys": "nightly job",
    "/usage": "Some turns have no known price.",
    "/webhooks": "run.completed",
}


def test_no_empty_page_has_barriers(open_page: OpenPage, user: Caller) -> None:
    check(open_page("/status", user), PAGES)


def test_no_filled_page_has_barriers_or_scrolls_sideways_when_enlarged(
    open_page: OpenPage, owner: Caller, things: dict[str, Json]
) -> None:
    page = open_page("/status", owner)
    pages = list_filled(things)
    check(page, pages, FILLED_WITH.get, within=None)
    for width in ENLARGED:
        page.set_viewport_size({"width": width, "height": width * 800 // 1280})
        wide = {}
        for path, title in pages.items():
            go(page, path, title)
            if (shown := page.evaluate("document.documentElement.scrollWidth")) > width:
                wide[path] = shown
        assert wide == {}


def test_no_page_has_barriers_while_it_loads(open_page: OpenPage, user: Caller) -> None:
    page = open_page("/status", user)
    page.route("**/v1/**", lambda route: None)
    check(page, {path: PAGES[path] for path in READING}, lambda path: None if path == "/webhooks" else "Loading")


def test_no_page_has_barriers_if_the_server_refuses(open_page: OpenPage, user: Caller, guard: Guard) -> None:
    guard.expect("status of 400")
    page = open_page("/status", user)
    page.route("**/v1/**", lambda route: route.fulfill(status=400, json=REFUSAL))
    check(page, {path: PAGES[path] for path in READING}, lambda _: "It does not work today.")


def test_no_page_of_admins_has_barriers(open_page: OpenPage, admin: Caller, things: dict[str, Json]) -> None:
    check(
        open_page("/status", admin),
        ADMIN_PAGES,
        {"/users": "Ada Example", "/settings?q=webhook": "webhook_timeout"}.get,
    )


DIALOGS = {
    "the palette": ("/status", lambda page: page.keyboard.press("Control+k")),
    "the shortcuts": ("/status", lambda page: page.keyboard.press("?")),
    "the identity": ("/status", lambda page: page.get_by_role("button", name="Acting as: You").click()),
    "a new key": ("/keys", lambda page: page.get_by_role("button", name="Create key").click()),
    "a key to revoke": ("/keys", lambda page: page.get_by_role("button", name="Revoke").first.click()),
    "the code": ("/play", lambda page: page.get_by_role("button", name="View code").click()),
    "a new store": ("/stores", lambda page: page.get_by_role("button", name="New vector store").click()),
    "a file": ("/files", lambda page: page.get_by_role("link", name="the handbook.md").click()),
    "a delivery": ("/webhooks", lambda page: page.get_by_role("button", name="Open").first.click()),
    "a secret to rotate": ("/webhooks", lambda page: page.get_by_role("button", name="Rotate secret of").click()),
}


def test_no_dialog_has_barriers_and_each_closes_with_escape(
    open_page: OpenPage, owner: Caller, things: dict[str, Json]
) -> None:
    page = open_page("/status", owner)
    found: dict[str, list[str]] = {}
    for name, (path, show) in DIALOGS.items():
        page.set_viewport_size(VIEWPORT)
        go(page, path, PAGES[path])
        show(page)
        shown = page.locator("dialog[open], [popover]:popover-open")
        expect(shown).to_be_visible()
        if barriers := find_barriers_everywhere(page, "dialog[open], [popover]:popover-open"):
            found[name] = barriers
        page.keyboard.press("Escape")
        expect(shown).to_have_count(0)
    assert found == {}, found


def test_forced_colors_keep_controls_and_the_focus_visible(open_page: OpenPage, user: Caller) -> None:
    page = open_page("/assistants/new", user)
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    expect(page.get_by_label("Model", exact=True)).to_be_visible()
    assert find_barriers(page) == []
    unseen = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, textarea, a[href]")].filter((control) => {
          control.focus();
          if (document.activeElement !== control) return false;
          const style = getComputedStyle(control);
          return style.outlineStyle === "none" && !control.closest("label");
        }).map((control) => control.outerHTML.slice(0, 120))"""
    )
    assert unseen == []


def test_nothing_moves_if_the_system_asks_for_that(open_page: OpenPage, user: Caller) -> None:
    moving = """() => document.getAnimations().filter((one) =>
      one.playState === "running" && one.effect.getComputedTiming().duration > 1).length"""
    run = user.run("scripted/silent")
    page = open_page(f"/threads/{run['thread_id']}", user)
    expect(page.get_by_text("I begin")).to_be_visible()
    assert page.evaluate(moving) > 0
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == 0
    ok(user.post(f"/v1/runs/{run['id']}/cancel"))


def tab_to(page: Page, role: str, name: str) -> None:
    """Press Tab until a control has the focus, which is never lost on the way and always on the screen."""
    wanted = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
    expect(wanted).to_be_attached()
    handle = wanted.element_handle()
    for _ in range(120):
        page.keyboard.press("Tab")
        where = page.evaluate(
            """wanted => {
              const active = document.activeElement;
              const box = active.getBoundingClientRect();
              const seen = box.width > 0 && box.bottom > 0 && box.top < innerHeight;
              if (active === wanted) return "there";
              return active === document.body ? "document" : seen ? "seen" : active.outerHTML;
            }""",
            handle,
        )
        if where == "there":
            return
        assert where in ("seen", "document"), where
    raise AssertionError(f"{role} {name!r} cannot be reached by keyboard")


def test_a_conversation_with_a_call_needs_only_the_keyboard(open_page: OpenPage, user: Caller) -> None:
    user.assistant(model="scripted/caller", tools=[WEATHER], name="Weather")
    page = open_page("/", user)
    page.get_by_role("heading", level=1).wait_for()
    tab_to(page, "link", "Assistants")
    page.keyboard.press("Enter")
    tab_to(page, "link", "Weather")
    page.keyboard.press("Enter")
    tab_to(page, "link", "Try it")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Playground")).to_be_visible()
    tab_to(page, "textbox", "Message")
    page.keyboard.type("Where does it rain?")
    page.keyboard.press("Enter")
    tab_to(page, "textbox", "Your output of get_weather")
    page.keyboard.type("fog")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("They said: fog")).to_be_visible()
    tab_to(page, "button", "View code")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="The same as code")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="View code")).to_be_focused()
