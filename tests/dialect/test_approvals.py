"""Approvals in the dialect: a stock client decides with an extra field, in the words of Azure."""

from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.compat.behaviours.wire import Wire, ok, refused
from tests.server.talking import WEATHER

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

GATED = {**WEATHER, "require_approval": True}


@pytest.fixture
def stock(server: EmbeddedPlatform, wire: Wire) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{server.base_url}/openai/v1", api_key=wire.key) as client:
        yield client


def waiting(stock: OpenAI, tools: list[Any]) -> Any:
    """A run that waits for an approval."""
    assistant = stock.beta.assistants.create(model="scripted/caller", tools=tools)
    thread = stock.beta.threads.create(messages=[{"role": "user", "content": "Hi"}])
    return stock.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=20)


def decide(stock: OpenAI, run: Any, *, approve: bool) -> Any:
    gated = run.required_action.submit_tool_approval["tool_calls"]
    decisions = [{"tool_call_id": call["id"], "approve": approve} for call in gated]
    stock.beta.threads.runs.submit_tool_outputs(
        run.id, thread_id=run.thread_id, tool_outputs=[], extra_body={"tool_approvals": decisions}
    )
    return stock.beta.threads.runs.poll(run.id, thread_id=run.thread_id, poll_interval_ms=20)


def test_a_stock_client_finds_no_call_to_answer_while_a_run_waits_for_approval(stock: OpenAI) -> None:
    run = waiting(stock, [GATED])
    assert (run.status, run.required_action.type) == ("requires_action", "submit_tool_approval")
    assert run.required_action.submit_tool_outputs.tool_calls == []
    [call] = run.required_action.submit_tool_approval["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert call["approval_id"].startswith("appr_")


def test_a_stock_client_denies_and_the_run_ends(stock: OpenAI) -> None:
    assert decide(stock, waiting(stock, [GATED]), approve=False).status == "completed"


def test_a_stock_client_approves_and_then_answers_the_call(stock: OpenAI) -> None:
    run = decide(stock, waiting(stock, [GATED]), approve=True)
    assert (run.status, run.required_action.type) == ("requires_action", "submit_tool_outputs")
    [call] = run.required_action.submit_tool_outputs.tool_calls
    done = stock.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=run.thread_id,
        tool_outputs=[{"tool_call_id": call.id, "output": "rain"}],
        poll_interval_ms=20,
    )
    assert done.status == "completed"


def test_requirements_and_wrong_decisions_are_in_the_words_of_the_dialect(stock: OpenAI, wire: Wire) -> None:
    run = waiting(stock, [GATED])
    assert wire.read(f"/assistants/{run.assistant_id}")["tools"][0]["require_approval"] is True
    path = f"/threads/{run.thread_id}/runs/{run.id}/submit_tool_outputs"
    [call] = run.required_action.submit_tool_approval["tool_calls"]
    for decision, status in (
        ({"tool_call_id": call["id"], "approve": True, "digest": "0" * 64}, 409),
        ({"tool_call_id": "call_x", "approve": True}, 400),
        ({"tool_call_id": call["id"], "approve": "true"}, 400),
    ):
        assert wire.post(path, json={"tool_approvals": [decision]}).status_code == status
    refused(wire.post(path, json={"tool_outputs": []}), 400, "Expected tool outputs for call_ids [], got []")
    body = {"tool_approvals": [{"tool_call_id": call["id"], "approve": False, "reason": "No."}], "tool_outputs": []}
    assert ok(wire.post(path, json=body))["status"] in ("queued", "in_progress", "completed")
