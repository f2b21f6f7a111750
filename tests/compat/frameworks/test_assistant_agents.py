"""Agents of other parties that wrap one assistant each complete tasks with its tools, unmodified."""

import re

import pytest

from tests.compat.frameworks.driving import Report, walked

pytestmark = [pytest.mark.slow, pytest.mark.compat]

QUESTION = "How is it in Oslo?"
ANSWER = "They said: rain in Oslo"
HELLO = "Hello from the script."

for_pyautogen = walked("pyautogen")
for_langroid = walked("langroid")
for_marvin = walked("marvin")
for_astra_assistants = walked("astra_assistants")
for_ai_assistant_manager = walked("ai_assistant_manager")
for_openinference = walked("openinference")


def test_pyautogen_executes_a_function_and_continues_the_chat(pyautogen: Report) -> None:
    used = pyautogen["function"]
    assert used["chat"] == [["user", QUESTION], ["Forecaster", ANSWER], ["user", "And now?"], ["Forecaster", ANSWER]]
    assert used["roles"] == ["user", "assistant"] * 2
    assert pyautogen["called"] == ["Oslo"] * 2


def test_pyautogen_finds_an_assistant_by_name_and_tools_and_changes_it(pyautogen: Report) -> None:
    used = pyautogen["function"]
    assert (used["found_by_name"], used["other_tools"], used["instructions"]) == (True, True, "Be brief.")


def test_pyautogen_deletes_its_threads_and_its_assistant(pyautogen: Report) -> None:
    assert pyautogen["function"]["threads_after_reset"] == 0
    assert pyautogen["function"]["thread_is_gone"]
    assert pyautogen["left"] == ["Coder", "Forecaster", "Forecaster", "Reader"]


def test_pyautogen_shows_what_code_made(pyautogen: Report) -> None:
    asked, (name, reply) = pyautogen["code"]
    assert (asked, name) == (["user", "What is 1 + 1?"], "Coder")
    assert re.fullmatch(r"Received file id=file_\w+\n\nThey said: 2", reply)


def test_pyautogen_shows_citations_as_footnotes(pyautogen: Report) -> None:
    footnoted = "The warranty lasts two years [0].\n[0] handbook.md: The warranty lasts two years."
    assert pyautogen["search"] == [["user", "How long is the warranty?"], ["Reader", footnoted]]


def test_langroid_calls_a_function_in_a_task(langroid: Report) -> None:
    assert langroid["function"] == {
        "result": ANSWER,
        "tools": ["get_weather"],
        "messages": [["assistant", ANSWER], ["user", f"USER: {QUESTION}"]],
    }
    assert langroid["called"] == ["Oslo"]


def test_langroid_reads_the_logs_of_code_that_ran_with_a_file(langroid: Report) -> None:
    assert langroid["code"] == {"answer": "They said: 2", "logs": [["1 + 1", "2\n"]], "files": 1}


def test_langroid_continues_a_thread_with_another_agent(langroid: Report) -> None:
    assert langroid["talk"] == {"answers": [HELLO, HELLO], "same": True}


def test_marvin_calls_a_function_and_prints_or_handles_what_is_streamed(marvin: Report) -> None:
    used = marvin["function"]
    assert (used["statuses"], used["printed"]) == (["completed"] * 2, True)
    assert used["steps"] == ["tool_calls", "message_creation"]
    assert used["heard"] == ["tool_calls", ANSWER, "message_creation"]
    assert marvin["called"] == ["Oslo"] * 2


def test_marvin_reads_the_thread_and_deletes_the_assistant_with_its_context(marvin: Report) -> None:
    used = marvin["function"]
    assert used["said"] == [["user", QUESTION], ["assistant", ANSWER], ["user", "And now?"], ["assistant", ANSWER]]
    assert (used["before_the_last"], used["deleted"]) == (3, True)


def test_marvin_attaches_files_for_code_and_for_the_search(marvin: Report) -> None:
    used = marvin["built_in"]
    assert used["inputs"] == ["1 + 1"]
    assert used["code"] == [
        ["user", "What is 1 + 1?"],
        ["assistant", "image_file"],
        ["assistant", "They said: 2\n"],
    ]
    (_, (_, cited)) = used["search"]
    assert re.fullmatch(r"The warranty lasts two years【\d+:0†handbook\.md】\.", cited)
    assert used["citations"] == 1


def test_marvin_loads_an_assistant_and_ends_a_run_within_a_function(marvin: Report) -> None:
    assert marvin["loaded"] == {
        "same": [True, "Coder", "You help.", {"a": "1"}, ["code_interpreter"]],
        "status": "cancelled",
        "data": "Oslo",
        "left": [],
    }


def test_astra_assistants_chooses_a_tool_and_streams(astra_assistants: Report) -> None:
    used = astra_assistants["function"]
    assert used["whole"] == {"output": "rain in Oslo", "text": ANSWER}
    assert used["streamed"] == [{"output": "rain in Oslo"}, ANSWER]
    assert (used["arguments"], astra_assistants["called"]) == ("Oslo", ["Oslo"] * 2)


def test_astra_assistants_finds_an_assistant_and_a_thread_by_their_ids(astra_assistants: Report) -> None:
    used = astra_assistants["function"]
    assert (used["name"], used["said"]) == ("Forecaster", [["user", QUESTION], ["assistant", ANSWER]] * 2)


def test_ai_assistant_manager_names_the_files_that_an_answer_cites(ai_assistant_manager: Report) -> None:
    used = ai_assistant_manager["search"]
    assert (used["message"], used["files"]) == ("The warranty lasts two years[*1].", ["Books handbook.md"])
    assert used["counts_tokens"]


def test_ai_assistant_manager_finds_what_it_made_and_deletes_it(ai_assistant_manager: Report) -> None:
    assert (ai_assistant_manager["search"]["same"], ai_assistant_manager["search"]["left"]) == ([True, 1], [0, 0, 0])


def test_ai_assistant_manager_raises_a_call_and_submits_its_output(ai_assistant_manager: Report) -> None:
    assert ai_assistant_manager["function"] == {
        "name": "get_weather",
        "arguments": {"city": "Oslo"},
        "message": ANSWER,
    }


def test_openinference_shows_requests_and_answers_as_spans(openinference: Report) -> None:
    spans = openinference["spans"]
    assert {span["status"] for span in spans} == {"OK"}
    assert list(dict.fromkeys(span["name"] for span in spans)) == [
        "Assistant",
        "Thread",
        "Run",
        "SyncCursorPage[Message]",
    ]
    assert spans[1]["input"] == {"messages": [{"role": "user", "content": "Hello."}]}
    *polled, listed, streamed = spans[2:]
    ended = polled[-1]["output"]
    assert (ended["status"], ended["usage"]["total_tokens"] > 0) == ("completed", True)
    assert listed["output"]["data"][0]["content"][0]["text"]["value"] == HELLO
    assert streamed["input"]["instructions"] == "Again."
