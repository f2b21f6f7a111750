"""One line of the doctor."""

from dataclasses import dataclass
from typing import Literal

from rich.text import Text

from projectdavid.cli.printing import out, plain

Level = Literal["ok", "warn", "fail"]
STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and what to do about it."""

    name: str
    level: Level
    text: str
    remedy: str = ""


def ok(name: str, text: str) -> Finding:
    """All is well."""
    return Finding(name, "ok", text)


def warn(name: str, text: str, remedy: str = "") -> Finding:
    """It works, with something missing."""
    return Finding(name, "warn", text, remedy)


def fail(name: str, text: str, remedy: str = "") -> Finding:
    """It cannot work so."""
    return Finding(name, "fail", text, remedy)


def print_finding(finding: Finding) -> None:
    """Print one line."""
    line = Text.assemble((f"{finding.level:<5}", STYLES[finding.level]), f"{finding.name:<24}", plain(finding.text))
    if finding.remedy:
        line.append(f"  -> {plain(finding.remedy)}", style="bold")
    out().print(line, soft_wrap=True)
