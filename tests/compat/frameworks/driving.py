"""Walks the flow of a framework, in its own environment, against a server of its own."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.compat.environments import locked, pinned
from tests.compat.frameworks.model import helper
from tests.fakes.hands import FakeInterpreter
from tests.server.conftest import serving
from tests.timeouts import PROCESS_TIMEOUT

HERE = Path(__file__).parent
SILENT = {
    "AGENTOPS_TELEMETRY": "false",
    "ANONYMIZED_TELEMETRY": "false",
    "DO_NOT_TRACK": "1",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OTEL_SDK_DISABLED": "true",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "true",
    "PROMPTFOO_DISABLE_TELEMETRY": "true",
    "PROMPTFOO_DISABLE_UPDATE": "true",
    # Who asks another machine all the same finds that there is no way.
    **dict.fromkeys(("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"),
    "NO_PROXY": "127.0.0.1",
}
"""No framework tells anybody that it runs, or fetches anything."""


TEXT_ONLY = {"langroid"}
"""Frameworks that expect each message to begin with text; code makes no pictures for them."""

COUNTING = {"langroid", "marvin"}
"""Frameworks that count tokens with tiktoken, which downloads its vocabularies."""

Report = dict[str, Any]
"""What a framework saw, as its flow prints it."""


def walked(name: str) -> Callable[..., Report]:
    """Return a fixture with the report of the framework of this name."""

    @pytest.fixture(scope="module", name=name)
    def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
        return _walk(name, tmp_path_factory.mktemp(name))

    return report


def _walk(name: str, folder: Path) -> Report:
    """Run the flow of a framework as a program of its own, in an empty home folder."""
    home = folder / "home"
    home.mkdir()
    command = _command(name, home)
    interpreter = FakeInterpreter(pictures=name not in TEXT_ONLY)
    tools = {"code_interpreter": interpreter}
    with serving(folder / "data", providers={"scripted": helper()}, tools=tools) as server:
        done = subprocess.run(
            command,
            env={**_places(name, server), "PATH": os.environ["PATH"], "HOME": str(home), **SILENT},
            cwd=home,
            capture_output=True,
            text=True,
            timeout=PROCESS_TIMEOUT,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-5000:]
    return json.loads(done.stdout)


def _places(name: str, server: EmbeddedPlatform) -> dict[str, str]:
    """Return where and with which key a flow finds the server, in the variables of Azure's or of OpenAI's clients."""
    if name.startswith("azure"):
        return {
            "AZURE_OPENAI_ENDPOINT": server.base_url,
            "AZURE_OPENAI_API_KEY": server.api_key,
            "OPENAI_API_VERSION": "2024-05-01-preview",
        }
    return {"OPENAI_BASE_URL": f"{server.base_url}/openai/v1", "OPENAI_API_KEY": server.api_key}


def _command(name: str, home: Path) -> list[str | Path]:
    """Return the command of a flow. Node looks for packages beside a program, so one in JavaScript is copied there."""
    flow = HERE / f"{name}_flow.mjs"
    if not flow.exists():
        runner = [HERE / "byte_tokens.py"] if name in COUNTING else []
        return [pinned(HERE / "requirements" / f"{name}.txt"), "-I", *runner, HERE / f"{name}_flow.py"]
    (home / "node_modules").symlink_to(locked(HERE / "packages" / name))
    return ["node", shutil.copy(flow, home)]
