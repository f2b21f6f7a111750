"""What all tests share."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The loop that the platform runs on."""
    return "asyncio"
