"""What may not stand in any file of the project: places of one machine, and secrets."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.modules import ROOT
from tests.programs import require_programs

MACHINE = re.compile(r"/(work|root|Users)/|/home/\w+|\b[A-Z]:\\\\?Users")
SECRET = re.compile(
    r"BEGIN [A-Z ]*PRIVATE KEY|\bsk-[A-Za-z0-9]{20,}|\bpd_[A-Za-z0-9_-]{43}\b|\bgh[pousr]_[A-Za-z0-9]{36}"
)

EXCEPTIONS = {
    "tests/architecture/test_files.py": "says what is looked for",
    "tests/outbound/hooks.example.pem": "the key of a server that only tests know",
}


def _files() -> list[Path]:
    """The files that are tracked, or would be."""
    require_programs("git")
    if not (ROOT / ".git").exists():
        pytest.skip("only git knows which files belong to the project")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("pattern", [MACHINE, SECRET], ids=["place", "secret"])
def test_no_file_holds_the_place_of_a_machine_or_a_secret(pattern: re.Pattern[str]) -> None:
    found: list[str] = []
    for path in _files():
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text("utf-8", errors="replace")
        if name not in EXCEPTIONS and (match := pattern.search(text)):
            found.append(f"{name}: {match[0]}")
    assert found == []
