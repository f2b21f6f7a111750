"""One server for all tests of this folder, whose model is asked over HTTP."""

from collections.abc import Iterator

import pytest
from anyio.from_thread import start_blocking_portal

from projectdavid.adapters.providers.openai_compatible import OpenAICompatible
from projectdavid.composition.embedded import EmbeddedPlatform
from tests.compat.behaviours.hands import Plotter
from tests.compat.behaviours.model import HELLO, PLAYS, words
from tests.compat.behaviours.wire import Wire, user_of
from tests.fakes.hands import FakeComputer
from tests.fakes.worst import WorstAllowed
from tests.server.conftest import serving


@pytest.fixture(scope="session")
def upstream() -> Iterator[WorstAllowed]:
    """The model's server."""
    worst = WorstAllowed(lambda ask: PLAYS.get(ask.model, lambda _: words(HELLO))(ask))
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(worst):
        yield worst


def _platform(
    factory: pytest.TempPathFactory, upstream: WorstAllowed, **settings: object
) -> Iterator[EmbeddedPlatform]:
    provider = OpenAICompatible(name="scripted", base_url=upstream.url, api_key=None)
    tools = {"code_interpreter": Plotter(), "computer": FakeComputer()}
    with serving(factory.mktemp("worst"), providers={"scripted": provider}, tools=tools, **settings) as server:
        yield server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, upstream: WorstAllowed) -> Iterator[EmbeddedPlatform]:
    yield from _platform(tmp_path_factory, upstream)


@pytest.fixture(scope="session")
def hasty(tmp_path_factory: pytest.TempPathFactory, upstream: WorstAllowed) -> Iterator[EmbeddedPlatform]:
    """A server whose runs have a second or two."""
    yield from _platform(tmp_path_factory, upstream, openai_run_seconds=2)


@pytest.fixture
def hurried(hasty: EmbeddedPlatform) -> Iterator[Wire]:
    with user_of(hasty) as wire:
        yield wire


@pytest.fixture
def wire(server: EmbeddedPlatform) -> Iterator[Wire]:
    with user_of(server) as wire:
        yield wire
