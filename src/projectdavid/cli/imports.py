"""`projectdavid import`."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from projectdavid.cli.connections import find_server, local
from projectdavid.cli.declarations import command, new_group
from projectdavid.cli.options import AsJson
from projectdavid.cli.output import CommandError, note, print_json, print_table, say

if TYPE_CHECKING:
    from projectdavid.cli.import_progress import ImportProgress
    from projectdavid.importer.credentials import SourceCredential
    from projectdavid.importer.endpoints import SourceEndpoint as SourceEndpoint
    from projectdavid.importer.report import ImportReport
    from projectdavid.importer.source import ObjectSource
    from projectdavid.importer.source_client import SourceClient
    from projectdavid.importer.transfer import TransferOptions

    Work = Callable[[TransferOptions, ImportProgress], Coroutine[Any, Any, ImportReport]]

app = new_group(
    """Import assistants, threads with their messages, files and vector stores from another Assistants service.

    Ids, times and the order of messages are kept, and every object is imported once: if you repeat the
    command, an interrupted import resumes, and a finished one only adds new objects. Nothing is changed at the
    source.""",
    "projectdavid import azure --endpoint https://NAME.services.ai.azure.com/api/projects/PROJECT --token-env TOKEN",
    "projectdavid import openai exports/*.jsonl --files ./originals",
)

WITH_PROBLEMS = 3
"""The exit code if the import finished, but some objects could not be imported unchanged."""
SHOWN_PROBLEMS = 10


class IdChoice(StrEnum):
    """The ids of imported objects."""

    KEEP = "keep"
    NEW = "new"


class ImportedKind(StrEnum):
    """The kinds of objects that can be imported."""

    FILES = "files"
    VECTOR_STORES = "vector_stores"
    ASSISTANTS = "assistants"
    THREADS = "threads"


Only = Annotated[
    list[ImportedKind] | None,
    typer.Option(help="Import only these kinds; can be repeated. Messages come with threads."),
]
IdPolicy = Annotated[IdChoice, typer.Option("--ids", help="Keep the ids of the source, which programs have stored.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read everything and report what would happen.")]
ReportFile = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write the full report to this file, as JSON.")
]
Owner = Annotated[str | None, typer.Option(metavar="USER", help="The owner of the objects, for admins. Default: you.")]
Originals = Annotated[
    Path | None,
    typer.Option(
        "--files",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="Originals of files that the source does not return, named like the file or its id.",
    ),
]
SourceName = Annotated[
    str | None,
    typer.Option("--source", metavar="NAME", help="Your name for the source: its objects are imported once."),
]


Endpoint = Annotated[
    str,
    typer.Option(
        metavar="URL",
        help="A Foundry project (.../api/projects/PROJECT), or a resource of Azure OpenAI.",
        show_default=False,
    ),
]
KeyEnv = Annotated[
    str | None, typer.Option(metavar="VAR", help="The variable with the API key. Default: prompt for it.")
]
TokenEnv = Annotated[str | None, typer.Option(metavar="VAR", help="The variable with a bearer token (Entra ID).")]
TokenCommand = Annotated[
    str | None,
    typer.Option(
        metavar="COMMAND", help="A command that prints a token; run again when the source rejects the old one."
    ),
]
Key = Annotated[
    str | None, typer.Option(metavar="KEY", help="The API key; other users of this machine can see it here.")
]
ApiVersion = Annotated[
    str | None, typer.Option(metavar="VERSION", help="Default: v1 for Foundry, 2024-05-01-preview otherwise.")
]
Threads = Annotated[
    Path | None,
    typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Import only these threads: one id per line."),
]
SOURCE_TIMEOUT = 60
"""Timeout for a response of the source, or for a chunk of a file, in seconds."""
MAX_PAGE = 64 << 20
"""Maximum size of a list page, in bytes."""


@command(
    app,
    "azure",
    "projectdavid import azure --endpoint https://NAME.openai.azure.com --key-env AZURE_OPENAI_API_KEY --dry-run",
    "export TOKEN=$(az account get-access-token --resource https://ai.azure.com --query accessToken -o tsv)",
    "projectdavid import azure --endpoint https://NAME.services.ai.azure.com/api/projects/PROJECT --token-env TOKEN",
)
def azure(
    endpoint: Endpoint,
    key_env: KeyEnv = None,
    token_env: TokenEnv = None,
    token_command: TokenCommand = None,
    key: Key = None,
    api_version: ApiVersion = None,
    threads: Threads = None,
    files: Originals = None,
    only: Only = None,
    ids: IdPolicy = IdChoice.KEEP,
    dry_run: DryRun = False,
    report: ReportFile = None,
    owner: Owner = None,
    source: SourceName = None,
    as_json: AsJson = False,
) -> None:
    """Import from Azure: agents of AI Foundry (classic), or assistants of Azure OpenAI.

    The server must be running; only this command talks to Azure, through the same guard that webhooks use: it blocks
    addresses that are not on the internet, unless the setting outbound_allow lists them. Temporary errors of Azure
    (429, 5xx) are retried.

    Runs, their steps and embeddings are not imported: this server indexes the files of vector stores again. The exit
    code is 0 if everything was imported unchanged, 3 if the report lists changes, and 1 if the import did not finish;
    docs/import.md explains the report.
    """
    from projectdavid.importer.azure import AzureSource
    from projectdavid.importer.endpoints import parse_endpoint
    from projectdavid.importer.local_files import LocalFiles

    try:
        place = parse_endpoint(endpoint, api_version)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--endpoint") from None
    credential = _credential(key, key_env, token_env, token_command)
    wanted = _thread_ids(threads)

    async def work(options: "TransferOptions", progress: "ImportProgress") -> "ImportReport":
        async with _source_client(place, credential, progress) as client:
            found = AzureSource(client, place, wanted, LocalFiles(files), source)
            return await _transfer(found, options, progress, report)

    _run(work, only, ids, dry_run=dry_run, owner=owner, as_json=as_json)


@command(
    app,
    "openai",
    "projectdavid import openai assistants.jsonl threads.jsonl",
    "projectdavid import openai exports/*.json --files ./originals --report report.json",
)
def openai(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Your exports.", exists=True, dir_okay=False, show_default=False),
    ],
    files: Originals = None,
    only: Only = None,
    ids: IdPolicy = IdChoice.KEEP,
    dry_run: DryRun = False,
    report: ReportFile = None,
    owner: Owner = None,
    source: SourceName = None,
    as_json: AsJson = False,
) -> None:
    """Import your own exports of OpenAI's Assistants API, which is switched off.

    A file contains one JSON value per line, or a single one. Each is an object as the SDKs returned it (assistants,
    threads, messages, files, vector stores and their files), a page of such objects, or a flat message line: thread_id,
    role, text, and optionally message_id, assistant_id and created_at. Invalid lines are reported with file and line,
    and do not stop the import. Exports do not contain the bytes of files: pass a folder with the originals (--files).
    """

    from projectdavid.importer.exports import ExportSource
    from projectdavid.importer.local_files import LocalFiles

    async def work(options: "TransferOptions", progress: "ImportProgress") -> "ImportReport":
        found = ExportSource(source or "openai", LocalFiles(files))
        with local(*paths):
            found.load(paths)
        return await _transfer(found, options, progress, report)

    _run(work, only, ids, dry_run=dry_run, owner=owner, as_json=as_json)


@asynccontextmanager
async def _source_client(
    place: "SourceEndpoint", credential: "SourceCredential", progress: "ImportProgress"
) -> "AsyncGenerator[SourceClient]":
    """Create a client that accesses the source through the guard."""
    from projectdavid.cli.configuration import read_settings
    from projectdavid.egress import EgressGuard, own_addresses
    from projectdavid.importer.source_client import SourceClient

    settings = read_settings()
    guard = EgressGuard(
        allow=settings.outbound_allow,
        allow_http=settings.outbound_allow_http,
        own_addresses=own_addresses(),
        timeout=SOURCE_TIMEOUT,
        max_bytes=MAX_PAGE,
    )
    await credential.load()
    try:
        yield SourceClient(guard, place, credential, progress.wait)
    finally:
        await guard.close()


def _credential(
    key: str | None, key_env: str | None, token_env: str | None, token_command: str | None
) -> "SourceCredential":
    """Return the credentials of the source; without an option, prompt for the key.

    Raises:
        typer.BadParameter: a variable is empty, or more than one is given.
    """
    from projectdavid.importer.credentials import SourceCredential

    given = [one for one in (key, key_env, token_env, token_command) if one is not None]
    if len(given) > 1:
        raise typer.BadParameter("use one of --key-env, --token-env, --token-command and --key")
    if token_command is not None:
        return SourceCredential(command=token_command)
    if token_env is not None:
        return SourceCredential(token=_variable(token_env, "--token-env"))
    if key_env is not None:
        return SourceCredential(key=_variable(key_env, "--key-env"))
    if key is None:
        if not sys.stdin.isatty():
            raise typer.BadParameter("there is no key: use --key-env VAR or --token-env VAR")
        key = typer.prompt("API key of the source", hide_input=True, err=True)
    return SourceCredential(key=_header_value(str(key), "--key"))


def _variable(name: str, option: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise typer.BadParameter(f"the variable {name} is empty or not set", param_hint=option)
    return _header_value(value, option)


def _header_value(value: str, option: str) -> str:
    value = value.strip()
    if not value or not value.isascii() or not value.isprintable():
        raise typer.BadParameter("it is empty, or contains characters that are not valid in a key", param_hint=option)
    return value


def _thread_ids(path: Path | None) -> list[str] | None:
    if path is None:
        return None
    lines = path.read_text("utf-8-sig", errors="replace").split()
    return list(dict.fromkeys(lines))


def _run(
    work: Any, only: Sequence[ImportedKind] | None, ids: IdChoice, *, dry_run: bool, owner: str | None, as_json: bool
) -> None:
    """Run an import, and print its report."""
    from projectdavid.cli.import_progress import ImportProgress
    from projectdavid.importer.source import KINDS, ImportStopped
    from projectdavid.importer.transfer import TransferOptions

    kinds = [kind.value for kind in only] if only else list(KINDS)
    options = TransferOptions(kinds, ids.value, dry_run, owner)
    try:
        with ImportProgress(quiet=as_json) as progress:
            done = asyncio.run(work(options, progress))
    except ImportStopped as stopped:
        raise CommandError(stopped.message, stopped.next_step) from None
    except KeyboardInterrupt:
        raise CommandError("the import was interrupted", "run the same command again to resume") from None
    if as_json:
        print_json(done.to_json())
    else:
        print_report(done)
    if done.problems:
        raise typer.Exit(WITH_PROBLEMS)


async def _transfer(
    source: "ObjectSource", options: "TransferOptions", progress: "ImportProgress", path: Path | None
) -> "ImportReport":
    """Import a source; the report is written even if the import does not finish."""
    from projectdavid import AsyncEntity
    from projectdavid.client import Retry
    from projectdavid.importer.transfer import ImportTransfer

    target = find_server(admin=options.owner is not None)
    async with AsyncEntity(target.base_url, target.api_key, timeout=300, retry=Retry(max_retries=6)) as client:
        transfer = ImportTransfer(client, source, options, progress)
        if path is not None:
            with local(path):
                transfer.report.write(path)  # Fail before hours of work if the report cannot be written.
        try:
            return await transfer.run()
        finally:
            if path is not None:
                with local(path):
                    transfer.report.write(path)
                note(f"Report: {path}")


def print_report(report: "ImportReport") -> None:
    """Print the counts of an import, and its first problems."""
    rows = [
        (kind.replace("_", " "), str(one["imported"]), str(one["added"]), str(one["refused"]))
        for kind, one in report.counts.items()
    ]
    title = "would be imported" if report.dry_run else "imported now"
    print_table(("kind", "imported in all", title, "refused"), rows)
    for kind, count in sorted(report.skipped.items()):
        say(f"{count} of kind {kind}: not imported, by design")
    if report.unknown_models:
        named = ", ".join(report.unknown_models)
        say(f"Models that this server does not list: {named}. Map them to other models in 'model_aliases'.")
    if not report.problems:
        say("Everything was imported unchanged.")
        return
    counted = ", ".join(f"{count} {code}" for code, count in report.codes.most_common())
    say(f"Not imported unchanged: {counted}")
    for problem in report.problems[:SHOWN_PROBLEMS]:
        place = problem.get("source_id") or f"{problem.get('file')}:{problem.get('line')}"
        say(f"  {problem['kind']} {place}: {problem['message']}")
    if len(report.problems) > SHOWN_PROBLEMS:
        say(f"  and {len(report.problems) - SHOWN_PROBLEMS} more; --report FILE writes all of them")
