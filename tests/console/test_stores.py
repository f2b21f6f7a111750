"""The pages of vector stores: ingest, chunks and the search test."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.console.browser import Guard, find_barriers
from tests.console.conftest import OpenPage
from tests.server.talking import Caller, Json, ok

HANDBOOK = "# Handbook\n\nThe pump weighs two kilograms.\n\n## Warranty\n\nThe warranty lasts two years.\n"


def make_store(user: Caller, *files: tuple[str, str], **attributes: Json) -> Json:
    """A store of files, which have been ingested, with the same attributes."""
    store = user.store(name="Handbook")
    for name, content in files:
        body = {"file_id": user.upload(content.encode(), name)["id"], "attributes": attributes}
        ok(user.post(f"/v1/vector-stores/{store['id']}/files", json=body))
    return user.read(store)


def search(page: Page, query: str) -> None:
    page.get_by_label("Query").fill(query)
    page.keyboard.press("Enter")


def test_a_store_is_created_filled_and_deleted(open_page: OpenPage, user: Caller, tmp_path: Path) -> None:
    (tmp_path / "handbook.md").write_text(HANDBOOK)
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    page = open_page("/stores", user)
    page.get_by_role("button", name="New vector store").click()
    page.get_by_label("Name").fill("Handbook <b>1</b>")
    assert find_barriers(page) == []
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Handbook <b>1</b>")).to_be_visible()
    page.get_by_label("Files to upload").set_input_files([tmp_path / "handbook.md", tmp_path / "broken.pdf"])
    row = page.get_by_role("row", name="handbook.md")
    expect(row.get_by_text("completed")).to_be_visible()
    bad = page.get_by_role("row", name="broken.pdf")
    expect(bad).to_contain_text("It is not a complete PDF: it is broken or truncated.")
    expect(bad).to_contain_text("Check that the file opens elsewhere")
    expect(page.get_by_text("1 ready, 1 failed")).to_be_visible()
    assert find_barriers(page) == []
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Its index of 2 files is deleted.")
    dialog.get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile("/stores$"))
    assert ok(user.get("/v1/vector-stores")) == []


def test_a_search_marks_what_it_found_and_leads_to_the_chunk(open_page: OpenPage, user: Caller) -> None:
    store = make_store(user, ("handbook.md", HANDBOOK))
    page = open_page(f"/stores/{store['id']}", user)
    search(page, "how long is the warranty?")
    hits = page.get_by_role("list", name="Results")
    expect(hits.locator("mark").first).to_have_text("Warranty")
    expect(hits).to_contain_text(re.compile("lines 1.7"))
    expect(page.get_by_text("1 result · searched by words only")).to_be_visible()
    assert find_barriers(page) == []
    hits.get_by_role("link", name=re.compile("^Show in the file.*handbook.md$")).click()
    chunks = page.get_by_role("region", name="Chunks of handbook.md")
    expect(chunks.get_by_role("listitem")).to_be_focused()
    expect(chunks.locator("mark").first).to_have_text("Warranty")


def test_a_search_filters_by_attributes_as_form_and_as_json(open_page: OpenPage, user: Caller, guard: Guard) -> None:
    store = make_store(user, ("handbook.md", HANDBOOK), year=2026)
    page = open_page(f"/stores/{store['id']}", user)
    page.get_by_text("Filters and options").click()
    page.get_by_role("button", name="Add a condition").click()
    page.get_by_label("Attribute", exact=True).fill("year")
    page.get_by_label("Comparison").select_option("is one of")
    page.get_by_label("Value", exact=True).fill("2025, 2026")
    search(page, "warranty")
    expect(page.get_by_text("1 result ·")).to_be_visible()
    page.get_by_role("button", name="As JSON").click()
    field = page.get_by_label("Filter as JSON")
    assert '"nin"' not in field.input_value()
    field.fill(field.input_value().replace('"in"', '"nin"'))
    search(page, "warranty")
    expect(page.get_by_text("0 results ·")).to_be_visible()
    guard.expect("status of 422")
    field.fill('{"type": "near", "key": "year", "value": 1}')
    search(page, "warranty")
    expect(field).to_have_attribute("aria-invalid", "true")
    assert find_barriers(page) == []


def test_the_id_of_another_user_s_store_is_gone(open_page: OpenPage, user: Caller, guard: Guard) -> None:
    guard.expect("status of 404")
    page = open_page("/stores/vs_0000000000000000000000", user)
    expect(page.get_by_role("alert")).to_contain_text("Not found: it was deleted, or belongs to another user.")
    assert find_barriers(page) == []
