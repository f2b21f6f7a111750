"""Makes the environment of a framework, and walks its flow against a server of its own."""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.compat.frameworks.model import helper
from tests.fakes.hands import FakeInterpreter
from tests.server.conftest import serving

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


def environment(name: str) -> Path:
    """The interpreter that has a framework; made once per machine and pins, however many processes ask for it."""
    requirements = HERE / "requirements" / f"{name}.txt"
    pins = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = Path(tempfile.gettempdir()) / f"compat-{os.getuid()}-{name}-{pins}-py{version}"
    folder.mkdir(mode=0o700, exist_ok=True)
    ready = folder / "ready"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            _install(folder, requirements)
            ready.touch()
    return folder / "venv" / "bin" / "python"


def _install(folder: Path, requirements: Path) -> None:
    """With uv where it is, which takes seconds where pip takes minutes."""
    venv, uv = folder / "venv", Path(sys.executable).with_name("uv")
    if uv.exists():
        make = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, venv]
        install = [uv, "pip", "install", "--quiet", "--python", venv / "bin" / "python"]
    else:
        make = [sys.executable, "-m", "venv", "--clear", venv]
        install = [venv / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Not in the folder of the project, whose settings for uv are its own.
    subprocess.run(make, cwd=folder, check=True)
    subprocess.run([*install, "--requirement", requirements], cwd=folder, check=True)


def walk(name: str, folder: Path) -> dict[str, Any]:
    """What a framework saw on its way."""
    python, home = environment(name), folder / "home"
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
            timeout=180,
            check=False,
        )
    assert walked.returncode == 0, walked.stderr[-5000:]
    return json.loads(walked.stdout)
