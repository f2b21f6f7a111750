"""One server for all tests of this folder, and a new user for each."""

from collections.abc import Iterator

import httpx2
import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.compat.behaviours.hands import Plotter
from tests.compat.behaviours.model import player
from tests.compat.behaviours.wire import Wire, user_of
from tests.dialect.routes import Json, World, everything, world_of
from tests.fakes.hands import FakeComputer
from tests.server.conftest import serving
from tests.timeouts import EVENT_TIMEOUT


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    folder = tmp_path_factory.mktemp("dialect")
    tools = {"code_interpreter": Plotter(), "computer": FakeComputer()}
    with serving(folder, providers={"scripted": player()}, tools=tools, stream_keep_alive=0.1) as server:
        yield server


@pytest.fixture(scope="session")
def stranger(server: EmbeddedPlatform) -> Iterator[httpx2.Client]:
    """Somebody without a key."""
    with httpx2.Client(base_url=f"{server.base_url}/openai/v1", timeout=EVENT_TIMEOUT) as stranger:
        yield stranger


@pytest.fixture(scope="session")
def admin(server: EmbeddedPlatform) -> Iterator[Wire]:
    with Wire(server.base_url, server.admin_api_key) as admin:
        yield admin


@pytest.fixture
def wire(server: EmbeddedPlatform) -> Iterator[Wire]:
    """A user."""
    with user_of(server) as wire:
        yield wire


@pytest.fixture(scope="module")
def ann(server: EmbeddedPlatform) -> Iterator[Wire]:
    """A user for all tests of a module."""
    with user_of(server) as ann:
        yield ann


@pytest.fixture(scope="module")
def anns(ann: Wire) -> World:
    """The ids of what Ann has."""
    return world_of(ann)


@pytest.fixture(scope="module")
def whole(ann: Wire, anns: World) -> Json:
    """All that Ann has before the tests of a module, which change nothing of it."""
    return everything(ann, anns)


@pytest.fixture(scope="module")
def bob(server: EmbeddedPlatform) -> Iterator[Wire]:
    """Somebody else."""
    with user_of(server) as bob:
        yield bob


@pytest.fixture(scope="module")
def bobs(bob: Wire) -> World:
    """The ids of what Bob has."""
    return world_of(bob)


@pytest.fixture(scope="module")
def bobs_other(bob: Wire) -> World:
    """The ids of as much again."""
    return world_of(bob)
