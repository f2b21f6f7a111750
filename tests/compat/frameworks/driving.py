"""Walks the flow of a framework, in its own environment, against a server of its own."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.compat.environments import pinned
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
    # Who asks another machine all the same finds that there is no way.
    **dict.fromkeys(("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"),
    "NO_PROXY": "127.0.0.1",
}
"""No framework tells anybody that it runs, or fetches anything."""


def walk(name: str, folder: Path) -> dict[str, Any]:
    """What a framework saw on its way."""
    python, home = pinned(HERE / "requirements" / f"{name}.txt"), folder / "home"
    home.mkdir()
    with serving(
        folder / "data", providers={"scripted": helper()}, tools={"code_interpreter": FakeInterpreter()}
    ) as server:
        walked = subprocess.run(
            [python, "-I", HERE / f"{name}_flow.py"],
            env={
                "OPENAI_BASE_URL": f"{server.base_url}/openai/v1",
                "OPENAI_API_KEY": server.api_key,
                "PATH": os.environ["PATH"],
                "HOME": str(home),
                **SILENT,
            },
            cwd=home,
            capture_output=True,
            text=True,
            timeout=PROCESS_TIMEOUT,
            check=False,
        )
    assert walked.returncode == 0, walked.stderr[-5000:]
    return json.loads(walked.stdout)
