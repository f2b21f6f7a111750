"""Agent frameworks of other parties complete tasks with tools: each unmodified, in an environment of its own."""

import pytest

from tests.compat.frameworks.driving import Report, walked

pytestmark = [pytest.mark.slow, pytest.mark.compat]

SAID = "They said: rain in Oslo"
"""What the model makes of what the function gave."""

for_langchain = walked("langchain")
for_llama_index = walked("llama_index")
for_autogen = walked("autogen")
for_semantic_kernel = walked("semantic_kernel")
for_litellm = walked("litellm")
for_agency_swarm = walked("agency_swarm")


def test_langchain_executes_a_tool_and_goes_on_in_the_thread(langchain: Report) -> None:
    done = langchain["executor"]
    assert (done["output"], done["again"], done["same_thread"]) == (SAID, SAID, True)
    assert done["steps"] == [["get_weather", {"city": "Oslo"}, "rain in Oslo"]]
    assert set(langchain["called"]) == {"Oslo"}


def test_langchain_hands_out_the_calls_and_takes_what_they_gave(langchain: Report) -> None:
    assert langchain["by_hand"] == {"wanted": ["get_weather", {"city": "Oslo"}], "output": SAID}


def test_langchain_gives_the_messages_of_a_run(langchain: Report) -> None:
    assert langchain["plain"] == [["assistant", "Hello from the script."]]


def test_langchain_gets_the_calls_without_blocking(langchain: Report) -> None:
    assert langchain["awaited"] == langchain["by_hand"]


def test_llama_index_chats_with_a_tool(llama_index: Report) -> None:
    chat = llama_index["chat"]
    assert (chat["response"], chat["sources"]) == (SAID, [["get_weather", "rain in Oslo"]])
    assert (llama_index["awaited"], llama_index["called"]) == (SAID, ["Oslo", "Oslo"])


def test_llama_index_reads_finds_and_resets_the_thread(llama_index: Report) -> None:
    chat = llama_index["chat"]
    assert chat["history"] == [["user", "How is it in Oslo?"], ["assistant", SAID]]
    assert (chat["found"], chat["reset"]) == (["Forecaster", SAID], [True, 0])


def test_llama_index_attaches_a_file(llama_index: Report) -> None:
    assert llama_index["attached"] == {"same_file": True, "tools": [{"type": "file_search"}]}


def test_autogen_executes_a_tool(autogen: Report) -> None:
    talk = autogen["talk"]
    assert (talk["response"], talk["outputs"]) == (SAID, ["rain in Oslo"])
    assert talk["inner"] == ["ToolCallRequestEvent", "ToolCallExecutionEvent"]
    assert set(autogen["called"]) == {"Oslo"}


def test_autogen_goes_on_from_a_state_and_forgets_what_was_said(autogen: Report) -> None:
    talk = autogen["talk"]
    assert talk["streamed"] == ["ToolCallRequestEvent", "ToolCallExecutionEvent", "Response"]
    assert (talk["again"], talk["spoken"]) == (SAID, ["user", "assistant"] * 2)
    assert (talk["left"], talk["assistants"]) == ([], [])


def test_autogen_has_the_agent_in_a_team(autogen: Report) -> None:
    *messages, said = autogen["team"]
    assert messages == [
        ["TextMessage", "user"],
        ["ToolCallRequestEvent", "forecaster"],
        ["ToolCallExecutionEvent", "forecaster"],
        ["TextMessage", "forecaster"],
    ]
    assert said == ["said", SAID]


def test_autogen_uploads_files_for_the_built_in_tools_and_has_code_run(autogen: Report) -> None:
    used = autogen["built_in"]
    assert (used["counts"]["completed"], used["counts"]["total"], used["for_code"]) == (1, 1, True)
    assert used["response"].startswith("They said: 2\n")
    assert used["left"] == []


def test_semantic_kernel_gets_responses_in_a_thread(semantic_kernel: Report) -> None:
    response = semantic_kernel["response"]
    assert (response["response"], response["again"]) == (SAID, SAID)
    assert response["said"] == [
        ["user", "How is it in Oslo?"],
        ["assistant", SAID],
        ["user", "And now?"],
        ["assistant", SAID],
    ]
    assert semantic_kernel["called"] == ["Oslo"] * 4


BETWEEN = [["assistant", "function_call"], ["tool", "function_result"]]


def test_semantic_kernel_shows_the_steps_of_a_run(semantic_kernel: Report) -> None:
    assert semantic_kernel["invoke"] == {"messages": [SAID], "between": BETWEEN}


def test_semantic_kernel_streams_a_run_with_a_tool(semantic_kernel: Report) -> None:
    assert semantic_kernel["stream"] == {"text": SAID, "between": BETWEEN}


def test_semantic_kernel_shows_the_code_that_the_platform_runs(semantic_kernel: Report) -> None:
    code = semantic_kernel["code"]
    assert [is_code for is_code, _ in code["messages"]] == [True, False]
    assert code["messages"][0][1] == "1 + 1"
    assert code["messages"][1][1].startswith("They said: 2\n")
    assert code["streamed"][0][1].startswith("1 + 1")
    assert "They said: 2\n" in code["streamed"][1][1]


ASKED = ["user", "How is it in Oslo?"]


def test_litellm_polls_a_run_whose_calls_are_answered(litellm: Report) -> None:
    assert (litellm["listed"], litellm["deleted"]) == (["Forecaster"], True)
    assert (litellm["status"], litellm["answered"]) == ("requires_action", "completed")
    assert litellm["said"] == [["user", "Hello."], ASKED, ["assistant", SAID]]
    assert litellm["called"] == ["Oslo"] * 3


def test_litellm_streams_a_run_whose_calls_are_answered(litellm: Report) -> None:
    assert litellm["streamed"] == SAID
    assert litellm["streamed_said"] == [["user", "Hello."], ASKED, ["assistant", SAID]]


def test_litellm_does_the_same_without_blocking(litellm: Report) -> None:
    assert litellm["awaited"] == [ASKED, ["assistant", SAID]]


def test_agency_swarm_executes_a_tool_and_streams(agency_swarm: Report) -> None:
    alone = agency_swarm["alone"]
    assert [message[:3] for message in alone["messages"]] == [
        ["text", "User", "Forecaster"],
        ["function", "Forecaster", "User"],
        ["function_output", "GetWeather", "Forecaster"],
        ["text", "Forecaster", "User"],
    ]
    assert [message[3] for message in alone["messages"][2:]] == ["rain in Oslo", SAID]
    assert (alone["answer"], alone["text"]) == (SAID, SAID)


def test_agency_swarm_has_one_agent_ask_another(agency_swarm: Report) -> None:
    assert agency_swarm["together"] == f"They said: {SAID}"
    assert agency_swarm["called"] == ["Oslo"] * 3
