"""The suites that every adapter passes: subclass each in a module of tests that has a fixture `sandbox`.

    from tests.contracts.sandbox.conformance import PythonRuns

    @pytest.fixture
    async def sandbox(): ...      # a started ports.sandbox.Sandbox, closed in the end

    class TestPythonRuns(PythonRuns): ...

The tests are async functions for the pytest plugin of anyio, over asyncio.
"""

from tests.contracts.sandbox.file_transfers import FileTransfers
from tests.contracts.sandbox.python_ends import PythonEnds
from tests.contracts.sandbox.python_runs import PythonRuns
from tests.contracts.sandbox.python_shows import PythonShows
from tests.contracts.sandbox.shell_runs import ShellRuns
from tests.contracts.sandbox.tunneling import Tunnels

__all__ = ["FileTransfers", "PythonEnds", "PythonRuns", "PythonShows", "ShellRuns", "Tunnels"]
