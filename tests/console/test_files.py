"""The page of files: uploads, what is shown of a file, and what uses it."""

import re
from base64 import b64decode
from pathlib import Path

from playwright.sync_api import Route, expect

from tests.console.browser import Guard, find_barriers
from tests.console.conftest import OpenPage
from tests.server.talking import Caller, ok

LARGE = (33 << 20) + 5
"""Bytes of a file that is uploaded in parts of 8 MB."""


PIXEL = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
"""A PNG of one pixel."""


def list_files(user: Caller) -> dict[str, int]:
    """The sizes of the user's files by name."""
    return {file["filename"]: file["bytes"] for file in ok(user.get("/v1/files"))["data"]}


def test_files_are_uploaded_two_at_a_time_canceled_and_tried_again(
    open_page: OpenPage, user: Caller, guard: Guard, tmp_path: Path
) -> None:
    names = ["a.txt", "b.txt", "c.txt"]
    for name in names:
        (tmp_path / name).write_text(name)
    page = open_page("/files", user)
    held: list[Route] = []
    page.route(re.compile("/v1/files$"), lambda route: held.append(route), times=2)
    page.get_by_label("Files to upload").set_input_files([tmp_path / name for name in names])
    uploads = page.get_by_role("list", name="Uploads")
    expect(uploads.get_by_role("listitem").filter(has_text="waiting")).to_contain_text("c.txt")
    guard.expect("ERR_FAILED")
    uploads.get_by_role("button", name="Cancel a.txt").click()
    expect(uploads.get_by_text("canceled")).to_be_visible()
    expect(uploads.get_by_text("waiting")).to_be_hidden()
    assert find_barriers(page) == []
    held[1].abort()
    uploads.get_by_role("button", name="Try again a.txt").click()
    uploads.get_by_role("button", name="Try again b.txt").click()
    expect(page.get_by_role("row", name="a.txt")).to_be_visible()
    expect(page.get_by_role("row", name="b.txt")).to_be_visible()
    assert {"a.txt", "b.txt"} <= list_files(user).keys()


def test_a_file_that_is_too_large_is_not_sent(open_page: OpenPage, user: Caller, tmp_path: Path) -> None:
    page = open_page("/", user)
    page.route("**/health", lambda route: route.fulfill(json={**route.fetch().json(), "max_file": 3}))
    page.goto("/files")
    expect(page.get_by_text("up to 3 byte each")).to_be_visible()
    (tmp_path / "large.txt").write_text("four")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.get_by_label("Files to upload").set_input_files(tmp_path / "large.txt")
    expect(page.get_by_role("alert")).to_contain_text("It is larger than this server accepts")
    assert sent == []


def test_a_large_file_continues_after_a_cut_with_the_missing_parts(
    open_page: OpenPage, user: Caller, guard: Guard, tmp_path: Path
) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(LARGE)
    page = open_page("/files", user)
    parts: list[str] = []
    sent = re.compile("/v1/file-uploads/.*/parts$")
    page.on("request", lambda one: parts.append(one.headers["idempotency-key"]) if sent.search(one.url) else None)
    guard.expect("ERR_FAILED")
    with page.expect_response(sent):
        page.get_by_label("Files to upload").set_input_files(path)
    page.route(sent, lambda route: route.abort(), times=1)
    expect(page.get_by_role("row", name="large.bin")).to_be_visible()
    assert list_files(user) == {"large.bin": LARGE}
    assert len(parts) == len(set(parts)) + 1, parts


def test_a_file_shows_its_text_and_what_uses_it(open_page: OpenPage, user: Caller) -> None:
    file = user.upload(b"<script>document.title = 'hacked'</script>", "<img src=x>.html")
    user.read(user.store(file, name="Pages"))
    user.assistant(name="Reader", tool_resources={"code_interpreter": {"file_ids": [file["id"]]}})
    page = open_page("/files", user)
    page.get_by_role("link", name="<img src=x>.html").click()
    dialog = page.get_by_role("dialog", name="<img src=x>.html")
    expect(dialog.get_by_text("<script>document.title = 'hacked'</script>")).to_be_visible()
    expect(dialog.get_by_role("link", name="Reader")).to_be_visible()
    expect(dialog.get_by_role("link", name="Pages")).to_be_visible()
    assert find_barriers(page) == []
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("/files$"))
    expect(page).to_have_title(re.compile("Files"))


def test_an_image_is_shown_and_a_file_deleted_by_keyboard(open_page: OpenPage, user: Caller) -> None:
    file = user.upload(PIXEL, "plot.png")
    page = open_page(f"/files?id={file['id']}", user)
    expect(page.get_by_role("img", name="Preview of plot.png")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Delete").focus()
    page.keyboard.press("Enter")
    question = page.get_by_role("dialog", name='Delete "plot.png"?')
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert list_files(user) == {}
