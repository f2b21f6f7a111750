"""What the tests of tools share."""

import pytest

from tests.tools.conversation import Conversation


@pytest.fixture
async def conversation() -> Conversation:
    """A thread in which nothing has happened yet."""
    return Conversation()
