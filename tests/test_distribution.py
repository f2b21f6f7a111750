"""The package works under any distribution name, and explains another project's files in it."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import projectdavid
from projectdavid.distribution import DISTRIBUTION

ROOT = Path(__file__).resolve().parents[1]
UNNAMED = """
import importlib.metadata

def version(name, known=importlib.metadata.version):
    assert not name.startswith("projectdavid")
    return known(name)

importlib.metadata.version = version
"""
"""Makes it an error to ask for the version of a distribution of ours."""
COMMANDS = "from projectdavid.cli import main; main()"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder of packages with ours and without the metadata of any distribution."""
    folder = tmp_path / "packages"
    shutil.copytree(ROOT / "src/projectdavid", folder / "projectdavid", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(folder: Path, program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def add_other(folder: Path) -> None:
    (folder / "projectdavid-2.31.0.dist-info").mkdir(exist_ok=True)


def test_the_distribution_has_the_name_that_messages_give() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["name"] == DISTRIBUTION
    assert "version" in project["dynamic"]


def test_no_code_needs_the_metadata_of_the_distribution(installed: Path) -> None:
    done = run(installed, UNNAMED + COMMANDS, "--version")
    assert (done.stdout, done.stderr) == (f"projectdavid {projectdavid.__version__}\n", "")
    done = run(
        installed, UNNAMED + "import projectdavid; projectdavid.Entity('http://x', 'k'); print(projectdavid.__file__)"
    )
    assert (Path(done.stdout.strip()).parent, done.stderr) == (installed / "projectdavid", "")


def test_an_import_beside_the_other_distribution_warns(installed: Path) -> None:
    add_other(installed)
    done = run(installed, "import projectdavid; print(projectdavid.Entity.__name__)")
    assert done.stdout == "Entity\n"
    assert "RuntimeWarning: The distribution 'projectdavid 2.31.0'" in done.stderr
    assert "pip uninstall projectdavid projectdavid-server" in done.stderr


def test_the_doctor_fails_beside_the_other_distribution(installed: Path, tmp_path: Path) -> None:
    add_other(installed)
    done = run(installed, COMMANDS, "doctor", PROJECTDAVID_DATA=str(tmp_path / "data"), COLUMNS="300")
    assert done.returncode == 1
    (line,) = (line for line in done.stdout.splitlines() if "distribution" in line and "fail" in line)
    assert "'projectdavid 2.31.0' of another project" in line


def test_the_commands_explain_that_the_other_distribution_replaced_files(installed: Path) -> None:
    add_other(installed)
    (installed / "projectdavid" / "__init__.py").write_text("from .entity import Entity\n")
    (installed / "projectdavid" / "entity.py").write_text("class Entity: ...\n")
    done = run(installed, COMMANDS, "doctor")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: The distribution 'projectdavid 2.31.0' of another project")
    assert "Traceback" not in done.stderr
