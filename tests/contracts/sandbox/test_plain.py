"""The suites over a sandbox that isolates nothing: what they ask of the agent and of the host's end."""

from collections.abc import AsyncIterator

import pytest

from projectdavid.ports.sandbox import Sandbox
from tests.contracts.sandbox.conformance import FileTransfers, PythonEnds, PythonRuns, PythonShows, ShellRuns, Tunnels
from tests.fakes.plain_sandbox import PlainSandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    plain = PlainSandbox()
    await plain.start()
    yield plain
    await plain.close()


class TestPythonRuns(PythonRuns): ...


class TestPythonShows(PythonShows): ...


class TestPythonEnds(PythonEnds): ...


class TestShellRuns(ShellRuns): ...


class TestFileTransfers(FileTransfers): ...


class TestTunnels(Tunnels): ...
