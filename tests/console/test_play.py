"""The playground: conversations with tools, files and citations, in a browser."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.console.browser import Guard, find_barriers
from tests.console.conftest import OpenPage
from tests.console.stage import HOSTILE, PARAGRAPHS, Stage
from tests.server.talking import WEATHER, Caller, Json, ok
from tests.server.test_file_search import QUESTION, searcher, shelf
from tests.timeouts import wait_until

DISTANCE_TO_END = "log => log.scrollHeight - log.scrollTop - log.clientHeight"
HIDE = """state => {
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def start(user: Caller, question: str, model: str = "stage/paused", thread: Json = None, **fields: Json) -> Json:
    """Start a run that answers a question."""
    assistant = user.assistant(model=model, **fields)
    if thread is None:
        thread = user.thread()
    user.say(thread, question)
    return ok(user.post("/v1/runs", json={"assistant_id": assistant["id"], "thread_id": thread["id"]}))


def ask(page: Page, question: str) -> None:
    page.get_by_label("Message").fill(question)
    page.get_by_label("Message").press("Enter")


def answer_of(page: Page) -> Locator:
    return page.get_by_role("article", name="Assistant").last


def expect_end(page: Page, status: str = "completed") -> None:
    expect(answer_of(page).get_by_text(status, exact=True)).to_be_visible()


def test_a_prompt_of_the_start_page_runs_code_and_shows_its_plot(open_page: OpenPage, user: Caller) -> None:
    page = open_page("/play?tool=code_interpreter&prompt=Plot+x**2+from+0+to+3", user)
    expect(page.get_by_label("Model", exact=True)).to_have_value("demo/assistant")
    page.get_by_label("Message").press("Enter")
    call = page.get_by_role("group", name=re.compile("^Python"))
    expect(call.get_by_text("from matplotlib import pyplot")).to_be_visible()
    expect(call.get_by_text("the area under x**2 from 0 to 3 is 9.0000").first).to_be_visible()
    image = page.get_by_role("img", name="plot-1.png")
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("image => image.naturalWidth") > 0
    expect_end(page)
    assert find_barriers(page) == []
    thread_id = page.url.rpartition("thread=")[2]
    assert ok(user.get(f"/v1/threads/{thread_id}"))["title"] == "Plot x**2 from 0 to 3"


def test_calls_are_answered_in_the_page_together_or_one_by_one(open_page: OpenPage, user: Caller) -> None:
    assistant = user.assistant(model="scripted/two_calls", tools=[WEATHER], name="Weather")
    page = open_page(f"/play?assistant={assistant['id']}", user)
    ask(page, "Where does it rain?")
    fields = page.get_by_label("Your output of get_weather")
    expect(fields).to_have_count(2)
    expect(page.get_by_role("cell", name="Oslo")).to_be_visible()
    fields.first.fill('{"rain": ')
    expect(page.get_by_text("This looks like JSON, but is not valid")).to_be_visible()
    expect(page.get_by_role("button", name="Send 2 outputs")).to_be_disabled()
    assert find_barriers(page) == []
    fields.first.fill('{"rain": true}')
    fields.last.fill("sun")
    page.get_by_role("button", name="Send 2 outputs").click()
    expect(page.get_by_text('They said: {"rain": true} and sun')).to_be_visible()
    ask(page, "And now?")
    expect(fields).to_have_count(2)
    fields.first.fill("fog")
    page.get_by_role("button", name="Send", exact=True).first.click()
    expect(fields).to_have_count(1)
    fields.fill("snow")
    page.get_by_role("group", name=re.compile("waits for you")).get_by_role("button", name="Send").click()
    expect(page.get_by_text("They said: fog and snow")).to_be_visible()


def test_calls_that_need_approval_are_approved_or_denied_in_the_page(open_page: OpenPage, user: Caller) -> None:
    tools = [{**WEATHER, "require_approval": True}]
    assistant = user.assistant(model="scripted/two_calls", tools=tools, name="Weather")
    page = open_page(f"/play?assistant={assistant['id']}", user)
    ask(page, "Where does it rain?")
    gated = page.get_by_role("group", name=re.compile("needs approval"))
    expect(gated).to_have_count(2)
    expect(gated.first.get_by_text('{"city": "Oslo"}')).to_be_visible()
    assert find_barriers(page) == []
    gated.first.get_by_role("button", name="Approve").click()
    expect(gated).to_have_count(1)
    gated.get_by_label("Reason").fill("Too far away.")
    gated.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("group", name=re.compile("denied"))).to_be_visible()
    page.get_by_label("Your output of get_weather").fill("sun")
    page.get_by_role("button", name="Send", exact=True).first.click()
    expect(page.get_by_text("They said: sun and Denied: Too far away.")).to_be_visible()


