"""The pages for keys, usage, webhooks, users and settings."""

import pytest
from playwright.sync_api import expect

from projectdavid import verify_webhook
from tests.console.browser import Guard, find_barriers
from tests.console.conftest import OpenPage
from tests.fakes.hooks import receiving
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


@pytest.mark.parametrize("path", ["/settings", "/users"])
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


def test_deliveries_can_be_read_and_repeated_and_secrets_rotated(open_page: OpenPage, user: Caller) -> None:
    with receiving() as hooks:
        user.assistant(name="Clerk", webhook_url=hooks.url, webhook_events=["run.completed"])
        page = open_page("/webhooks", user)
        page.get_by_role("button", name="Test Clerk").click()
        hooks.until(1)
        row = page.get_by_role("row", name="webhook.test")
        expect(row.get_by_text("delivered")).to_be_visible()
        row.get_by_role("button", name="Open").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text('"type": "webhook.test"')).to_be_visible()
        assert find_barriers(page) == []
        dialog.get_by_role("button", name="Send again").click()
        first, second = hooks.until(2)
        assert first.body == second.body
        expect(dialog.get_by_role("heading", name="2 attempts")).to_be_visible()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Rotate secret of Clerk").click()
        dialog.get_by_role("button", name="Rotate secret").click()
        secret = dialog.get_by_label("Signing secret").input_value()
        dialog.get_by_role("button", name="Done").click()
        page.get_by_role("button", name="Test Clerk").click()
        signed = hooks.until(3)[2]
        verify_webhook(signed.headers, signed.body, secret)
        page.get_by_label("Status").select_option("failed")
        expect(page.get_by_text("No delivery has this status.")).to_be_visible()


def test_an_admin_limits_a_user_and_deletes_one_by_typing_the_name(
    open_page: OpenPage, admin: Caller, guard: Guard
) -> None:
    guard.expect("status of 422")
    page = open_page("/users", admin)
    page.get_by_role("button", name="Create user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Ada Example")
    dialog.get_by_label("tokens per day").fill("-1")
    assert find_barriers(page) == []
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_label("tokens per day")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("tokens per day").fill("5000")
    dialog.get_by_role("button", name="Save").click()
    row = page.get_by_role("row", name="Ada Example")
    expect(row.get_by_text("tokens per day: 5000")).to_be_visible()
    row.get_by_role("button", name="Delete").click()
    confirm = dialog.get_by_role("button", name="Delete")
    dialog.get_by_label("Type Ada Example to confirm").fill("Ada")
    expect(confirm).to_be_disabled()
    dialog.get_by_label("Type Ada Example to confirm").fill("Ada Example")
    confirm.click()
    expect(row).to_have_count(0)
