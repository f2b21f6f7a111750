"""What all tests share."""

import os

import pytest

os.environ.setdefault("PROJECTDAVID_DISK_RESERVE_MB", "1")  # each server of the tests has a folder of its own


@pytest.fixture
def anyio_backend() -> str:
    """The loop that the platform runs on."""
    return "asyncio"
