"""`projectdavid doctor`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from projectdavid.cli.declarations import command
from projectdavid.cli.doctor.findings import DoctorFinding, print_finding
from projectdavid.cli.options import AsJson
from projectdavid.cli.output import print_json


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
        Path | None, typer.Option(metavar="DIR", help="The server's data folder, if not the default.")
    ] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Check every byte of the data folder, and nothing else. This can take long.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check that the platform can work. Each line is ok, warn or fail, and says what to do if something is missing. The
    exit code is 1 if a check fails.

    If the data are in PostgreSQL, it also checks what the processes share: the database and its settings, the secret,
    the clock, the bus, the bucket, and the public URL. It changes nothing; it stores an object in the bucket and
    deletes it.

    With --deep, it checks only the data folder, with or without a running server, and changes nothing: integrity of the
    database and of the index, journals of runs, bytes of files against their rows, the index against the stores.
    """
    from projectdavid.cli.doctor.checkup import examine
    from projectdavid.cli.doctor.deep_checkup import examine_data

    print_findings(examine_data(data, as_json=as_json) if deep else examine(data), as_json=as_json)


def print_findings(found: Iterable[DoctorFinding], *, as_json: bool) -> None:
    """Print findings as they arrive, and exit with 1 if one is a failure."""
    findings: list[DoctorFinding] = []
    for finding in found:
        findings.append(finding)
        if not as_json:
            print_finding(finding)
    well = all(finding.level != "fail" for finding in findings)
    if as_json:
        print_json({"ok": well, "checks": [vars(finding) for finding in findings]})
    if not well:
        raise typer.Exit(1)
