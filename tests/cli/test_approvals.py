"""Approving and denying calls in the terminal."""

from typing import Any

import pytest

from projectdavid import Entity
from tests.cli.conftest import Command

PROPERTIES = {"type": "object", "properties": {"amount": {"type": "integer"}}}
PAY = {"type": "function", "function": {"name": "pay", "parameters": PROPERTIES}, "require_approval": True}
CALL = '[call=pay:{"amount":7}]'


def gated_run(client: Entity, text: str = CALL) -> Any:
    """A run that waits for approval, and its approval."""
    assistant = client.assistants.create_assistant(model="openai/fake-model", tools=[PAY])
    thread = client.threads.create_thread()
    client.messages.create_message(thread.id, text)
    run = client.runs.create_run(assistant, thread)
    client.runs.wait(run.id)
    (approval,) = client.approvals.list(run_id=run.id).data
    return run, approval


def test_a_call_that_waits_is_listed_shown_and_approved(command: Command, client: Entity) -> None:
    run, approval = gated_run(client)
    listed = command("approvals", "list", "--run", run.id)
    assert approval.id in listed.out
    assert 'pay({"amount": 7})' in listed.out
    assert [one["id"] for one in command("approvals", "list", "--run", run.id, "--json").json] == [approval.id]
    assert "unsafe" in command("approvals", "show", approval.id).out
    approved = command("approvals", "approve", approval.id, "--reason", "fine")
    assert approved.out == 'approved: pay({"amount": 7})\n'
    assert f"projectdavid runs events {run.id}" in approved.err
    assert command("approvals", "list", "--run", run.id).out.splitlines()[1:] == []
    assert command("approvals", "list", "--run", run.id, "--status", "approved", "--json").json[0]["note"] == "fine"
    assert client.runs.wait(run.id).actions[0].tool_name == "pay"


def test_arguments_can_be_replaced(command: Command, client: Entity) -> None:
    _, approval = gated_run(client)
    approved = command("approvals", "approve", approval.id, "--arguments", '{"amount": 1}', "--remember")
    assert approved.out == 'approved: pay({"amount": 1})\n'


def test_a_denied_call_never_runs_and_the_model_is_told_why(command: Command, client: Entity) -> None:
    run, approval = gated_run(client)
    assert command("approvals", "deny", approval.id, "--reason", "Too much.", "--json").json["status"] == "denied"
    assert client.runs.wait(run.id).actions[0].result == {"output": "Denied: Too much."}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["approve", "appr_unknown"], "projectdavid approvals list"),
        (["approve", "appr_unknown", "--arguments", "{"], "--arguments is not valid JSON"),
        (["approve", "appr_unknown", "--arguments", "[]"], "--arguments must be a JSON object"),
        (["list", "--status", "waiting"], "expected one of pending"),
    ],
)
def test_what_is_wrong_is_told_with_the_next_step(command: Command, arguments: list[str], said: str) -> None:
    failed = command("approvals", *arguments)
    assert failed.code
    assert said in failed.err


def test_a_key_that_cannot_approve_is_told_so(
    command: Command, client: Entity, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, approval = gated_run(client)
    key = command("keys", "create", "--no-approve").out.strip()
    monkeypatch.setenv("PROJECTDAVID_API_KEY", key)
    assert "without the right to approve" in command("approvals", "approve", approval.id).error


@pytest.mark.parametrize(
    ("answers", "outputs"),
    [
        ("y\npaid\n", ["paid"]),
        ("\n", ["Denied."]),
        ("no\n", ["Denied."]),
    ],
)
def test_chat_asks_before_a_call_runs_and_only_yes_approves_it(
    command: Command, client: Entity, answers: str, outputs: list[str]
) -> None:
    assistant = client.assistants.create_assistant(model="openai/fake-model", tools=[PAY])
    said = command("chat", "--assistant", assistant.id, stdin=f"{CALL}\n{answers}")
    assert 'a call needs approval: pay({"amount": 7})' in said.err
    run = client.runs.list_all_runs(limit=1).data[0]
    assert [action.result for action in client.runs.retrieve_run(run.id).actions] == [
        {"output": one} for one in outputs
    ]
    assert said.code == 0


def test_chat_remembers_a_function_that_is_always_approved(command: Command, client: Entity) -> None:
    assistant = client.assistants.create_assistant(model="openai/fake-model", tools=[PAY])
    twice = f"{CALL}{CALL}"
    said = command("chat", "--assistant", assistant.id, stdin=f"{twice}\na\none\ntwo\n")
    assert said.code == 0
    run = client.runs.list_all_runs(limit=1).data[0]
    assert [one.status for one in client.approvals.list(run_id=run.id).data] == ["approved", "approved"]
