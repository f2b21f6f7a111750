"""The doctor's deep look at a data folder, and at a backup."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from projectdavid.cli.bars import stage_bar
from projectdavid.cli.checks import data_checks
from projectdavid.cli.configuration import read_settings
from projectdavid.cli.findings import Finding, fail
from projectdavid.server.backup.inspection import Check, inspect_folder, verify_backup
from projectdavid.server.backup.layout import BackupError, DataFolder, Report


def examine_data(data: Path | None, *, as_json: bool) -> Iterator[Finding]:
    """Every part of a data folder.

    Raises:
        Failure: a setting is wrong.
    """
    settings = read_settings(data=data)
    yield from data_checks(settings)
    if not settings.database.is_file():
        yield fail("data", f"{settings.data} has no database", "name the data folder with --data, or restore a backup")
        return
    yield from _judged("data", lambda report: inspect_folder(DataFolder(settings.data), report), as_json=as_json)


def examine_backup(path: Path, *, as_json: bool) -> Iterator[Finding]:
    """Every part of a backup."""
    yield from _judged("backup", lambda report: verify_backup(path, report), as_json=as_json)


def _judged(name: str, look: Callable[[Report], Iterable[Check]], *, as_json: bool) -> Iterator[Finding]:
    """The checks, and the verdict about them."""
    findings: list[Finding] = []
    with stage_bar(quiet=as_json) as report:
        try:
            for check in look(report):
                findings.append(Finding(check.name, check.level, check.text, check.remedy))
                yield findings[-1]
        except BackupError as error:
            findings.append(fail(name, error.message, error.next_step))
            yield findings[-1]
            return
    failed = [finding.name for finding in findings if finding.level == "fail"]
    verdict = f"damaged: {', '.join(failed)}" if failed else "whole"
    yield Finding(name, "fail" if failed else "ok", verdict)
