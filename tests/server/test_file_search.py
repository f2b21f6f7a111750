"""`file_search`: assistants search their vector stores, and cite what stands there."""

from typing import Any

import pytest

from projectdavid import CitationEvent, Entity, MessageCompletedEvent
from tests.server.talking import Caller, Json, ok, refused

HANDBOOK = """# Handbook

The device weighs two kilograms and is made of steel.

## Warranty

The warranty lasts two years from the day of purchase. Batteries are not covered by the warranty.
"""
QUESTION = "The warranty lasts how many years?"


def searcher(user: Caller, *stores: Json, **fields: Json) -> Json:
    """An assistant that searches these stores, and cites."""
    ids = [store["id"] for store in stores]
    tool = {"type": "file_search", "vector_store_ids": ids, **fields}
    return user.assistant(model="scripted/citer", tools=[tool])


def shelf(user: Caller, content: str = HANDBOOK, name: str = "handbook.md") -> tuple[Json, Json]:
    """A store with one file, which has been read."""
    file = user.upload(content.encode(), name)
    return user.read(user.store(file)), file


def asked(user: Caller, assistant: Json, question: str = QUESTION, thread: Json = None) -> tuple[Json, list[Json]]:
    """The run of a question, and its events."""
    thread = thread or user.thread(question)
    run = ok(user.post("/v1/runs", json={"assistant_id": assistant["id"], "thread_id": thread["id"]}))
    events = list(user.events(run))
    return ok(user.get(f"/v1/runs/{run['id']}")), events


def said(user: Caller, run: Json) -> Json:
    """The last message of a run's thread."""
    return ok(user.get(f"/v1/threads/{run['thread_id']}/messages", params={"limit": 100}))["data"][-1]


def test_an_answer_cites_a_sentence_that_stands_in_the_file(user: Caller) -> None:
    store, file = shelf(user)
    run, events = asked(user, searcher(user, store))
    assert run["status"] == "completed", run
    message = said(user, run)
    [annotation] = message["annotations"]
    cited = annotation["file_citation"]
    assert message["content"][annotation["start_index"] : annotation["end_index"]] == annotation["text"]
    assert (cited["file_id"], cited["filename"]) == (file["id"], "handbook.md")
    assert cited["quote"] == "The warranty lasts two years from the day of purchase."
    assert HANDBOOK[cited["start"] : cited["end"]] == cited["quote"]
    assert HANDBOOK.split("\n")[cited["first_line"] - 1].startswith(cited["quote"])
    told = [event for event in events if event["type"] == "citation"]
    assert [event["annotation"] for event in told] == [annotation]
    assert told[0]["message_id"] == message["id"]


def test_a_citation_that_leads_nowhere_is_taken_out_and_counted(user: Caller) -> None:
    run, events = asked(user, searcher(user, shelf(user)[0]))
    content = said(user, run)["content"]
    assert "moon.pdf" not in content
    assert content.endswith("The moon is cheese. 【So】.")
    assert "".join(event["content"] for event in events if event["type"] == "content") == content
    [completed] = [event for event in events if event["type"] == "message_completed"]
    assert completed["removed_citations"] == 1
    assert len(completed["annotations"]) == 1


def test_a_file_that_is_gone_by_then_is_not_cited(user: Caller) -> None:
    store, file = shelf(user)
    assistant = searcher(user, store)
    thread = user.thread(QUESTION)
    first, _ = asked(user, assistant, thread=thread)
    ok(user.delete(f"/v1/files/{file['id']}"))
    user.say(thread, QUESTION)
    second, events = asked(user, assistant, thread=thread)
    assert said(user, second)["annotations"] == []
    assert first["status"] == second["status"] == "completed"
    [output] = [event["output"] for event in events if event["type"] == "tool_output"]
    assert "Nothing was found" in output


def test_the_step_of_a_search_has_its_results(user: Caller) -> None:
    store, file = shelf(user)
    run, _ = asked(user, searcher(user, store))
    steps = ok(user.get(f"/v1/runs/{run['id']}/steps"))["data"]
    [call] = steps[0]["step_details"]["tool_calls"]
    search = call["file_search"]
    assert (call["type"], search["query"]) == ("file_search", QUESTION)
    assert {result["file_id"] for result in search["results"]} == {file["id"]}
    assert all(0 < result["score"] <= 1 for result in search["results"])
    assert "two years" in search["results"][0]["content"][0]["text"]


