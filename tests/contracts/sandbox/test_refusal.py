"""Where isolation cannot be had, the local sandbox refuses and says what can be done; it never runs code without."""

import json
import subprocess
import sys
from pathlib import Path

from tests.timeouts import PROCESS_TIMEOUT

FORBIDDEN = "tests.contracts.sandbox.forbidden"
ASK = """
import asyncio, json
from projectdavid.ports.sandbox import SandboxUnavailable, SessionSpec
from projectdavid.adapters.sandboxes.local import LocalSandbox, SandboxOptions

async def main():
    sandbox = LocalSandbox(SandboxOptions(preload=()))
    await sandbox.start()
    report = await sandbox.probe()
    told = {"level": report.level.name, "remedy": report.remedy, "reasons": report.reasons}
    for kind in ("python", "shell"):
        try:
            session = await sandbox.open(SessionSpec(kind))
        except SandboxUnavailable as off:
            told[kind] = str(off)
        else:
            told[kind] = "opened"
            await session.close()
    await sandbox.close()
    print(json.dumps(told))

asyncio.run(main())
"""


def test_in_a_default_container_it_refuses_and_names_the_remedy() -> None:
    done = subprocess.run(
        [sys.executable, "-m", FORBIDDEN, sys.executable, "-c", ASK],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=PROCESS_TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["level"] == "NONE"
    assert told["reasons"]
    assert "seccomp" in told["remedy"]
    for kind in ("python", "shell"):
        assert told["remedy"] in told[kind]


def test_the_filter_of_that_container_forbids_namespaces() -> None:
    made = subprocess.run(
        [sys.executable, "-m", FORBIDDEN, "/usr/bin/unshare", "--user", "true"],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=PROCESS_TIMEOUT,
        check=False,
    )
    assert made.returncode
    assert "not permitted" in made.stderr
