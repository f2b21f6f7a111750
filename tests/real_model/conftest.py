"""A real model, its server, and a server of ours that asks it."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from projectdavid import Entity
from projectdavid.client import RunResult
from projectdavid.protocol.events import Event
from tests.e2e.processes import Nursery, Server
from tests.real_model.model_server import ModelServer, install

MODEL = "openai/gemma3:270m"
INSTRUCTIONS = "You are brief."
E = TypeVar("E", bound=Event)


@pytest.fixture(scope="session")
def nursery() -> Generator[Nursery]:
    """Starts our servers."""
    with Nursery() as nursery:
        yield nursery


@pytest.fixture(scope="session")
def installed() -> tuple[Path, Path]:
    """The interpreter that has the model's server, and the model."""
    return install()


@pytest.fixture(scope="module")
def template() -> Path | None:
    """The chat template; None: the one that the server takes if the model has none."""
    return None


@pytest.fixture(scope="module")
def model_server(
    installed: tuple[Path, Path], template: Path | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModelServer]:
    """The model's server of a module, not started yet."""
    server = ModelServer(*installed, tmp_path_factory.mktemp("model") / "log", template)
    yield server
    server.kill()


@pytest.fixture
def client(nursery: Nursery, model_server: ModelServer, tmp_path: Path) -> Iterator[Entity]:
    """A client of a new server of ours, which knows nothing but the address of the model's server."""
    server = Server(nursery, tmp_path / "data", {"OPENAI_BASE_URL": model_server.url}, tmp_path / "log")
    server.start()
    try:
        with Entity(base_url=server.url(), api_key=server.key) as client:
            yield client
        assert server.logged() == ""
    finally:
        server.close()


@pytest.fixture
def assistant(client: Entity) -> str:
    """An assistant with the real model."""
    return client.assistants.create_assistant(model=MODEL, instructions=INSTRUCTIONS).id


class Chat:
    """One thread, and the events of its last run."""

    def __init__(self, client: Entity, assistant: str) -> None:
        self.client = client
        self.thread_id = client.threads.create_thread().id
        self.events: list[Event] = []
        self._assistant = assistant

    def say(self, *texts: str, role: str = "user") -> None:
        """Add messages."""
        for text in texts:
            self.client.messages.create_message(self.thread_id, text, role=role)

    def run(self, on_event: Callable[[Event], object] = lambda event: None, **overrides: Any) -> RunResult:
        """Run the assistant to whatever end."""
        self.events.clear()

        def keep(event: Event) -> None:
            self.events.append(event)
            on_event(event)

        return self.client.runs.run(self._assistant, self.thread_id, on_event=keep, check=False, **overrides)

    def events_of(self, kind: type[E]) -> list[E]:
        """Return those events of the last run that are of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def chat(client: Entity, assistant: str) -> Chat:
    """A new thread."""
    return Chat(client, assistant)
