"""Lets the walk of a client go against the servers of these tests."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.timeouts import PROCESS_TIMEOUT

WALKS = Path(__file__).with_name("walks")


def walked(
    command: list[str | Path], folder: Path, server: EmbeddedPlatform, hasty: EmbeddedPlatform, **more: str
) -> dict[str, Any]:
    """What the client observed, by the id of the behaviour."""
    places = {
        "BASE_URL": f"{server.base_url}/openai/v1",
        "API_KEY": server.api_key,
        "HASTY_BASE_URL": f"{hasty.base_url}/openai/v1",
        "HASTY_API_KEY": hasty.api_key,
    }
    done = subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **places, **more},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PROCESS_TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return json.loads(done.stdout)


def observed(report: dict[str, Any], name: str) -> Any:
    """What was observed of one behaviour; where the walk itself failed, how."""
    found = report[name]
    if isinstance(found, dict) and "failed" in found:
        raise AssertionError(found["failed"])
    return found
