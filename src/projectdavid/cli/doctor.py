"""`projectdavid doctor`."""

from collections.abc import Iterable
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
        "projectdavid doctor --deep    # every byte of the data folder; exit code 1 if something is damaged",
        """projectdavid doctor --json | jq '.checks[] | select(.level == "fail")'""",
    )(doctor)


def doctor(
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The server's data folder, where it is not the usual one.")
    ] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Check every byte of the data folder, and nothing else. Can take long.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check what a working platform needs.

    Each line says what to do where something is missing. It is ok, warn or fail; the exit code is 1 where one is fail.

    With --deep it checks the data folder alone, beside a running server or without one, and changes nothing: integrity
    of the database and of the index, journals of runs, bytes of files against their rows, the index against the stores.
    """
    from projectdavid.cli.checkup import examine
    from projectdavid.cli.deep_checkup import examine_data

    print_findings(examine_data(data, as_json=as_json) if deep else examine(data), as_json=as_json)


def print_findings(found: Iterable[Finding], *, as_json: bool) -> None:
    """Print findings as they come, and exit with 1 if one is a failure."""
    findings: list[Finding] = []
    for finding in found:
        findings.append(finding)
        if not as_json:
            print_finding(finding)
    well = all(finding.level != "fail" for finding in findings)
    if as_json:
        print_json({"ok": well, "checks": [vars(finding) for finding in findings]})
    if not well:
        raise typer.Exit(1)
