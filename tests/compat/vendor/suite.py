"""The vendor's tests: fetched from the package index where they run, and never kept by this project."""

import hashlib
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.compat.environments import cached, environment
from tests.programs import registry_environment
from tests.timeouts import PROCESS_TIMEOUT

VERSION = "3.54.0"
NAME = f"openai-{VERSION}"
SHA256 = "2e393e63f8a38be6452806f9ef0b6534fecd6d41ab3b2165180dfce3599249cd"
NEEDED = (
    f"openai[aiohttp]=={VERSION}",
    "inline-snapshot==0.36.1",
    "pytest==9.0.3",
    "pytest-asyncio==1.4.0",
    "pytest-xdist==3.8.0",
    "rich==15.0.0",
)
FILES = (
    "beta/test_assistants.py",
    "beta/test_threads.py",
    "beta/threads/test_messages.py",
    "beta/threads/test_runs.py",
    "beta/threads/runs/test_steps.py",
    "test_files.py",
    "test_uploads.py",
    "uploads/test_parts.py",
    "test_vector_stores.py",
    "vector_stores/test_files.py",
    "vector_stores/test_file_batches.py",
    "test_models.py",
)
"""Those of the 51 operations, below `tests/api_resources`."""


def sources() -> Path:
    """The folder of the source distribution."""

    def fill(folder: Path) -> None:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        download = [*pip, "--no-binary", "openai", f"openai=={VERSION}", "--dest", folder]
        subprocess.run(download, env=registry_environment(), check=True)
        archive = folder / f"{NAME}.tar.gz"
        assert hashlib.sha256(archive.read_bytes()).hexdigest() == SHA256
        # Not by `tarfile`, whose safe filter Python has only since 3.11.4. Root would keep the owners of the archive.
        subprocess.run(["tar", "-xzf", archive, "--no-same-owner", "-C", folder], check=True)

    def works(folder: Path) -> bool:
        return all((folder / NAME / "tests" / "api_resources" / file).is_file() for file in FILES)

    return cached({"archive": NAME, "sha256": SHA256}, fill, works) / NAME


def outcomes(url: str, report: Path) -> dict[str, str]:
    """What came of each case against the server at `url`: `passed`, or what the report says of it."""
    python, folder = environment(*NEEDED), sources()
    tests = [f"tests/api_resources/{name}" for name in FILES]
    ran = subprocess.run(
        [python, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", f"--junitxml={report}", *tests],
        cwd=folder,
        env={**os.environ, "TEST_API_BASE_URL": url, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=PROCESS_TIMEOUT,
        check=False,
    )
    assert report.exists(), ran.stdout[-4000:] + ran.stderr[-4000:]
    return {_name(case): _outcome(case) for case in ET.parse(report).getroot().iter("testcase")}


def _name(case: ET.Element) -> str:
    return f"{case.get('classname', '').removeprefix('tests.api_resources.')}.{case.get('name')}"


def _outcome(case: ET.Element) -> str:
    for kind in ("failure", "error", "skipped"):
        if (found := case.find(kind)) is not None:
            return f"{kind}: {found.get('message') or ''} {(found.text or '')[-1500:]}"
    return "passed"
