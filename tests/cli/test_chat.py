"""Talking in the terminal."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from projectdavid import Entity
from tests.cli.conftest import Command
from tests.cli.processes import INTERRUPTIBLE, PATIENCE, is_there, read_until, started
from tests.timeouts import wait_until

FUNCTION = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
SLOW = "[tokens=2000][delay=0.05]"


def test_every_line_that_is_piped_in_is_answered_until_exit(command: Command, client: Entity) -> None:
    said = command("chat", stdin="[say=one]\n\n[say=two]\n/exit\n[say=three]\n")
    assert said.code == 0
    assert said.out.splitlines() == ["one", "two"]
    thread = client.threads.list(limit=1)[0].id
    assert f"--thread {thread}" in said.err
    more = command("chat", "--thread", thread, stdin="[echo]")
    assert "[say=two]" in more.out


def test_the_assistant_of_earlier_talks_is_used_again(command: Command, client: Entity) -> None:
    command("chat", stdin="Hello")
    before = len(client.assistants.list())
    command("chat", "--model", "demo/assistant", stdin="Hello")
    assert len(client.assistants.list()) == before
    assert client.runs.list_all_runs(limit=1).data[0].model == "demo/assistant"


def test_a_chosen_assistant_answers_with_its_own_model(command: Command, client: Entity) -> None:
    assistant = client.assistants.create_assistant(model="demo/assistant", name="Echo")
    assert "You said: “Hello”" in command("chat", "--assistant", assistant.id, stdin="Hello").out


def test_with_json_the_events_come_a_line_each(command: Command) -> None:
    lines = command("chat", "--json", stdin="[say=one two]").out.splitlines()
    events = [json.loads(line) for line in lines]
    assert "".join(event["content"] for event in events if event["type"] == "content") == "one two"
    assert events[-1]["status"] == "completed"


def test_the_next_line_answers_for_a_function(command: Command, client: Entity) -> None:
    assistant = client.assistants.create_assistant(model="openai/fake-model", tools=[FUNCTION])
    said = command("chat", "--assistant", assistant.id, stdin="[call=add:{}]\nforty-two\n")
    assert said.code == 0
    assert said.out == "The tools said: forty-two\n"
    assert "calls add()" in said.err


def test_a_function_for_which_nobody_answers_ends_the_run(command: Command, client: Entity) -> None:
    assistant = client.assistants.create_assistant(model="openai/fake-model", tools=[FUNCTION])
    said = command("chat", "--assistant", assistant.id, stdin="[call=add:{}]\n")
    assert said.code == 1
    assert "no output for add" in said.err
    assert client.runs.list_all_runs(limit=1).data[0].status == "cancelled"


def test_a_run_that_fails_is_told_and_the_next_line_is_still_answered(command: Command) -> None:
    said = command("chat", stdin="[status=400]\n[say=better]\n")
    assert said.code == 1
    assert said.out == "better\n"
    assert "The fake was told to fail." in said.err


def test_a_model_that_nobody_serves_is_one_line(command: Command, client: Entity) -> None:
    assistant = client.assistants.create_assistant(model="demo/assistant")
    error = command("chat", "--assistant", assistant.id, "--thread", "thread_nobody", stdin="Hello").error
    assert "code thread_not_found" in error


@pytest.mark.slow
def test_ctrl_c_stops_the_answer_and_not_the_talk(data: Path, tmp_path: Path, client: Entity) -> None:
    here = {"PROJECTDAVID_DATA": str(data)}
    with started(sys.executable, "-c", INTERRUPTIBLE, "chat", home=tmp_path, environment=here) as talk:
        assert talk.stdin
        assert talk.stdout
        talk.stdin.write(f"{SLOW}\n")
        talk.stdin.flush()
        read_until(talk.stdout.fileno(), "w0")
        talk.send_signal(signal.SIGINT)
        rest, errors = talk.communicate("[say=still here]\n", timeout=PATIENCE)
    assert rest.endswith("still here\n")
    assert "[stopped]" in errors
    assert talk.returncode == 1, "not all went well"
    assert sorted(run.status for run in client.runs.list_all_runs(limit=2).data) == ["cancelled", "completed"]


@pytest.mark.slow
def test_in_a_terminal_it_prompts_and_ctrl_c_at_the_prompt_goes_on(data: Path, tmp_path: Path) -> None:
    screen, terminal = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PROJECTDAVID_DATA": str(data), "TERM": "dumb"}
    command = [sys.executable, "-c", INTERRUPTIBLE, "chat"]
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment) as talk:
        try:
            read_until(screen, "you> ")
            os.write(screen, b"[say=good morning]\n")
            read_until(screen, "good morning\r\nyou> ")

            def answers_ctrl_c() -> bool:
                # The line editor misses a signal that comes between its prompt and its waiting.
                talk.send_signal(signal.SIGINT)
                return is_there(screen, 1)

            wait_until(answers_ctrl_c)
            read_until(screen, "/exit or Ctrl-D ends.")
            os.write(screen, b"/exit\n")
            assert talk.wait(PATIENCE) == 0
        finally:
            talk.kill()
            os.close(terminal)
            os.close(screen)
