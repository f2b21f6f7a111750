"""One server for all tests of this folder, one whose runs expire at once, and a new user for each test."""

from collections.abc import Iterator

import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.compat.behaviours.hands import Plotter
from tests.compat.behaviours.model import player
from tests.compat.behaviours.wire import Wire, user_of
from tests.fakes.hands import FakeComputer
from tests.server.conftest import serving


def _platform(tmp_path_factory: pytest.TempPathFactory, **settings: object) -> Iterator[EmbeddedPlatform]:
    tools = {"code_interpreter": Plotter(), "computer": FakeComputer()}
    with serving(
        tmp_path_factory.mktemp("behaviours"), providers={"scripted": player()}, tools=tools, **settings
    ) as server:
        yield server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    yield from _platform(tmp_path_factory)


@pytest.fixture(scope="session")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    """A server whose runs have a second or two: they end with a whole one."""
    yield from _platform(tmp_path_factory, openai_run_seconds=2)


@pytest.fixture
def wire(server: EmbeddedPlatform) -> Iterator[Wire]:
    with user_of(server) as wire:
        yield wire


@pytest.fixture
def other(server: EmbeddedPlatform) -> Iterator[Wire]:
    """Somebody else."""
    with user_of(server) as wire:
        yield wire


@pytest.fixture
def hurried(hasty: EmbeddedPlatform) -> Iterator[Wire]:
    """A user of it."""
    with user_of(hasty) as wire:
        yield wire
