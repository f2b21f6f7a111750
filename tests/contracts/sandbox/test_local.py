"""The suites over the sandbox of this machine."""

from collections.abc import AsyncIterator

import pytest

from projectdavid.adapters.sandboxes.local import LocalSandbox
from projectdavid.ports.sandbox import Sandbox
from tests.contracts.sandbox.conformance import FileTransfers, PythonEnds, PythonRuns, PythonShows, ShellRuns, Tunnels


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def sandbox(anyio_backend: str) -> AsyncIterator[Sandbox]:
    local = LocalSandbox()
    await local.start()
    yield local
    await local.close()


class TestPythonRuns(PythonRuns): ...


class TestPythonShows(PythonShows): ...


class TestPythonEnds(PythonEnds): ...


class TestShellRuns(ShellRuns): ...


class TestFileTransfers(FileTransfers): ...


class TestTunnels(Tunnels): ...
