"""What the doctor finds of tools of other packages."""

from collections.abc import Iterable

from projectdavid.cli.doctor.findings import DoctorFinding, ok, warn
from projectdavid.composition.tools import find_plugins


def tool_checks() -> Iterable[DoctorFinding]:
    """Each tool that another package brings, or why a server does not register it."""
    tools, problems = find_plugins()
    for name in tools:
        yield ok(f"tool plugin {name}", "registered")
    for problem in problems:
        text = f"of {problem.source} is not registered: {problem.message}"
        yield warn(f"tool plugin {problem.name}", text, f"upgrade or uninstall {problem.source}")
