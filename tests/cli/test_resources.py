"""The commands around assistants, threads, runs, keys, users and models."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from projectdavid import Entity, NotFoundError
from tests.cli.conftest import Command

FUNCTION = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}


def test_an_assistant_is_created_shown_changed_listed_and_deleted(command: Command) -> None:
    made = command("assistants", "create", "--model", "demo/assistant", "--name", "Mathy", "--meta", "a=b=c", "--json")
    assistant = made.json
    assert (assistant["name"], assistant["meta_data"]) == ("Mathy", {"a": "b=c"})

    changed = command("assistants", "update", assistant["id"], "--instructions", "Be brief.", "--json").json
    assert changed == assistant | {"instructions": "Be brief."}
    assert command("assistants", "show", assistant["id"], "--json").json == changed
    assert changed in command("assistants", "list", "--json").json

    assert command("assistants", "delete", assistant["id"], "--yes", "--json").json["deleted"] is True
    assert command("assistants", "show", assistant["id"]).code == 1


@pytest.mark.parametrize(
    "words",
    [["assistants", "create", "--model", "m"], ["keys", "create"], ["users", "create"]],
    ids=lambda words: words[0],
)
def test_what_is_created_under_a_key_is_created_once(command: Command, words: list[str]) -> None:
    created = [command(*words, "--idempotency-key", f"the {words[0]}").out.strip() for _ in range(2)]
    assert created[0] == created[1]
    assert command(*words).out.strip() != created[0]


def test_a_run_is_created_once_under_a_key(command: Command, client: Entity) -> None:
    assistant, thread = client.assistants.create_assistant(model="demo/assistant"), client.threads.create_thread()
    words = ["runs", "create", assistant.id, thread.id, "--idempotency-key", "the run"]
    first, again = command(*words), command(*words)
    assert (first.code, again.out) == (0, first.out)
    assert [run.id for run in client.runs.list_runs(thread.id)] == [first.out.strip()]


def test_an_assistant_takes_tools_by_name_and_from_a_file(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "functions.json"
    file.write_text(json.dumps([FUNCTION]))
    made = command("assistants", "create", "--model", "m", "--tool", "web_search", "--tool", f"@{file}", "--json").json
    assert [tool["type"] for tool in made["tools"]] == ["web_search", "function"]


@pytest.mark.parametrize("arguments", [["--tool", "@nowhere.json"], ["--meta", "novalue"]])
def test_an_option_that_cannot_be_read_is_a_wrong_question(command: Command, arguments: list[str]) -> None:
    outcome = command("assistants", "create", "--model", "m", *arguments)
    assert outcome.code == 2
    assert arguments[1].removeprefix("@") in outcome.err


def test_an_update_without_a_change_is_a_wrong_question(command: Command) -> None:
    assert command("assistants", "update", "asst_1").code == 2


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_what_is_no_id_is_a_wrong_question(command: Command, name: str) -> None:
    assert command("assistants", "show", name).code == 2


def test_for_people_creating_prints_the_id_and_what_to_do_with_it(command: Command) -> None:
    made = command("assistants", "create", "--model", "demo/assistant")
    assert made.out.strip().startswith("asst_")
    assert f"chat --assistant {made.out.strip()}" in made.err
    assert made.out.strip() in command("assistants", "list").out


def test_an_error_is_one_line_with_its_code_and_the_next_step(command: Command) -> None:
    error = command("assistants", "show", "asst_nobody").error
    assert "asst_nobody" in error
    assert "code assistant_not_found" in error
    assert "projectdavid assistants list" in error


def test_a_field_that_the_server_refuses_is_named(command: Command) -> None:
    assert "param name" in command("assistants", "create", "--model", "m", "--name", "x" * 129).error


def test_a_name_that_steers_terminals_is_shown_without_its_controls(command: Command, client: Entity) -> None:
    assistant = client.assistants.create_assistant(model="demo/assistant", name="a\x1b[2Jb\nc")
    for arguments in (["list"], ["show", assistant.id]):
        assert "\x1b" not in command("assistants", *arguments).out


def test_a_thread_is_listed_shown_and_deleted(command: Command, client: Entity) -> None:
    thread = client.threads.create_thread()
    client.messages.create_message(thread.id, "Good morning.")
    assert thread.id in command("threads", "list", "--limit", "1").out
    shown = command("threads", "show", thread.id, "--json").json
    assert [message["content"] for message in shown["messages"]] == ["Good morning."]
    assert "Good morning." in command("threads", "show", thread.id).out
    assert command("threads", "delete", thread.id, "--yes").code == 0
    with pytest.raises(NotFoundError):
        client.threads.retrieve_thread(thread.id)


def test_a_run_is_listed_shown_and_followed_from_any_event(command: Command, client: Entity) -> None:
    assistant = client.assistants.create_assistant(model="openai/fake-model")
    thread = client.threads.create_thread()
    run = client.runs.run(assistant, thread, content="[say=one two]").run
    assert [one["id"] for one in command("runs", "list", "--thread", thread.id, "--json").json] == [run.id]
    assert "completed" in command("runs", "show", run.id).out
    assert command("runs", "show", run.id, "--json").json == run.dict()

    events = [json.loads(line) for line in command("runs", "events", run.id, "--json").out.splitlines()]
    assert [event["position"] for event in events] == list(range(1, len(events) + 1))
    assert "".join(event["content"] for event in events if event["type"] == "content") == "one two"
    later = command("runs", "events", run.id, "--after", "2", "--json").out.splitlines()
    assert [json.loads(line) for line in later] == events[2:]
    assert len(command("runs", "events", run.id).out.splitlines()) == len(events)

    (step,) = client.runs.list_steps(run.id)
    assert command("runs", "steps", run.id, "--json").json == [step.dict()]
    message_id = step.step_details.message_creation.message_id
    assert command("runs", "steps", run.id).out.split() == [step.id, "message_creation", "completed", message_id]

    assert "code invalid_state" in command("runs", "cancel", run.id).error


def test_a_run_that_waits_is_cancelled(command: Command, client: Entity) -> None:
    assistant = client.assistants.create_assistant(model="openai/fake-model", tools=[FUNCTION])
    thread = client.threads.create_thread()
    client.messages.create_message(thread.id, "[call=add:{}]")
    run = client.runs.wait(client.runs.create_run(assistant, thread).id)
    assert run.status == "action_required"
    assert command("runs", "cancel", run.id, "--json").json["status"] == "cancelled"


def test_a_run_is_created_waits_for_its_turn_and_is_told_how_long_to_wait(command: Command, client: Entity) -> None:
    assistant = client.assistants.create_assistant(model="openai/fake-model", tools=[FUNCTION])
    thread = client.threads.create_thread()
    client.messages.create_message(thread.id, "[call=add:{}]")
    options = ("--action-timeout", "60.5", "--on-expiry", "answer", "--expiry-output", "Nobody.", "--json")
    first = client.runs.wait(command("runs", "create", assistant.id, thread.id, *options).json["id"])
    assert (first.action_timeout, first.on_expiry, first.expiry_output) == (60.5, "answer", "Nobody.")
    assert "action_expires_at" in command("runs", "show", first.id).out

    assert "code thread_busy" in command("runs", "create", assistant.id, thread.id).error
    made = command("runs", "create", assistant.id, thread.id, "--on-busy", "queue", "--model", "demo/assistant")
    second = client.runs.retrieve_run(made.out.strip())
    assert (second.waits_for_thread, second.model) == (True, "demo/assistant")
    assert f"runs events {second.id}" in made.err
    assert "waits" in made.err

    urgent = command("runs", "create", assistant.id, thread.id, "--on-busy", "interrupt", "--json").json
    assert client.runs.retrieve_run(first.id).status == "cancelled"
    client.runs.cancel_run(urgent["id"])
    assert client.runs.wait(second.id).waits_for_thread is False
    assert command("runs", "create", assistant.id, thread.id, "--on-busy", "wait").code == 2


def test_a_key_is_made_listed_used_and_revoked(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    made = command("keys", "create", "--name", "laptop", "--days", "3", "--json").json
    prefix = made["details"]["prefix"]
    assert prefix in [key["prefix"] for key in command("keys", "list", "--json").json]
    with monkeypatch.context() as patch:
        patch.setenv("PROJECTDAVID_API_KEY", made["plain_key"])
        assert command("models").code == 0
        assert command("keys", "revoke", prefix).code == 0
        error = command("models").error
    assert "code invalid_api_key" in error
    assert "doctor" in error
    assert prefix not in [key["prefix"] for key in command("keys", "list", "--json").json]
    assert prefix in [key["prefix"] for key in command("keys", "list", "--all", "--json").json]


def test_a_key_can_end_within_seconds(command: Command) -> None:
    made = command("keys", "create", "--seconds", "90", "--json").json["details"]
    ends, begins = (datetime.fromisoformat(made[name]) for name in ("expires_at", "created_at"))
    assert ends - begins == timedelta(seconds=90)
    both = command("keys", "create", "--seconds", "90", "--days", "1")
    assert (both.code, "exclude each other" in both.err) == (2, True)


def test_an_admin_makes_a_user_and_their_key(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    user = command("users", "create", "--name", "Ada", "--email", "ada@example.com").out.strip()
    assert user in [one["id"] for one in command("users", "list", "--json").json]
    key = command("keys", "create", "--user", user).out.strip()
    assert len(command("keys", "list", "--user", user, "--json").json) == 1
    monkeypatch.setenv("PROJECTDAVID_API_KEY", key)
    error = command("users", "list").error
    assert "code admin_only" in error
    assert "key of an admin" in error


def test_the_models_are_those_of_the_providers(command: Command) -> None:
    found = [model["id"] for model in command("models", "--json").json]
    assert found == ["openai/fake-model", "demo/assistant"]
    assert "openai/fake-model" in command("models").out


def test_without_a_server_the_error_says_how_to_start_one(lonely: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "projectdavid serve" in lonely("models").error
    monkeypatch.setenv("PROJECTDAVID_API_KEY", "pd_x")
    monkeypatch.setenv("PROJECTDAVID_BASE_URL", "ftp://x")
    assert lonely("models").code == 2


def test_what_models_took_is_shown_by_day_and_by_model(command: Command, client: Entity) -> None:
    assistant = client.assistants.create_assistant(model="openai/fake-model")
    client.runs.run(assistant, client.threads.create_thread(), content="[say=one two]")
    report = command("usage", "--by", "model", "--json").json
    (entry,) = [entry for entry in report["data"] if entry["model"] == "openai/fake-model"]
    assert (entry["turns"] > 0, entry["cost"], entry["unpriced"]) == (True, None, True)
    shown = command("usage")
    assert all(column in shown.out for column in ("TURNS", "CACHED", "REASONING"))
    assert client.usage.retrieve().end in shown.out
    assert "unknown prices" in shown.err
    assert "code invalid_value" in command("usage", "--start", "2026-02-02", "--end", "2026-01-01").error
    assert "code user_not_found" in command("usage", "--user", "user_nobody").error


def test_an_admin_limits_a_user_and_takes_the_limit_back(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    user = command("users", "create", "--name", "Ada").out.strip()
    shown = command("users", "limit", user, "--tokens-per-day", "1000", "--money-per-day", "2.5").out
    assert "1000" in shown
    assert "2.5" in shown
    key = command("keys", "create", "--user", user).out.strip()
    with monkeypatch.context() as patch:
        patch.setenv("PROJECTDAVID_API_KEY", key)
        told = command("usage")
        assert "0 of 1000 tokens" in told.err
        assert "0 of 2.5" in told.err
        assert "code admin_only" in command("users", "limit", user).error
    assert command("users", "limit", user, "--json").json["limits"]["tokens_per_day"] is None
    assert command("users", "limit", user, "--concurrent-runs", "0").code == 2
