"""Runs the examples of a page, one after the other, and compares what they print with what the page shows."""

import gc
import json
import os
import re
import subprocess
import sys
import warnings
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from projectdavid import RunStream
from projectdavid.composition.embedded import EmbeddedPlatform
from tests.docs.pages import Block
from tests.timeouts import PROCESS_TIMEOUT

ADDRESS = "http://127.0.0.1:9000"
"""Where the pages say that the server is."""
MARK = "==exported=="
"""Between what a script prints and the environment that it leaves."""
SAID_BY_OPENAI = "deprecated$|The Assistants API is deprecated"
"""With each call of the Assistants API, by its client."""
STAMPS = re.compile(r'"at":\d+\.\d{3}')
IDS = re.compile(r"\b(asst|thread|msg|run|act|call|user)_[0-9A-Za-z]{22}\b")


class Session:
    """What the blocks of a page share: one Python namespace, and one environment of the shell.

    Of that, Python sees what the clients of others read.
    """

    def __init__(self, server: EmbeddedPlatform, scratch: Path) -> None:
        self._server = server
        self._exported = scratch / "exported"
        self._variables: dict[str, str] = {}
        self.names: dict[str, Any] = {"__name__": "page"}
        self.printed = ""

    def close(self) -> None:
        """Forget the names, so that every client among them is closed."""
        self.names.clear()
        gc.collect()

    def run_python(self, block: Block) -> None:
        code = compile("\n" * (block.line - 1) + block.text, str(block.page), "exec", dont_inherit=True)
        with redirect_stdout(StringIO()) as out, pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            warnings.filterwarnings("ignore", SAID_BY_OPENAI, DeprecationWarning)
            for name, value in self._variables.items():
                patch.setenv(name, value)
            exec(code, self.names)
        self.printed = out.getvalue()

    def run_shell(self, block: Block) -> None:
        script = block.text.replace(ADDRESS, self._server.base_url)
        self._exported.touch()
        wrapped = f'source "{self._exported}"\n{script}\nexport -p > "{self._exported}"\nprintf {MARK}; env -0'
        done = subprocess.run(
            ["bash", "-euc", wrapped], env=self._environment(), capture_output=True, text=True, timeout=PROCESS_TIMEOUT
        )
        assert done.returncode == 0, f"{block}: {done.stderr}"
        self.printed, _, exported = done.stdout.rpartition(MARK)
        pairs = (line.partition("=") for line in exported.split("\0"))
        self._variables = {name: value for name, _, value in pairs if name.startswith(("OPENAI_", "AZURE_"))}

    def _environment(self) -> dict[str, str]:
        """That of the process, with our commands in it, and the run of each stream by its name."""
        streams = {name: stream for name, stream in self.names.items() if isinstance(stream, RunStream)}
        return {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            **{f"{name.upper()}_RUN_ID": stream.run_id for name, stream in streams.items()},
        }

    def compare(self, block: Block) -> None:
        """What the page shows with what was printed last: JSON value by value, text as it is, ids aside."""
        if block.language == "json":
            assert differences(json.loads(block.text), json.loads(self.printed)) == [], str(block)
        else:
            assert masked(self.printed) == masked(block.text), str(block)


def masked(text: str) -> str:
    return STAMPS.sub('"at":0', IDS.sub(r"\1_", text)).strip()


def differences(shown: Any, printed: Any, path: str = "") -> list[str]:
    """Where two JSON values differ, ids and times aside: of these only the types count."""
    if type(shown) is not type(printed):
        return [f"{path}: {shown!r} is shown, {printed!r} was printed"]
    if isinstance(shown, dict):
        if list(shown) != list(printed):
            return [f"{path}: the keys {list(shown)} are shown, {list(printed)} were printed"]
        return [one for key in shown for one in differences(shown[key], printed[key], f"{path}.{key}")]
    if isinstance(shown, list):
        if len(shown) != len(printed):
            return [f"{path}: {len(shown)} entries are shown, {len(printed)} were printed"]
        return [
            one
            for at, pair in enumerate(zip(shown, printed, strict=True))
            for one in differences(*pair, f"{path}.{at}")
        ]
    if shown == printed or re.search(r"(^|[._])(id|at)$", path):
        return []
    return [f"{path}: {shown!r} is shown, {printed!r} was printed"]
