"""Programs of Azure's users run with an endpoint and a key: each client unmodified, in an environment of its own."""

import re
from typing import Any

import pytest

from tests.compat.frameworks.driving import Report, walked

pytestmark = [pytest.mark.slow, pytest.mark.compat]

QUESTION = "How is it in Oslo?"
ANSWER = "They said: rain in Oslo"
HANDBOOK = "# Handbook\n\nThe warranty lasts two years.\n"
CITED = re.compile(r"The warranty lasts two years【\d+:0†handbook\.md】\.")
USED_A_TOOL = {"status": "completed", "last_error": None, "steps": ["tool_calls", "message_creation"]}

for_agents = walked("azure_agents")
for_openai = walked("azure_openai")


def test_azure_agents_call_a_function_while_they_poll(azure_agents: Report) -> None:
    assert azure_agents["function"]["polled"] == {
        **USED_A_TOOL,
        "said": [["user", QUESTION], ["assistant", ANSWER]],
        "images": [0, 0],
        "cited": [],
        "last": ANSWER,
    }
    assert azure_agents["called"] == ["Oslo"] * 2


def test_azure_agents_call_a_function_between_two_streams(azure_agents: Report) -> None:
    begun = ["queued", "in_progress"]
    seen = [*begun, "requires_action", "done", *begun, "completed", "done"]
    assert azure_agents["function"]["streamed"] == {"text": ANSWER, "seen": seen}


def test_azure_agents_are_updated_listed_and_deleted(azure_agents: Report) -> None:
    assert azure_agents["function"]["updated"] == ["Meteorologist", ["Meteorologist"], []]


def test_azure_agents_run_code(azure_agents: Report) -> None:
    code = azure_agents["built_in"]["code"]
    assert {name: code[name] for name in USED_A_TOOL} == USED_A_TOOL
    assert (code["last"], code["images"]) == ("They said: 2\n", [0, 1])


@pytest.mark.parametrize("case", ["search", "run_with_toolset"])
def test_azure_agents_search_the_stores_of_an_agent_and_of_a_run(azure_agents: Report, case: str) -> None:
    search: dict[str, Any] = azure_agents["built_in"][case]
    assert {name: search[name] for name in USED_A_TOOL} == USED_A_TOOL
    assert CITED.fullmatch(search["last"])
    assert search["cited"] == [True]


def test_azure_agents_upload_files_fill_stores_and_read_files(azure_agents: Report) -> None:
    used = azure_agents["built_in"]
    assert (used["store"], used["content"]) == (["processed", "completed", "completed"], HANDBOOK)


def test_azure_agents_search_a_file_that_a_new_thread_brings(azure_agents: Report) -> None:
    assert CITED.fullmatch(azure_agents["attached"])


def test_azure_agents_list_and_delete_threads(azure_agents: Report) -> None:
    assert azure_agents["threads"] == {"listed": [{"a": "2"}], "gone": "ResourceNotFoundError", "left": 0}


def test_azure_openai_polls_and_streams_runs_whose_calls_are_answered(azure_openai: Report) -> None:
    assert azure_openai["function"] == {
        "statuses": ["requires_action", "completed"],
        "said": [["user", QUESTION], ["assistant", ANSWER]],
        "streamed": ANSWER,
        "listed": ["Forecaster"],
        "deleted": True,
    }
    assert azure_openai["called"] == ["Oslo"] * 2


def test_azure_openai_runs_code_and_searches_files(azure_openai: Report) -> None:
    used = azure_openai["built_in"]
    assert CITED.fullmatch(used["search"])
    assert (used["code"], used["batch"]) == ("They said: 2\n", "completed")
    assert (used["content"], used["deleted"]) == (HANDBOOK, True)


def test_azure_openai_does_the_same_without_blocking_and_raises_its_own_errors(azure_openai: Report) -> None:
    assert azure_openai["awaited"] == ["completed", "Hello from the script.", 404, "invalid_request_error"]
