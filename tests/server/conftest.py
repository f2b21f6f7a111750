"""One server for all tests of this folder, and a new user for each."""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from projectdavid.composition.app import create_app
from projectdavid.composition.bootstrap import assemble
from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.services.platform import Platform
from projectdavid.settings import Settings
from tests.databases import IS_POSTGRES, database_of
from tests.server.routes import World, world_of
from tests.server.script import player
from tests.server.talking import Caller, ok
from tests.server.watching import Theatre, theatre
from tests.timeouts import EVENT_TIMEOUT, wait_until

FOREIGN = (
    *("OPENAI_BASE_URL", "OPENAI_API_KEY", "OLLAMA_HOST", "OLLAMA_BASE_URL", "PROJECTDAVID_DATA", "SEARXNG_URL"),
    *("ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"),
    *("BRAVE_API_KEY", "BRAVE_SEARCH_API_KEY", "TAVILY_API_KEY", "EXA_API_KEY"),
)


@contextmanager
def serving(path: Path, **settings: object) -> Iterator[EmbeddedPlatform]:
    """A server with the scripted model, whatever this machine's environment says."""
    database = database_of(path)
    with pytest.MonkeyPatch.context() as patch:
        for name in FOREIGN:
            patch.delenv(name, raising=False)
        server = EmbeddedPlatform(path, **{"providers": {"scripted": player()}, **database, **settings})
        server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the server."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="session")
def server(folder: Path) -> Iterator[EmbeddedPlatform]:
    with serving(folder) as server:
        yield server


@pytest.fixture(scope="session")
def admin(server: EmbeddedPlatform) -> Iterator[Caller]:
    with Caller(server.base_url, "", server.admin_api_key) as admin:
        admin.user_id = ok(admin.get("/v1/auth/validate-key"))["user_id"]
        yield admin


@pytest.fixture(scope="session")
def stranger(server: EmbeddedPlatform) -> Iterator[httpx2.Client]:
    """Somebody without a key."""
    with httpx2.Client(base_url=server.base_url, timeout=EVENT_TIMEOUT) as stranger:
        yield stranger


def _users(server: EmbeddedPlatform, admin: Caller) -> Iterator[Callable[[], Caller]]:
    made: list[Caller] = []

    def new() -> Caller:
        user_id = ok(admin.post("/v1/users", json={}))["id"]
        key = ok(admin.post(f"/v1/users/{user_id}/apikeys"))["plain_key"]
        made.append(Caller(server.base_url, user_id, key))
        return made[-1]

    yield new
    for caller in made:
        caller.close()


new_user = pytest.fixture(_users, name="new_user")
new_users = pytest.fixture(_users, scope="module", name="new_users")


@pytest.fixture(scope="module")
def world(admin: Caller) -> World:
    """The ids of what the admin has."""
    return world_of(admin)


@pytest.fixture
def user(new_user: Callable[[], Caller]) -> Caller:
    return new_user()


@pytest.fixture
def other(new_user: Callable[[], Caller]) -> Caller:
    return new_user()


class Clock:
    """The time as a test has it."""

    def __init__(self, now: float = 1_751_169_829.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def platform(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """A platform on that clock; closed by `still`."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    return await assemble(Settings(data=tmp_path, host="127.0.0.1"), {"scripted": player()}, clock)


@pytest.fixture
async def still(platform: Platform) -> AsyncGenerator[httpx2.AsyncClient]:
    """An admin's client of an application whose clock stands still."""
    app = create_app(platform)
    key = httpx2.Response(200, text=platform.settings.credentials.read_text()).json()["admin_api_key"]
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://here", headers={"x-api-key": key}) as client,
    ):
        yield client


@pytest.fixture
def wait_for() -> Callable[[Callable[[], object]], None]:
    """Wait until something outside of our reach has come about."""
    return wait_until


@pytest.fixture
async def stage(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Theatre]:
    """A server on that clock whose shells say what a test tells them to."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    async with theatre(tmp_path, clock) as stage:
        yield stage


SQLITE_ONLY = (
    "test_data_folder.py",
    "test_lost_index.py",
    "test_two_servers.py",
    "test_erasure.py::test_no_byte_of_a_deleted_user_is_left_while_the_server_runs",
    "test_erasure.py::test_an_erasure_goes_on_after_a_crash",
)
"""Tests about the files of SQLite, or with stores of their own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is about SQLite if the servers of these tests use PostgreSQL."""
    for item in items:
        name = item.nodeid.rpartition("tests/server/")[2]
        if IS_POSTGRES and name.startswith(SQLITE_ONLY):
            item.add_marker(pytest.mark.skip(reason="about the files of SQLite"))
