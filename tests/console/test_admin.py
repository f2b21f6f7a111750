"""The pages for keys, usage, webhooks, users and settings."""

import pytest
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


@pytest.mark.parametrize("path", ["/settings"])
def test_admin_pages_refuse_an_ordinary_user(open_page: OpenPage, user: Caller, guard: Guard, path: str) -> None:
    guard.expect("status of 403")
    page = open_page(path, user)
    expect(page.get_by_role("alert")).to_contain_text("admin_only")
    assert find_barriers(page) == []


def test_settings_say_where_they_came_from_and_can_be_searched(open_page: OpenPage, admin: Caller) -> None:
    page = open_page("/settings", admin)
    data = page.get_by_role("row", name="PROJECTDAVID_DATA ", exact=False).first
    expect(data).to_contain_text("option of the command")
    page.get_by_label("Find a setting").fill("webhook timeout")
    expect(page.get_by_role("row", name="webhook_timeout")).to_be_visible()
    expect(data).to_have_count(0)
    page.reload()
    expect(page.get_by_label("Find a setting")).to_have_value("webhook timeout")
    assert find_barriers(page) == []
    page.get_by_label("Find a setting").fill("no such setting")
    expect(page.get_by_text("No setting matches.")).to_be_visible()


def test_usage_shows_charts_and_the_same_data_as_tables(open_page: OpenPage, user: Caller) -> None:
    run = user.until(user.run(), "completed")
    page = open_page("/usage", user)
    expect(page.get_by_role("img", name="Chart: Tokens by day")).to_be_visible()
    expect(page.get_by_text("Some turns have no known price.")).to_be_visible()
    page.get_by_label("By", exact=True).select_option("Assistant")
    row = page.get_by_role("row", name=run["assistant_id"][:8])
    expect(row.get_by_role("cell", name=str(run["usage"]["total_tokens"]), exact=True)).to_be_visible()
    expect(row.get_by_role("cell", name="unknown")).to_be_visible()
    assert find_barriers(page) == []
