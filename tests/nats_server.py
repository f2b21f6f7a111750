"""A NATS server of the tests' own."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.programs import find_program, require_programs
from tests.timeouts import EVENT_TIMEOUT, wait_until

GUARD = '"$@" & cat >/dev/null; kill "$!"; wait'
"""Stops the server when its standard input is closed, also by the death of the test process."""


class NatsServer:
    """A server on a port of its own, which stays the same when it is stopped and started again."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._port = -1  # the server chooses one

    @property
    def url(self) -> str:
        """The URL for clients."""
        return f"nats://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start the server, and wait until it accepts connections."""
        options = ["--addr", "127.0.0.1", "--port", str(self._port), "--ports_file_dir", str(self._folder)]
        command = ["sh", "-c", GUARD, "guard", self._program, *options]
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True, cwd=self._folder
            )
        self._process = process
        wait_until(lambda: self._find_ports())
        address = self._find_ports()[0]
        self._port = int(address.rpartition(":")[2])

    def stop(self) -> None:
        """Stop the server."""
        if self._process is not None:
            self._process.communicate(timeout=EVENT_TIMEOUT)
            self._process = None
        for path in self._folder.glob("*.ports"):
            path.unlink()

    def _find_ports(self) -> list[str]:
        """Return the addresses that the server has written to a file; an empty list until it has."""
        for path in self._folder.glob("*.ports"):
            try:
                return json.loads(path.read_text())["nats"]
            except ValueError:  # not completely written
                return []
        return []


def run_nats() -> Iterator[NatsServer]:
    """Run a server; the test is skipped if the program is missing, or fails in CI."""
    require_programs("nats-server")
    program = find_program("nats-server")
    assert program is not None
    with tempfile.TemporaryDirectory(prefix="pd-nats-") as folder:
        server = NatsServer(program, Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
