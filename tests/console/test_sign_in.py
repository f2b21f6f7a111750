"""Signing in and out of the console."""

import re

from playwright.sync_api import Page, expect

from tests.console.browser import Guard, find_barriers
from tests.console.conftest import OpenPage
from tests.server.talking import Caller, ok

STORED = "JSON.parse(localStorage['projectdavid.session'] ?? 'null')"


def sign_in(page: Page, key: str) -> None:
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def list_names(user: Caller) -> list[str]:
    """The names of the keys of a user."""
    return [key["key_name"] for key in ok(user.get(f"/v1/users/{user.user_id}/apikeys"))["keys"]]


def test_a_code_in_the_address_signs_in_once(open_page: OpenPage, user: Caller, guard: Guard) -> None:
    code = ok(user.post("/v1/auth/codes"))["code"]
    page = open_page(f"/status#code={code}")
    expect(page.get_by_role("heading", level=1, name="Status")).to_be_visible()
    assert page.url.endswith("/status")
    guard.expect("status of 401")
    other = open_page(f"/#code={code}")
    expect(other.get_by_text("was used already or has expired")).to_be_visible()
    assert find_barriers(other) == []
    assert "code" not in other.url


def test_a_pasted_key_is_exchanged_and_not_kept(open_page: OpenPage, user: Caller) -> None:
    page = open_page("/")
    sign_in(page, user.key)
    expect(page.get_by_role("heading", level=1, name="Ready to try")).to_be_visible()
    identity = page.evaluate(STORED)["me"]
    assert identity["key"] != user.key
    assert identity["userId"] == user.user_id
    assert any(re.fullmatch("console · Chrome on Linux", name or "") for name in list_names(user))


def test_a_wrong_key_is_refused_in_the_server_s_words(open_page: OpenPage, guard: Guard) -> None:
    guard.expect("status of 401")
    page = open_page("/")
    sign_in(page, "pd_wrong")
    expect(page.get_by_role("alert")).to_contain_text("invalid_api_key")
    assert find_barriers(page) == []


def test_signing_out_revokes_the_key_and_signs_out_other_tabs(open_page: OpenPage, user: Caller) -> None:
    page = open_page("/")
    sign_in(page, user.key)
    page.get_by_role("heading", level=1, name="Ready to try").wait_for()
    other = page.context.new_page()
    other.goto("/status")
    other.get_by_role("heading", level=1, name="Status").wait_for()
    assert len(list_names(user)) == 2
    page.get_by_role("button", name="Acting as: You").click()
    assert find_barriers(page) == []
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
    expect(other.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
    assert len(list_names(user)) == 1
    assert page.evaluate(STORED) is None


def test_a_revoked_key_asks_to_sign_in_over_the_page(open_page: OpenPage, user: Caller, guard: Guard) -> None:
    guard.expect("status of 401")
    page = open_page("/status")
    sign_in(page, user.key)
    page.get_by_role("heading", level=1, name="Status").wait_for()
    prefix = page.evaluate(STORED)["me"]["prefix"]
    ok(user.delete(f"/v1/users/{user.user_id}/apikeys/{prefix}", headers={"accept": "application/json"}))
    page.get_by_role("link", name="Start").click()
    again = page.get_by_role("dialog", name="Your session has ended")
    expect(again).to_be_visible()
    assert find_barriers(page) == []
    sign_in(page, user.key)
    expect(again).to_be_hidden()
    expect(page.get_by_text("demo/assistant")).to_be_visible()