def test_a_citation_opens_the_cited_lines(open_page: OpenPage, user: Caller) -> None:
    store, _ = shelf(user)
    assistant = searcher(user, store)
    page = open_page(f"/play?assistant={assistant['id']}", user)
    ask(page, QUESTION)
    answer_of(page).get_by_role("button", name="1: handbook.md, line 7").click()
    dialog = page.get_by_role("dialog", name="Cited from handbook.md")
    expect(dialog.locator("mark")).to_have_text("The warranty lasts two years from the day of purchase.")
    assert find_barriers(page) == []
    expect(dialog.get_by_role("link", name="Open the vector store")).to_have_attribute("href", f"/stores/{store['id']}")
    page.keyboard.press("Escape")
    expect(answer_of(page).get_by_role("button", name="1: handbook.md, line 7")).to_be_focused()
    expect(page.get_by_text("1 citation led nowhere and was removed.")).to_be_visible()


def test_a_file_is_attached_and_sent_with_the_message(open_page: OpenPage, user: Caller) -> None:
    page = open_page("/play", user)
    expect(page.get_by_label("Model", exact=True)).to_have_value("demo/assistant")
    page.locator("input[type=file]").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,2\n"})
    expect(page.get_by_text("Files that are not images need a tool")).to_be_visible()
    page.get_by_label("File search").check()
    expect(page.get_by_text("Files that are not images need a tool")).to_be_hidden()
    ask(page, "What is in it?")
    expect_end(page)
    thread_id = page.url.rpartition("thread=")[2]
    question = ok(user.get(f"/v1/threads/{thread_id}/messages"))["data"][0]
    assert [(one["filename"], one["tools"]) for one in question["attachments"]] == [
        ("a.csv", [{"type": "file_search"}])
    ]


def test_a_reload_in_the_middle_shows_the_text_of_the_journal(open_page: OpenPage, user: Caller, stage: Stage) -> None:
    run = start(user, "reload")
    page = open_page(f"/play?thread={run['thread_id']}", user)
    expect(page.get_by_text("Paragraph 19 says")).to_be_visible()
    page.get_by_label("Message").fill("a draft")
    page.reload()
    expect(page.get_by_text("Paragraph 19 says")).to_be_visible()
    expect(page.get_by_label("Message")).to_have_value("a draft")
    expect(page.get_by_text("Paragraph 20 says")).to_be_hidden()
    stage.release("reload")
    expect_end(page)
    shown = answer_of(page).locator("p", has_text="Paragraph").all_inner_texts()
    assert shown == [paragraph.strip() for paragraph in PARAGRAPHS]


def test_a_withdrawn_message_is_struck_out_and_then_gone(open_page: OpenPage, user: Caller) -> None:
    run = start(user, "retry", model="stage/retry")
    page = open_page(f"/threads/{run['thread_id']}", user)
    expect(page.get_by_text("Here is the whole answer.")).to_be_visible()
    expect_end(page)
    expect(page.get_by_text("This will not last.")).to_have_count(0)
    expect(page.get_by_text("Attempt 2 follows")).to_be_visible()


def test_stop_cancels_the_run_and_leaving_does_not(open_page: OpenPage, user: Caller) -> None:
    run = start(user, "stop", model="scripted/silent")
    page = open_page(f"/play?thread={run['thread_id']}", user)
    expect(page.get_by_text("I begin")).to_be_visible()
    page.get_by_role("link", name="Start").click()
    page.go_back()
    expect(page.get_by_text("I begin")).to_be_visible()
    assert ok(user.get(f"/v1/runs/{run['id']}"))["status"] == "in_progress"
    page.keyboard.press("Control+.")
    page.get_by_role("button", name="Stop the run").click()
    expect_end(page, "cancelled")
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()


