"""The name and version of this distribution, and the detection of another project's that has the same import name."""

from pathlib import Path

DISTRIBUTION = "projectdavid-server"
"""The name on the package index; `pyproject.toml` has it, too."""
VERSION = "0.1.0"
"""Read by the build as well."""
REMEDY = f"pip uninstall projectdavid {DISTRIBUTION}, then pip install '{DISTRIBUTION}[server]'"


def find_other_distribution(folder: Path = Path(__file__).parents[1]) -> str | None:
    """Return the name and version of the other distribution if it is installed in the same folder.

    Both write files below `projectdavid/`, and the last one that was installed replaced files of the first.
    """
    found = next(folder.glob("projectdavid-*.dist-info"), None)
    return None if found is None else found.name.removesuffix(".dist-info").replace("-", " ")


def explain_other_distribution(other: str) -> str:
    """Return the problem as a sentence; `REMEDY` is what to do."""
    return (
        f"The distribution '{other}' of another project is installed in the same environment as {DISTRIBUTION}. "
        "Both contain the package 'projectdavid', so one has replaced files of the other"
    )
