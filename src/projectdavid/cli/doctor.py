"""`projectdavid doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from projectdavid.cli.findings import Finding, print_finding
from projectdavid.cli.options import AsJson
from projectdavid.cli.printing import print_json
from projectdavid.cli.teaching import command


def declare(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "doctor",
        "projectdavid doctor",
        """projectdavid doctor --json | jq '.checks[] | select(.level == "fail")'""",
    )(doctor)


def doctor(
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The server's data folder, where it is not the usual one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check what a working platform needs.

    Each line says what to do where something is missing. It is ok, warn or fail; the exit code is 1 where one is fail.
    """
    from projectdavid.cli.checkup import examine

    findings: list[Finding] = []
    for finding in examine(data):
        findings.append(finding)
        if not as_json:
            print_finding(finding)
    well = all(finding.level != "fail" for finding in findings)
    if as_json:
        print_json({"ok": well, "checks": [vars(finding) for finding in findings]})
    if not well:
        raise typer.Exit(1)
