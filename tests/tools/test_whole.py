"""The tools on a whole platform: a question over HTTP, code in a session, events and files back through the SDK."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from projectdavid import CodeEvent, Entity, Event, FileEvent, OutputEvent, SandboxEvent, ToolOutputEvent
from projectdavid.adapters.providers.scripted import DemoProvider
from projectdavid.composition import model_providers
from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.ports.sandbox import SandboxSession, SessionSpec
from projectdavid.tools.code_interpreter import CodeInterpreter
from projectdavid.tools.computer import ComputerTool
from projectdavid.tools.sessions.sessions import SessionPool
from tests.fakes.plain_sandbox import PlainSandbox
from tests.sandboxes.seen import agents
from tests.timeouts import PROCESS_TIMEOUT
from tests.tools.conversation import BOUND

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "examples/data_analysis.py"


class Sandbox(PlainSandbox):
    """Knows the loop in which its sessions live."""

    loop: asyncio.AbstractEventLoop

    async def open(self, spec: SessionSpec) -> SandboxSession:
        self.loop = asyncio.get_running_loop()
        return await super().open(spec)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedPlatform]:
    monkeypatch.setattr(model_providers, "DemoProvider", partial(DemoProvider, delay=0))
    sandbox = Sandbox(warm=True)
    sessions = SessionPool(sandbox, time.time)
    tools = {"code_interpreter": CodeInterpreter(sessions), "computer": ComputerTool(sessions)}
    embedded = EmbeddedPlatform(tmp_path / "data", tools=tools)
    embedded.start()
    yield embedded
    asyncio.run_coroutine_threadsafe(sessions.close(), sandbox.loop).result(BOUND)
    embedded.stop()


@pytest.fixture
def client(server: EmbeddedPlatform) -> Iterator[Entity]:
    with Entity(server.base_url, server.api_key) as client:
        yield client


def test_mathy_writes_code_and_answers_with_its_number_and_a_plot(client: Entity) -> None:
    mathy = client.assistants.create_assistant(model="demo/assistant", tools=[{"type": "code_interpreter"}])
    seen: list[Event] = []
    said = "Plot sin(x) and tell me the area under it from 0 to pi."
    result = client.runs.run(mathy, client.threads.create_thread(), content=said, on_event=seen.append)
    assert "the area under sin(x) from 0 to pi is 2.0000" in result.text
    (code,) = [event.content for event in seen if isinstance(event, CodeEvent)]
    assert "linspace(0, pi, 1001)" in code
    printed = [event.content for event in seen if isinstance(event, OutputEvent) and event.stream == "stdout"]
    assert "".join(printed) == "the area under sin(x) from 0 to pi is 2.0000\n"
    (started,) = [event for event in seen if isinstance(event, SandboxEvent)]
    assert (started.state, started.kind, started.level) == ("started", "python", "none")
    (plot,) = [event for event in seen if isinstance(event, FileEvent)]
    assert (plot.filename, plot.mime_type) == ("plot-1.png", "image/png")
    assert client.files.content(plot.file_id).startswith(b"\x89PNG")
    assert [image["file_id"] for image in result.messages[-1].attachments] == [plot.file_id]
    (step,) = [step for step in client.runs.list_steps(result.run.id).data if step.type == "tool_calls"]
    shown = step.model_dump(exclude_none=True)["step_details"]["tool_calls"][0]["code_interpreter"]
    assert shown["input"] == code
    assert {"type": "image", "image": {"file_id": plot.file_id}} in shown["outputs"]


def test_state_is_kept_from_run_to_run_of_a_thread(client: Entity) -> None:
    shelly = client.assistants.create_assistant(model="demo/assistant", tools=[{"type": "computer"}])
    thread = client.threads.create_thread()
    client.runs.run(shelly, thread, content="Run `cd /` and `NAME=david`")
    result = client.runs.run(shelly, thread, content="Run `echo $NAME is in $PWD`")
    assert "\ndavid is in /\n[exit 0]\n" in result.text


def test_the_example_gives_a_table_a_plot_and_another_csv_back(server: EmbeddedPlatform, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    environment = {"PATH": "/usr/bin:/bin", "ENTITIES_BASE_URL": server.base_url, "ENTITIES_API_KEY": server.api_key}
    done = subprocess.run(
        [sys.executable, EXAMPLE],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PROCESS_TIMEOUT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "pandas.read_csv" in done.stdout
    assert "Lisbon   590   885.0" in done.stdout
    assert {path.name for path in folder.iterdir()} == {"sales_summary.csv", "plot-1.png"}
    assert (folder / "sales_summary.csv").read_text("utf-8").splitlines()[:2] == ["city,cups,euros", "Faro,120,210.0"]
    assert (folder / "plot-1.png").read_bytes().startswith(b"\x89PNG")
    assert f"saved as {folder / 'plot-1.png'}" in done.stdout


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Entity]:
    """A server with the sandbox that it brings."""
    monkeypatch.setattr(model_providers, "DemoProvider", partial(DemoProvider, delay=0))
    embedded = EmbeddedPlatform(tmp_path / "data")
    embedded.start()
    with Entity(embedded.base_url, embedded.api_key) as client:
        yield client
    embedded.stop()


def test_a_run_goes_on_when_its_session_is_killed_and_the_next_call_says_so(own: Entity) -> None:
    shelly = own.assistants.create_assistant(model="demo/assistant", tools=[{"type": "computer"}])
    thread = own.threads.create_thread()
    seen: list[Event] = []

    def kill(event: Event) -> None:
        seen.append(event)
        if isinstance(event, OutputEvent) and "sleep" in event.content:
            for pid in agents():
                os.kill(pid, signal.SIGKILL)

    killed = own.runs.run(shelly, thread, content="Run `NAME=david` and `sleep 600`", on_event=kill)
    assert killed.run.status == "completed"
    (output,) = [event.output for event in seen if isinstance(event, ToolOutputEvent)]
    assert "The session ended while a command ran:" in output
    again = own.runs.run(shelly, thread, content="Run `echo name=$NAME`", on_event=seen.append)
    assert "\nname=\n" in again.text
    told = [event.output for event in seen if isinstance(event, ToolOutputEvent)]
    assert "[This is a new session. " in told[-1]
    assert [event.state for event in seen if isinstance(event, SandboxEvent)] == ["started", "lost", "started"]
    assert (
        "variables, working directory and processes are lost"
        in [event.message or "" for event in seen if isinstance(event, SandboxEvent)][-1]
    )
