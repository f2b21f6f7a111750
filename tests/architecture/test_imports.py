"""Who imports whom, and when."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.architecture.modules import ROOT, Module, modules, project

LATE = {
    "cli/": "`--help` must be quick: a command loads what it needs when it runs",
    "composition/storage.py": "a server on one file imports nothing for several processes",
    "client/docstrings.py": "most programs have no function tools, and the parser takes 30 ms to import",
    "client/embedded.py": "Entity.embedded() runs the server, which is an optional dependency",
}
"""Where imports within functions are allowed, besides those of optional dependencies."""


def _names(requirements: list[str]) -> set[str]:
    """The distributions that requirements name."""
    return {re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0].lower() for requirement in requirements}


def _importable(distributions: set[str]) -> set[str]:
    """The packages that these distributions bring."""
    return {
        name for name, owners in packages_distributions().items() if {one.lower() for one in owners} & distributions
    }


OPTIONAL = _importable({name for extra in project()["optional-dependencies"].values() for name in _names(extra)})
"""What only the extras need."""


def _late(module: Module) -> Iterator[tuple[str, str]]:
    """The imports within functions: where, and of what."""
    for function in module.functions():
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                yield from ((f"{module.name}:{node.lineno}", alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield f"{module.name}:{node.lineno}", node.module or ""


def test_only_optional_dependencies_are_imported_late() -> None:
    unexplained = [
        f"{place} imports {name}"
        for module in modules()
        for place, name in _late(module)
        if name.partition(".")[0] not in OPTIONAL and not module.name.startswith(tuple(LATE))
    ]
    assert unexplained == []


@pytest.mark.parametrize("prefix", LATE)
def test_the_exceptions_are_needed(prefix: str) -> None:
    assert any(True for module in modules() if module.name.startswith(prefix) for _ in _late(module))


def test_the_sdk_loads_nothing_that_only_the_server_needs() -> None:
    program = """
import json, sys
import projectdavid
projectdavid.Entity("http://127.0.0.1:9", "key").close()
print(json.dumps([name.partition(".")[0] for name in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"fastapi", "aiohttp", "apsw", "msgspec", "typer", "uvicorn"} <= OPTIONAL
    assert OPTIONAL & set(json.loads(done.stdout)) == set()


def test_the_rooms_import_only_downwards() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
