"""JavaScript programs of other parties use assistants, each unmodified, with the packages of its lock file."""

import re

import pytest

from tests.compat.frameworks.driving import Report, walked

pytestmark = [pytest.mark.slow, pytest.mark.compat]

ANSWER = "They said: rain in Oslo"
CITED = re.compile(r"The warranty lasts two years【\d+:0†handbook\.md】\.")

for_langchain = walked("langchain_js")
for_ai_sdk = walked("vercel_ai")
for_promptfoo = walked("promptfoo")
for_experts = walked("experts")


def test_langchain_js_executes_a_tool_and_continues_the_thread(langchain_js: Report) -> None:
    executed = langchain_js["executor"]
    assert (executed["output"], executed["again"], executed["same_thread"]) == (ANSWER, ANSWER, True)
    assert executed["steps"] == [["get_weather", {"city": "Oslo"}, "rain in Oslo"]]
    assert langchain_js["called"] == ["Oslo"] * 3


def test_langchain_js_returns_calls_and_takes_their_outputs(langchain_js: Report) -> None:
    assert langchain_js["by_hand"] == {"action": ["get_weather", {"city": "Oslo"}], "output": ANSWER}


def test_langchain_js_returns_the_messages_of_a_run_that_ran_code(langchain_js: Report) -> None:
    assert langchain_js["code"] == [["assistant", "image_file", None], ["assistant", "text", "They said: 2\n"]]


def test_langchain_js_searches_an_attached_file(langchain_js: Report) -> None:
    assert CITED.fullmatch(langchain_js["search"]["value"])
    assert langchain_js["search"]["cites_the_file"] == [True]


def test_langchain_js_reads_modifies_and_deletes_its_assistant(langchain_js: Report) -> None:
    assert langchain_js["changes"] == {
        "before": ["Forecaster", "You report the weather.", "gpt-4o"],
        "after": ["Meteorologist", "Be brief.", "gpt-4o", True],
        "deleted": [True, True],
        "gone": [404, "NotFoundError"],
    }


ANSWERED = ["assistant_control_data", "assistant_message", "text"]
"""The parts of a stream of the AI SDK with one answer; the text comes in several."""


def test_the_ai_sdk_streams_an_answer_over_two_streams_with_a_function_between(vercel_ai: Report) -> None:
    seen = {
        "kinds": ["assistant_control_data", "data_message", "assistant_message", "text"],
        "text": ANSWER,
        "data": [{"city": "Oslo"}],
        "errors": [],
    }
    assert vercel_ai["function"]["first"] == seen
    assert vercel_ai["function"]["again"] == {**seen, "same_thread": True}
    assert vercel_ai["called"] == ["Oslo"] * 2


def test_the_ai_sdk_leaves_questions_and_answers_in_the_thread(vercel_ai: Report) -> None:
    assert vercel_ai["function"]["said"] == [
        ["user", "How is it in Oslo?"],
        ["assistant", ANSWER],
        ["user", "And now?"],
        ["assistant", ANSWER],
    ]


def test_the_ai_sdk_streams_answers_after_code_and_after_a_search(vercel_ai: Report) -> None:
    assert vercel_ai["code"] == {"kinds": ANSWERED, "text": "They said: 2\n", "errors": []}
    search = vercel_ai["search"]
    assert (search["kinds"], search["errors"]) == (ANSWERED, [])
    assert CITED.fullmatch(search["text"])


def test_the_ai_sdk_reports_a_run_that_cannot_start_in_its_stream(vercel_ai: Report) -> None:
    assert vercel_ai["failed"] == {
        "kinds": ["assistant_control_data", "error"],
        "errors": ["404 No assistant found with id 'asst_missing'."],
    }


CALL = '[Call function get_weather with arguments {"city": "Oslo"}]\n\n[Function output: '
OUTPUTS = {
    "function": f"{CALL}rain in Oslo]\n\n[Assistant] {ANSWER}",
    "options": f"{CALL}rain in Oslo]\n\n[Assistant] {ANSWER}",
    "without_callback": f"{CALL}null]",
    "code": "[Code interpreter input]\n\n1 + 1\n\n[Code interpreter output]\n\n2\n\n<image output>\n\n"
    "[Assistant] <image_file output>\nThey said: 2",
}


@pytest.mark.parametrize("case", OUTPUTS)
def test_promptfoo_evaluates_functions_code_and_options(promptfoo: Report, case: str) -> None:
    assert (promptfoo[case]["success"], promptfoo[case]["output"]) == (True, OUTPUTS[case])
    assert promptfoo[case]["counts_tokens"] is (case != "without_callback")


@pytest.mark.parametrize("case", ["search", "attached"])
def test_promptfoo_evaluates_file_search(promptfoo: Report, case: str) -> None:
    assert promptfoo[case]["success"]
    head, _, answer = promptfoo[case]["output"].partition("\n\n[Assistant] ")
    assert (head, bool(CITED.fullmatch(answer))) == ("[Ran file search]", True)


def test_experts_js_calls_a_function_between_two_streams(experts: Report) -> None:
    assert experts["function"] == {"answer": ANSWER, "text": ANSWER, "events": ["function", "end", "end"]}
    assert (experts["metadata"], experts["called"]) == ({"assistant": "Forecaster"}, ["Oslo"])


def test_experts_js_streams_code_and_its_picture(experts: Report) -> None:
    said = "They said: 2\n"
    assert experts["code"] == {"answer": said, "text": said, "events": ["code_interpreter", "image", "end"]}


def test_experts_js_has_one_assistant_ask_another_in_a_thread_of_its_own(experts: Report) -> None:
    assert experts["together"]["answer"] == "They said: They said: 2\n"
    assert experts["own_thread"] == {"tool": "Coder"}
