"""The pages of assistants: the form, the JSON view, webhooks."""

import json
import re

from playwright.sync_api import Page, expect

from tests.console.browser import Guard, find_barriers
from tests.console.conftest import OpenPage
from tests.server.talking import Caller, Json, ok

LIMITS = {
    "name": ("maxlength", "maxLength"),
    "description": ("maxlength", "maxLength"),
    "model": ("maxlength", "maxLength"),
    "instructions": ("maxlength", "maxLength"),
    "webhook_url": ("maxlength", "maxLength"),
    "temperature": ("max", "maximum"),
    "top_p": ("max", "maximum"),
    "max_tokens": ("max", "maximum"),
}
"""Attributes of the fields of the form, and what limits them in the schema."""


def read_assistant(user: Caller, page: Page) -> Json:
    """The assistant of a page, as the server has it."""
    return ok(user.get(f"/v1/assistants/{page.url.rpartition('/')[2]}"))


def find_limit(schema: Json, name: str) -> float:
    """The limit of a value in a schema, which can be one of several alternatives."""
    return next(one[name] for one in schema.get("anyOf", [schema]) if name in one)


def test_an_assistant_is_created_changed_and_tried(open_page: OpenPage, user: Caller) -> None:
    store = user.store(name="Handbook")
    page = open_page("/assistants", user)
    page.get_by_role("link", name="New assistant").click()
    page.get_by_label("Name").fill("Clerk")
    page.get_by_label("Model", exact=True).fill("demo/assistant")
    page.get_by_role("switch", name="File search").check()
    page.get_by_label("Handbook").check()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1, name="Clerk")).to_be_visible()
    made = read_assistant(user, page)
    assert [tool["type"] for tool in made["tools"]] == ["file_search"]
    assert made["tool_resources"]["file_search"]["vector_store_ids"] == [store["id"]]
    page.get_by_label("Temperature").fill("0.4")
    with page.expect_response(lambda response: response.request.method == "PUT"):
        page.get_by_role("button", name="Save").click()
    assert read_assistant(user, page) == made | {"temperature": 0.4}
    page.get_by_role("link", name="Try it").click()
    expect(page).to_have_url(re.compile(rf"/play\?assistant={made['id']}$"))


def test_the_server_s_errors_are_shown_at_their_fields(open_page: OpenPage, user: Caller, guard: Guard) -> None:
    guard.expect("status of 422")
    assistant = user.assistant(name="Clerk")
    page = open_page(f"/assistants/{assistant['id']}", user)
    page.get_by_label("Temperature").fill("3")
    page.get_by_role("button", name="Save").click()
    field = page.get_by_label("Temperature")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    assert find_barriers(page) == []
    page.get_by_role("button", name="JSON").click()
    editor = page.get_by_label("Assistant as JSON")
    editor.fill(
        json.dumps(json.loads(editor.input_value()) | {"temperature": 1, "tools": [{"type": "telepathy"}]}, indent=2)
    )
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(re.compile(r"The server rejects tools\S* in line \d+"))).to_be_visible()
    editor.fill("{")
    page.get_by_role("button", name="Form").click()
    expect(page.get_by_role("alert")).to_contain_text("This is not a JSON object")
    assert find_barriers(page) == []


def test_the_secret_of_a_webhook_is_shown_once(open_page: OpenPage, user: Caller) -> None:
    assistant = user.assistant(name="Clerk")
    page = open_page(f"/assistants/{assistant['id']}", user)
    page.get_by_label("URL").fill("https://hooks.example/agents")
    page.get_by_label("run.completed").check()
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog", name="The webhook's secret")
    expect(dialog.get_by_text(re.compile("^whsec_"))).to_be_visible()
    assert find_barriers(page) == []
    dialog.get_by_role("button", name="Done").click()
    expect(dialog).to_be_hidden()
    changed = read_assistant(user, page)
    assert (changed["webhook_url"], changed["webhook_events"]) == ("https://hooks.example/agents", ["run.completed"])


def test_the_form_has_the_limits_of_the_schema(open_page: OpenPage, user: Caller) -> None:
    properties = ok(user.get("/openapi.json"))["components"]["schemas"]["AssistantCreate"]["properties"]
    page = open_page("/assistants/new", user)
    page.get_by_label("Model", exact=True).wait_for()
    shown = {
        field: float(page.locator(f"[name={field}]").get_attribute(attribute) or "nan")
        for field, (attribute, _) in LIMITS.items()
    }
    assert shown == {field: find_limit(properties[field], name) for field, (_, name) in LIMITS.items()}
