"""A fake server, and clients of it that do not pause between attempts."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from projectdavid import AsyncEntity, Entity, Retry
from tests.client.fake import KEY, Fake, serving

QUICK = Retry(max_retries=2, base_delay=0, max_reconnects=3)


@pytest.fixture
def fake() -> Iterator[Fake]:
    with serving() as server:
        yield server


@pytest.fixture
def client(fake: Fake) -> Iterator[Entity]:
    with Entity(fake.base_url, KEY, retry=QUICK) as entity:
        yield entity


@pytest.fixture
def new_async_client(fake: Fake) -> Callable[[], AsyncEntity]:
    return partial(AsyncEntity, fake.base_url, KEY, retry=QUICK)
