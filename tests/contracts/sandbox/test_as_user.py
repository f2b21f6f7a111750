"""The escape suite, the mutations and the refusal once more, for a server of an ordinary user and without cgroups."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
SUITES = ("test_escapes_local.py", "test_mutations.py", "test_refusal.py")


@pytest.mark.slow
@pytest.mark.parametrize("suite", SUITES)
def test_it_holds_for_an_ordinary_user(suite: str) -> None:
    if os.getuid():
        pytest.skip("who runs this is one already")
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", str(FOLDER / suite)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.contracts.sandbox.as_user", *command],
        cwd=FOLDER.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
