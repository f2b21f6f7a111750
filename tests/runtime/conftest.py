"""The stage."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.runtime.actor import Actor
from tests.runtime.stage import Stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    """An open stage, with nobody at work."""
    stage = Stage(tmp_path / "david.db")
    await stage.open()
    yield stage
    await stage.close()


@pytest.fixture
def actor(stage: Stage) -> Actor:
    stage.tools["code_interpreter"] = actor = Actor()
    return actor
