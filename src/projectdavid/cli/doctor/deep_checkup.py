"""Deep checks of a data folder, and of a backup."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from projectdavid.cli.bars import stage_bar
from projectdavid.cli.configuration import read_settings
from projectdavid.cli.doctor.checks import data_checks
from projectdavid.cli.doctor.findings import DoctorFinding, fail
from projectdavid.composition.backup.inspection import BackupCheck, inspect_folder, verify_backup
from projectdavid.composition.backup.layout import BackupError, DataFolder, Report


def examine_data(data: Path | None, *, as_json: bool) -> Iterator[DoctorFinding]:
    """Check every part of a data folder.

    Raises:
        Failure: a setting is wrong.
    """
    settings = read_settings(data=data)
    if settings.database_url is not None:
        text = "--deep checks data folders, and the data of this installation are in PostgreSQL"
        yield fail("data", text, "check the database with pg_amcheck, and its backups by restoring them")
        return
    yield from data_checks(settings)
    if not settings.database.is_file():
        yield fail("data", f"{settings.data} has no database", "set the data folder with --data, or restore a backup")
        return
    yield from _run_checks("data", lambda report: inspect_folder(DataFolder(settings.data), report), as_json=as_json)


def examine_backup(path: Path, *, as_json: bool) -> Iterator[DoctorFinding]:
    """Check every part of a backup."""
    yield from _run_checks("backup", lambda report: verify_backup(path, report), as_json=as_json)


def _run_checks(
    name: str, look: Callable[[Report], Iterable[BackupCheck]], *, as_json: bool
) -> Iterator[DoctorFinding]:
    """Yield the findings, and a summary at the end."""
    findings: list[DoctorFinding] = []
    with stage_bar(quiet=as_json) as report:
        try:
            for check in look(report):
                findings.append(DoctorFinding(check.name, check.level, check.text, check.remedy))
                yield findings[-1]
        except BackupError as error:
            findings.append(fail(name, error.message, error.next_step))
            yield findings[-1]
            return
    failed = [finding.name for finding in findings if finding.level == "fail"]
    verdict = f"damaged: {', '.join(failed)}" if failed else "whole"
    yield DoctorFinding(name, "fail" if failed else "ok", verdict)
