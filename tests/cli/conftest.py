"""One platform for all tests of this folder, and the command line beside it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from projectdavid import Entity
from projectdavid.cli.app import run
from projectdavid.composition.embedded import EmbeddedPlatform
from tests.cli.processes import upstream

FOREIGN = (
    *("OPENAI_BASE_URL", "OPENAI_API_KEY", "OLLAMA_HOST", "OLLAMA_BASE_URL", "NO_COLOR", "FORCE_COLOR"),
    *("ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"),
)
OURS = ("API_KEY", "BASE_URL", "CREDENTIALS", "DATA", "DEMO_MODEL", "HOST", "PORT")


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line of an error, besides the one with which `serve` begins."""
        assert self.code == 1, self
        (line,) = (line for line in self.err.splitlines() if not line.startswith("Starting "))
        assert line.startswith("error: ")
        return line


Command = Callable[..., Outcome]


@pytest.fixture(scope="session")
def provider() -> Iterator[str]:
    """The base URL of a fake of a model's server."""
    with upstream() as url:
        yield url


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory, provider: str) -> Iterator[Path]:
    """The data folder of a platform that runs."""
    folder = tmp_path_factory.mktemp("platform")
    with pytest.MonkeyPatch.context() as patch:
        _forget(patch)
        patch.setenv("OPENAI_BASE_URL", provider)
        platform = EmbeddedPlatform(folder)
        platform.start()
    try:
        yield folder
    finally:
        platform.stop()


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment with nothing of this machine's configuration."""
    _forget(monkeypatch)
    monkeypatch.setenv("PROJECTDAVID_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def lonely(alone: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs commands where there is no platform."""

    def command(*arguments: str, stdin: str = "") -> Outcome:
        monkeypatch.setattr("sys.stdin", StringIO(stdin))
        capsys.readouterr()
        code = run(arguments)
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return command


@pytest.fixture
def command(lonely: Command, data: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs commands beside the platform."""
    monkeypatch.setenv("PROJECTDAVID_DATA", str(data))
    return lonely


@pytest.fixture
def client(command: Command) -> Iterator[Entity]:
    """The SDK, as the user whom the commands are."""
    with Entity() as client:
        yield client


def _forget(patch: pytest.MonkeyPatch) -> None:
    for name in (*FOREIGN, *(f"PROJECTDAVID_{name}" for name in OURS)):
        patch.delenv(name, raising=False)
