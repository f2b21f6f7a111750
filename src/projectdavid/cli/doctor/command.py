"""`projectdavid doctor`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from projectdavid.cli.declarations import command
from projectdavid.cli.doctor.findings import DoctorFinding, print_finding
from projectdavid.cli.options import AsJson
from projectdavid.cli.output import CommandError, print_json, print_table, say


def declare(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "doctor",
        "projectdavid doctor",
        "projectdavid doctor --provider openai --model gpt-5-mini",
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
    provider: Annotated[
        str | None, typer.Option(metavar="NAME", help="Test a provider with small requests, and nothing else.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="The provider's model to test. Default: the first one it lists.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that the platform can work. Each line is ok, warn or fail, and says what to do if something is missing. The
    exit code is 1 if a check fails.

    If the data are in PostgreSQL, it also checks what the processes share: the database and its settings, the secret,
    the clock, the bus, the bucket, and the public URL. It changes nothing; it stores an object in the bucket and
    deletes it.

    With --deep, it checks only the data folder, with or without a running server, and changes nothing: integrity of the
    database and of the index, journals of runs, bytes of files against their rows, the index against the stores.

    With --provider, it tests what the provider's server does with each part of a request: at most 14 requests with
    answers of at most 64 tokens each, which the provider bills. A result is yes, no, ignored (accepted without effect),
    refused or unknown. The exit code is 0 if everything works, 1 with limits, and 2 if the model does not answer.
    """
    if provider is not None:
        check_provider(provider, model, data, as_json=as_json)
        return
    if model is not None:
        raise CommandError("--model needs --provider", "name the provider of the model")
    from projectdavid.cli.doctor.checkup import examine
    from projectdavid.cli.doctor.deep_checkup import examine_data

    print_findings(examine_data(data, as_json=as_json) if deep else examine(data), as_json=as_json)


def check_provider(provider: str, model: str | None, data: Path | None, *, as_json: bool) -> None:
    """Test a provider, print the results, and exit with their code."""
    from projectdavid.cli.doctor.provider_probe import probe_provider

    report = probe_provider(provider, model, data)
    if as_json:
        print_json(report.to_json())
    else:
        say(f"{report.provider}/{report.model}", style="bold")
        print_table(["WHAT", "RESULT", "DETAIL"], [(one.name, one.verdict, one.detail) for one in report.findings])
        say(f"learned: {'; '.join(report.learned) or 'nothing'}")
    if report.exit_code:
        raise typer.Exit(report.exit_code)


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
