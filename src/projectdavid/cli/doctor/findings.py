"""One finding of the doctor."""

from dataclasses import dataclass
from typing import Literal

from rich.text import Text

from projectdavid.cli.output import out, plain

Level = Literal["ok", "warn", "fail"]
STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@dataclass(frozen=True)
class DoctorFinding:
    """The subject of a check, its state, and the remedy."""

    name: str
    level: Level
    text: str
    remedy: str = ""


def ok(name: str, text: str) -> DoctorFinding:
    """Create a finding without a problem."""
    return DoctorFinding(name, "ok", text)


def warn(name: str, text: str, remedy: str = "") -> DoctorFinding:
    """Create a finding about a missing feature."""
    return DoctorFinding(name, "warn", text, remedy)


def fail(name: str, text: str, remedy: str = "") -> DoctorFinding:
    """Create a finding that prevents operation."""
    return DoctorFinding(name, "fail", text, remedy)


def print_finding(finding: DoctorFinding) -> None:
    """Print one line."""
    line = Text.assemble((f"{finding.level:<5}", STYLES[finding.level]), f"{finding.name:<24}", plain(finding.text))
    if finding.remedy:
        line.append(f"  -> {plain(finding.remedy)}", style="bold")
    out().print(line, soft_wrap=True)