def test_a_busy_thread_offers_to_wait(open_page: OpenPage, user: Caller, guard: Guard, stage: Stage) -> None:
    guard.expect("status of 409")
    run = start(user, "busy")
    page = open_page(f"/play?thread={run['thread_id']}", user)
    expect(page.get_by_text("Paragraph 19 says")).to_be_visible()
    ask(page, "And then?")
    expect(page.get_by_text("Another run is open on this thread")).to_be_visible()
    expect(page.get_by_role("link", name="Open that run")).to_have_attribute("href", f"/runs/{run['id']}")
    page.get_by_role("button", name="Answer after it").click()
    expect(page.get_by_text("Waits for its turn")).to_be_visible()
    stage.release("busy")
    expect(page.get_by_text("You said: “And then?”")).to_be_visible()


def test_the_code_of_a_conversation_runs(
    open_page: OpenPage, user: Caller, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = open_page('/play?prompt=Say+"it\'s"', user)
    expect(page.get_by_label("Model", exact=True)).to_have_value("demo/assistant")
    page.get_by_label("Model turns at most").fill("3")
    page.get_by_role("button", name="View code").click()
    dialog = page.get_by_role("dialog", name="The same as code")
    assert find_barriers(page) == []
    monkeypatch.setenv("PROJECTDAVID_API_KEY", user.key)
    exec(dialog.locator("pre").inner_text(), {})
    assert 'You said: “Say "it\'s"”' in capsys.readouterr().out


def test_an_input_method_ends_a_word_without_sending(open_page: OpenPage, user: Caller) -> None:
    page = open_page("/play", user)
    field = page.get_by_label("Message")
    field.fill("one")
    field.press("Shift+Enter")
    field.press_sequentially("two")
    expect(field).to_have_value("one\ntwo")
    page.context.new_cdp_session(page).send(
        "Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3}
    )
    page.keyboard.press("Enter")
    expect(field).to_have_value(re.compile("にほん"))
    expect(page.get_by_role("article")).to_have_count(0)


def test_the_end_is_followed_until_the_reader_moves_up(open_page: OpenPage, user: Caller, stage: Stage) -> None:
    run = start(user, "scroll")
    page = open_page(f"/play?thread={run['thread_id']}", user)
    log = page.get_by_role("log")
    expect(page.get_by_text("Paragraph 19 says")).to_be_visible()
    wait_until(lambda: log.evaluate(DISTANCE_TO_END) < 2)
    log.hover()
    page.mouse.wheel(0, -300)
    expect(page.get_by_role("button", name="Newest")).to_be_visible()
    wait_until(lambda: log.evaluate(DISTANCE_TO_END) > 250)
    before = log.evaluate("log => log.scrollTop")
    stage.release("scroll")
    expect_end(page)
    assert log.evaluate("log => log.scrollTop") == before
    page.get_by_role("button", name="Newest").click()
    wait_until(lambda: log.evaluate(DISTANCE_TO_END) < 2)
    expect(page.get_by_role("button", name="Newest")).to_be_hidden()


def test_two_tabs_show_the_same_run_and_a_hidden_one_has_no_stream(
    open_page: OpenPage, user: Caller, stage: Stage
) -> None:
    run = start(user, "tabs")
    page = open_page(f"/play?thread={run['thread_id']}", user)
    other = page.context.new_page()
    closed: list[str] = []
    other.on("requestfailed", lambda request: closed.append(request.url))
    other.goto(f"/threads/{run['thread_id']}")
    for one in (page, other):
        expect(one.get_by_text("Paragraph 19 says")).to_be_visible()
    other.evaluate(HIDE, "hidden")
    with other.expect_event("requestfailed", lambda request: "/events" in request.url):
        pass
    stage.release("tabs")
    expect_end(page)
    expect(other.get_by_text("Paragraph 39 says")).to_have_count(0)
    other.evaluate(HIDE, "visible")
    expect_end(other)
    expect(other.get_by_text("Paragraph 39 says")).to_be_visible()


def test_eight_tabs_with_running_runs_stay_usable(open_page: OpenPage, user: Caller, stage: Stage) -> None:
    runs = [start(user, f"tab {number}") for number in range(8)]
    page = open_page(f"/threads/{runs[0]['thread_id']}", user)
    pages = [page, *(page.context.new_page() for _ in runs[1:])]
    for one, run in zip(pages[1:], runs[1:], strict=True):
        one.goto(f"/threads/{run['thread_id']}")
        expect(one.get_by_role("article", name="You")).to_be_visible()
    expect(pages[-1].get_by_text("Many tabs stream already")).to_be_visible()
    for number, one in enumerate(pages):
        stage.release(f"tab {number}")
        expect_end(one)


def test_hostile_text_is_shown_as_text(open_page: OpenPage, user: Caller) -> None:
    file = user.upload(b"x", "<img src=x onerror='hit=8'>.txt")
    thread = ok(user.post("/v1/threads", json={"title": HOSTILE[:200]}))
    user.say(thread, HOSTILE, attachments=[{"file_id": file["id"]}])
    run = start(user, HOSTILE, model="stage/hostile", thread=thread, tools=[WEATHER])
    page = open_page("/threads", user)
    expect(page.get_by_role("link", name=re.compile("<script>window.hit"))).to_be_visible()
    page.goto(f"/threads/{thread['id']}")
    page.get_by_label("Your output of get_weather").fill(HOSTILE)
    page.get_by_role("button", name="Send", exact=True).click()
    expect_end(page)
    expect(answer_of(page).get_by_text("Image from evil.example, not loaded")).to_be_visible()
    assert page.evaluate("window.hit ?? window.parent.hit") is None
    assert page.locator("iframe, svg[onload], [onerror], a[href^=javascript], a[href^=data]").count() == 0
    page.goto(f"/play?thread={run['thread_id']}")
    expect_end(page)
    assert page.evaluate("window.hit") is None


def test_a_thread_of_many_messages_has_few_of_them_in_the_page(open_page: OpenPage, user: Caller) -> None:
    thread = user.thread(*(f"message {number}" for number in range(300)))
    page = open_page(f"/threads/{thread['id']}", user)
    articles = page.get_by_role("article")
    expect(page.get_by_text("message 299", exact=True)).to_be_visible()
    assert articles.count() <= 40
    log = page.get_by_role("log")
    log.hover()
    for number in (239, 179, 119, 59, 0):
        page.mouse.wheel(0, -1_000_000)
        expect(page.get_by_text(f"message {number}", exact=True)).to_be_attached()
        assert articles.count() <= 40
    page.keyboard.press("End")
    expect(page.get_by_text("message 299", exact=True)).to_be_visible()


def test_history_that_is_put_in_front_moves_nothing(open_page: OpenPage, user: Caller) -> None:
    thread = user.thread(*(f"message {number}" + " and more" * (number % 40) for number in range(150)))
    page = open_page(f"/threads/{thread['id']}", user)
    expect(page.get_by_text(re.compile("^message 149 "))).to_be_visible()
    log = page.get_by_role("log")
    with page.expect_response(lambda response: "after=" in response.url) as answered:
        log.hover()
        page.mouse.wheel(0, -log.evaluate("log => log.scrollTop - 350"))
        shown = page.get_by_text(re.compile(r"^message 9[2-4]\b")).first
        expect(shown).to_be_visible()
        text, top = shown.inner_text(), shown.evaluate("element => element.getBoundingClientRect().top")
    answered.value.finished()
    expect(page.get_by_text(re.compile(r"^message 8\d\b")).first).to_be_attached()
    same = page.get_by_text(text, exact=True)
    wait_until(lambda: abs(same.evaluate("element => element.getBoundingClientRect().top") - top) < 3)


def test_threads_say_what_runs_and_lead_to_their_runs(open_page: OpenPage, user: Caller, stage: Stage) -> None:
    page = open_page("/threads", user)
    expect(page.get_by_text("A thread is a conversation")).to_be_visible()
    assert find_barriers(page) == []
    run = start(user, "badge")
    page.reload()
    row = page.get_by_role("row", name="Untitled")
    expect(row.get_by_text("running")).to_be_visible()
    row.get_by_role("link", name="Untitled").click()
    expect(page.get_by_text("Paragraph 19 says")).to_be_visible()
    assert find_barriers(page) == []
    runs = page.get_by_role("complementary", name="Runs of this thread")
    expect(runs.get_by_role("link")).to_have_attribute("href", f"/runs/{run['id']}")
    stage.release("badge")
    expect_end(page)
    page.get_by_role("link", name="Continue in the playground").click()
    expect(page).to_have_url(re.compile(rf"/play\?thread={run['thread_id']}&assistant={run['assistant_id']}"))