@pytest.mark.parametrize("where", ["tools", "platform_tools", "assistant", "run", "thread", "attachment"])
def test_stores_are_searched_wherever_they_are_named(user: Caller, where: str) -> None:
    store, file = shelf(user)
    resources = {"file_search": {"vector_store_ids": [store["id"]]}}
    tool = {"type": "file_search", "vector_store_ids": [store["id"]]}
    plain: dict[str, Any] = {"tools": [{"type": "file_search"}]}
    fields = {"tools": {"tools": [tool]}, "platform_tools": {"platform_tools": [tool]}}.get(where, plain)
    if where == "assistant":
        fields = {**plain, "tool_resources": resources}
    assistant = user.assistant(model="scripted/citer", **fields)
    thread = ok(user.post("/v1/threads", json={"tool_resources": resources} if where == "thread" else {}))
    attached = [{"file_id": file["id"], "tools": [{"type": "file_search"}]}] if where == "attachment" else None
    user.say(thread, QUESTION, attachments=attached)
    for store_id in (
        ok(user.get(f"/v1/threads/{thread['id']}"))["tool_resources"].get("file_search", {}).get("vector_store_ids", [])
    ):
        user.read({"id": store_id})
    body = {"assistant_id": assistant["id"], "thread_id": thread["id"]}
    run = ok(user.post("/v1/runs", json=body | ({"tool_resources": resources} if where == "run" else {})))
    list(user.events(run))
    [annotation] = said(user, run)["annotations"]
    assert annotation["file_citation"]["file_id"] == file["id"]


def test_without_a_store_the_model_is_told_that_there_is_nothing_to_search(user: Caller) -> None:
    run, events = asked(user, user.assistant(model="scripted/citer", tools=[{"type": "file_search"}]))
    [output] = [event for event in events if event["type"] == "tool_output"]
    assert output["error"]
    assert "no files to search" in output["output"]
    assert run["status"] == "completed"


def test_the_entry_of_the_tool_bounds_its_results(user: Caller) -> None:
    store = user.read(user.store(*(user.upload(f"The warranty {n}".encode(), f"{n}.txt") for n in range(4))))
    few, _ = asked(user, searcher(user, store, file_search={"max_num_results": 2}))
    [call] = ok(user.get(f"/v1/runs/{few['id']}/steps"))["data"][0]["step_details"]["tool_calls"]
    assert len(call["file_search"]["results"]) == 2
    none, _ = asked(user, searcher(user, store, file_search={"ranking_options": {"score_threshold": 1}}))
    [call] = ok(user.get(f"/v1/runs/{none['id']}/steps"))["data"][0]["step_details"]["tool_calls"]
    assert len(call["file_search"]["results"]) < 4


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"max_num_results": 0}, "max_num_results"),
        ({"max_num_results": 51}, "max_num_results"),
        ({"max_num_results": "2"}, "max_num_results"),
        ({"ranking_options": {"score_threshold": 1.1}}, "ranking_options.score_threshold"),
        ({"more": 1}, "more"),
    ],
)
def test_options_that_are_none_are_refused(user: Caller, options: Json, param: str) -> None:
    tools = [{"type": "file_search", "file_search": options}]
    response = user.post("/v1/assistants", json={"model": "m", "tools": tools})
    assert response.status_code == 422
    assert response.json()["error"]["param"] == f"tools.0.file_search.{param}"


def test_a_store_of_another_owner_cannot_be_named(user: Caller, other: Caller) -> None:
    store, _ = shelf(other)
    tool = {"type": "file_search", "vector_store_ids": [store["id"]]}
    resources = {"file_search": {"vector_store_ids": [store["id"]]}}
    for body, param in (
        ({"tools": [tool]}, "tools.0.vector_store_ids.0"),
        ({"platform_tools": [tool]}, "platform_tools.0.vector_store_ids.0"),
        ({"tool_resources": resources}, "tool_resources.file_search.vector_store_ids.0"),
    ):
        response = user.post("/v1/assistants", json={"model": "m", **body})
        refused(response, 404, "vector_store_not_found", param)


def test_two_owners_with_the_same_files_and_questions_each_find_their_own(user: Caller, other: Caller) -> None:
    mine, theirs = (shelf(one) for one in (user, other))
    for one, (store, file), (_, foreign) in ((user, mine, theirs), (other, theirs, mine)):
        run, events = asked(one, searcher(one, store))
        [annotation] = said(one, run)["annotations"]
        assert annotation["file_citation"]["file_id"] == file["id"]
        assert foreign["id"] not in repr(events)


def test_the_sdk_tells_of_citations(user: Caller) -> None:
    store, file = shelf(user)
    with Entity(base_url=str(user.base_url), api_key=user.key) as client:
        seen: list[Any] = []
        result = client.runs.run(
            searcher(user, store)["id"], content=QUESTION, thread=user.thread()["id"], on_event=seen.append
        )
        [citation] = result.citations
        assert citation.file_citation is not None
        assert citation.file_citation.file_id == file["id"]
        [event] = [event for event in seen if isinstance(event, CitationEvent)]
        [completed] = [event for event in seen if isinstance(event, MessageCompletedEvent)]
        assert completed.annotations == [event.annotation] == [citation]
