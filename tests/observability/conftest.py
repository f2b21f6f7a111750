"""A server of its own for each module, because its counters must start at zero."""

from collections.abc import Iterator

import httpx2
import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.server.conftest import serving
from tests.server.talking import Caller, ok
from tests.timeouts import EVENT_TIMEOUT


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    with serving(tmp_path_factory.mktemp("server"), sandbox="off", metrics_token="a secret token") as server:
        yield server


@pytest.fixture(scope="module")
def admin(server: EmbeddedPlatform) -> Iterator[Caller]:
    with Caller(server.base_url, "", server.admin_api_key) as admin:
        admin.user_id = ok(admin.get("/v1/auth/validate-key"))["user_id"]
        yield admin


@pytest.fixture(scope="module")
def user(server: EmbeddedPlatform) -> Iterator[Caller]:
    with Caller(server.base_url, "", server.api_key) as user:
        user.user_id = ok(user.get("/v1/auth/validate-key"))["user_id"]
        yield user


@pytest.fixture
def stranger(server: EmbeddedPlatform) -> Iterator[httpx2.Client]:
    """A client without a key."""
    with httpx2.Client(base_url=server.base_url, timeout=EVENT_TIMEOUT) as stranger:
        yield stranger
