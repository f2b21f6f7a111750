"""An S3 service of the tests' own: moto, which keeps everything in memory."""

import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.timeouts import EVENT_TIMEOUT, wait_until

GUARD = '"$@" & cat >/dev/null; kill "$!"; wait'
"""Stops the server when its standard input is closed, also by the death of the test process."""
ADDRESS = re.compile(rb"Running on (http://127\.0\.0\.1:\d+)")


class S3Server:
    """A running service; it accepts any credentials."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._count = 0

    def create_bucket(self) -> str:
        """Create an empty bucket, and return its name."""
        self._count += 1
        name = f"bucket-{self._count}"
        request = urllib.request.Request(f"{self.endpoint}/{name}", method="PUT")
        with urllib.request.urlopen(request, timeout=EVENT_TIMEOUT):
            return name


def run_s3() -> Iterator[S3Server]:
    """Run a service on a free port."""
    with tempfile.TemporaryDirectory(prefix="pd-s3-") as folder:
        output = Path(folder) / "output"
        command = ["sh", "-c", GUARD, "guard", sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
        with output.open("wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True, cwd=folder
            )
        try:
            wait_until(lambda: ADDRESS.search(output.read_bytes()))
            found = ADDRESS.search(output.read_bytes())
            assert found is not None
            yield S3Server(found[1].decode())
        finally:
            process.communicate(timeout=EVENT_TIMEOUT)
