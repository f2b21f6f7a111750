"""The processes that tests share: one fake model and one nursery, which cost a second each."""

import os
import random
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.processes import Fake, Nursery, Server

Starting = Callable[..., Server]


@pytest.fixture(scope="session")
def fake() -> Generator[Fake]:
    """The fake of a model's server."""
    with Fake() as fake:
        yield fake


@pytest.fixture(scope="session")
def nursery() -> Generator[Nursery]:
    """Starts servers."""
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def starting(fake: Fake, nursery: Nursery, tmp_path: Path) -> Generator[Starting]:
    """Starts servers (or not, with `wait`) over folders, by default one of this test, that by default ask the fake."""
    fake.reset()
    with ExitStack() as stack:

        def start(
            data: Path | None = None, environ: dict[str, str] | None = None, *, wait: bool = False, **settings: Any
        ) -> Server:
            environ = environ or {"OPENAI_BASE_URL": fake.url}
            settings = {"embedding_model": "off", **settings}  # search is by words, and finds only what has them
            server = Server(nursery, data or tmp_path / "data", environ, tmp_path / "log", **settings)
            stack.callback(server.close)
            if not wait:
                server.start()
            return server

        yield start


@pytest.fixture
def server(starting: Starting) -> Server:
    """One server."""
    return starting()


@pytest.fixture
def seed() -> int:
    """Where chance begins; pytest shows it when the test fails."""
    seed = int(os.environ.get("E2E_SEED") or random.SystemRandom().randrange(10**6))
    print(f"E2E_SEED={seed}")
    return seed
