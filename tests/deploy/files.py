"""The deployment files, and what the program knows of the settings and commands in them."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer.main
import yaml

from projectdavid.cli.app import build_app
from projectdavid.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CLIENT = {"PROJECTDAVID_BASE_URL", "PROJECTDAVID_API_KEY", "PROJECTDAVID_CREDENTIALS"}
"""Variables that the commands read, not the server."""
OWN = re.compile(r"PROJECTDAVID_[A-Z0-9_]+")


def load(path: str) -> list[dict[str, Any]]:
    """Return the documents of a YAML file."""
    return [document for document in yaml.safe_load_all((DEPLOY / path).read_text("utf-8")) if document]


def load_all(folder: str) -> list[dict[str, Any]]:
    """Return the documents of all YAML files in a folder."""
    return [one for path in sorted((DEPLOY / folder).glob("*.yaml")) for one in load(str(path.relative_to(DEPLOY)))]


def load_env(path: str, *, commented: bool = False) -> dict[str, str]:
    """Return the variables of an environment file; with `commented`, also those that a `#` switches off."""
    pattern = r"^(?:# ?)?([A-Z][A-Z0-9_]+)=(.*)$" if commented else r"^([A-Z][A-Z0-9_]+)=(.*)$"
    return dict(re.findall(pattern, (DEPLOY / path).read_text("utf-8"), re.MULTILINE))


def find_unknown(names: Iterator[str] | Sequence[str]) -> set[str]:
    """Return the variables with the prefix of the project that are not settings."""
    known = CLIENT | {f"PROJECTDAVID_{name.upper()}" for name in Settings.model_fields}
    return {name for name in names if name.startswith("PROJECTDAVID_")} - known


def check_command(words: Sequence[str]) -> None:
    """Parse a command as the program does, without running it.

    Raises:
        UsageError: there is no such command or option, or a value is invalid.
    """
    group = typer.main.get_command(build_app())
    name, command, rest = group.resolve_command(group.make_context("projectdavid", [*words]), [*words])
    command.make_context(name, [*rest])
