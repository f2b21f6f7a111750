"""All checks: this machine first, then the server that the commands use."""

import os
from collections.abc import Iterable
from pathlib import Path

import projectdavid
from projectdavid.cli.configuration import read_settings
from projectdavid.cli.doctor.checks import RELEASE, data_checks, distribution_check, python_check, sandbox_check
from projectdavid.cli.doctor.findings import DoctorFinding, fail, ok, warn
from projectdavid.cli.doctor.provider_checks import provider_checks
from projectdavid.cli.doctor.shared_checks import shared_checks
from projectdavid.cli.doctor.tool_checks import tool_checks
from projectdavid.cli.output import CommandError, moment
from projectdavid.client import Entity, ProjectDavidError
from projectdavid.client.settings import ServerTarget, find_target
from projectdavid.settings import Settings

PATIENCE = 5.0
"""Timeout for requests to the server, in seconds."""


def examine(data: Path | None) -> Iterable[DoctorFinding]:
    """Run all checks and yield their findings.

    This machine is checked if the server is on it, or if it shares the database of an installation.
    """
    yield python_check()
    yield distribution_check()
    here = _read_settings(data)
    is_shared = isinstance(here, Settings) and here.database_url is not None
    try:
        target = find_target(None, None, os.environ)
    except ValueError as error:  # MissingAPIKeyError is one.
        target = None
        missing = str(error)
    else:
        missing = ""
    if target is None or target.is_loopback or is_shared:
        yield from _here(here)
    if target is not None:
        yield from _server(target)
    elif is_shared:
        yield warn("server", f"not checked: {missing}")
    else:
        yield fail("server", missing)


def _read_settings(data: Path | None) -> Settings | DoctorFinding:
    try:
        return read_settings(data=data)
    except CommandError as failure:
        return fail("configuration", failure.message, failure.next_step)


def _here(settings: Settings | DoctorFinding) -> Iterable[DoctorFinding]:
    if isinstance(settings, DoctorFinding):
        yield settings
        return
    yield from data_checks(settings)
    if settings.database_url is not None:
        yield from shared_checks(settings)
    if settings.role != "api":  # a process with this role runs no code
        yield sandbox_check(settings)
    yield from provider_checks(settings)
    yield from tool_checks()


def _server(target: ServerTarget) -> Iterable[DoctorFinding]:
    with Entity(target.base_url, target.api_key, timeout=PATIENCE, max_retries=0) as client:
        try:
            health = client.health()
        except ProjectDavidError as error:
            first = str(error).splitlines()[0]
            yield fail("server", first, "start it with `projectdavid serve`, or correct PROJECTDAVID_BASE_URL")
            return
        yield _version(target.base_url, health.version)
        if health.held_since is not None:
            yield warn(
                "hold", f"the server runs on a copy restored at {moment(health.held_since)}: reads only", RELEASE
            )
        yield _key(client)
        yield from _models(client, health.providers)
        for name, tool in health.tools.items():
            available = tool.get("available", False)
            title = f"tool {name}"
            yield ok(title, "available") if available else warn(title, f"not available: {tool.get('reason')}")


def _version(base_url: str, version: str) -> DoctorFinding:
    own = projectdavid.__version__
    text = f"{base_url} responds, version {version}"
    return ok("server", text) if version == own else warn("server", text, f"the version of these commands is {own}")


def _key(client: Entity) -> DoctorFinding:
    try:
        valid = client.keys.validate_key()
    except ProjectDavidError as error:
        return fail("key", str(error), "set PROJECTDAVID_API_KEY to a valid key of this server")
    return ok("key", f"valid for {valid.user_id}{' (admin)' if valid.is_admin else ''}")


def _models(client: Entity, providers: list[str]) -> Iterable[DoctorFinding]:
    """Check the providers as the server sees them: its environment can differ from this one."""
    try:
        models = client.models.list()
    except ProjectDavidError as error:
        yield fail("models", str(error))
        return
    for name in providers:
        count = sum(model.owned_by == name for model in models)
        title = f"models of {name}"
        found = f"the server gets {count}"
        yield ok(title, found) if count else warn(title, found, "see the server's log")
