"""The pages for keys, usage, webhooks, users and settings."""

from playwright.sync_api import expect

from tests.console.browser import Guard, find_barriers
from tests.console.conftest import OpenPage
from tests.server.talking import Caller


def test_a_key_is_shown_once_and_revoking_it_ends_it_at_once(open_page: OpenPage, user: Caller, guard: Guard) -> None:
    page = open_page("/keys", user)
    page.get_by_role("button", name="Create key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("nightly job")
    assert find_barriers(page) == []
    dialog.get_by_role("button", name="Create key").click()
    field = dialog.get_by_label("API key")
    key = field.input_value()
    assert find_barriers(page) == []
    dialog.get_by_role("button", name="Done").click()
    row = page.get_by_role("row", name="nightly job")
    expect(row).to_contain_text("in 2 months")
    assert key not in page.content()

    with Caller(str(user.base_url), user.user_id, key) as other:
        holder = open_page("/status", other)
        holder.get_by_role("heading", level=1, name="Status").wait_for()
        row.get_by_role("button", name="Revoke").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        expect(row).to_have_count(0)
        guard.expect("status of 401")
        holder.get_by_role("link", name="API keys").click()
        expect(holder.get_by_role("dialog", name="Your session has ended")).to_be_visible()
