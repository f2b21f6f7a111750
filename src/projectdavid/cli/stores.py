"""`projectdavid stores` and `projectdavid search`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from projectdavid.cli.bars import bytes_bar, count_bar
from projectdavid.cli.connections import connect, local
from projectdavid.cli.declarations import command, new_group
from projectdavid.cli.options import AsJson, FileId, IdempotencyKey, Limit, StoreId, Yes
from projectdavid.cli.output import (
    CommandError,
    confirm,
    moment,
    note,
    print_fields,
    print_json,
    print_table,
    say,
    told_deleted,
)

if TYPE_CHECKING:
    from projectdavid import Entity
    from projectdavid.client.folders import FolderResult
    from projectdavid.protocol.vector_answers import SearchResult, VectorStore

app = new_group(
    "Vector stores: searchable files, for you and for assistants.",
    'projectdavid stores create "Handbook"',
    "projectdavid stores add vs_2q8rVnW4sKjTt7yXbLmCfe docs/ report.pdf",
    'projectdavid search "how long is the warranty?"',
)
SHOWN = 400
"""Maximum number of characters of a search result to print."""

Paths = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders.", exists=True)]
Attributes = Annotated[
    list[str] | None,
    typer.Option("--attribute", "-a", metavar="KEY=VALUE", help="An attribute for search filters; repeatable."),
]


@command(app, "create", 'projectdavid stores create "Handbook"', 'projectdavid stores create "Drafts" --expires-days 7')
def create(
    name: Annotated[str, typer.Argument(help="The name.")],
    expires_days: Annotated[
        int | None, typer.Option(min=1, max=365, metavar="DAYS", help="Expire this long after the last use.")
    ] = None,
    idempotency_key: IdempotencyKey = None,
    as_json: AsJson = False,
) -> None:
    """Create a vector store, and print its id."""
    with connect() as client:
        store = client.vectors.create(name, expires_after_days=expires_days, idempotency_key=idempotency_key)
    if as_json:
        print_json(store)
        return
    typer.echo(store.id)
    note(f"Next: projectdavid stores add {store.id} PATH...")


@command(app, "list", "projectdavid stores list")
def list_(limit: Limit = None, as_json: AsJson = False) -> None:
    """List your vector stores, newest first."""
    with connect() as client:
        found = client.vectors.list(limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [(one.id, one.name, _standing(one), one.search_mode, moment(one.created_at)) for one in found]
    print_table(["ID", "NAME", "FILES", "SEARCH", "CREATED"], rows)
    if not found:
        note("None yet: projectdavid stores create NAME")


@command(app, "show", "projectdavid stores show vs_2q8rVnW4sKjTt7yXbLmCfe")
def show(store_id: StoreId, as_json: AsJson = False) -> None:
    """Show a vector store and the state of its files."""
    with connect() as client:
        store = client.vectors.retrieve(store_id)
        files = client.vectors.files(store_id)
    if as_json:
        print_json({**store.dict(), "files": files})
        return
    hidden = ("collection_name", "vector_size", "distance_metric", "file_count", "config")
    times = {
        name: moment(getattr(store, name)) for name in ("created_at", "updated_at", "last_active_at", "expires_at")
    }
    print_fields({name: value for name, value in (store.dict() | times).items() if name not in hidden})
    rows = [(one.id, one.file_path, one.status, str(one.chunks), one.error_message) for one in files]
    if rows:
        print_table(["FILE", "PATH", "STATUS", "CHUNKS", "WHY"], rows)


@command(
    app,
    "add",
    "projectdavid stores add vs_2q8rVnW4sKjTt7yXbLmCfe report.pdf",
    "projectdavid stores add vs_2q8rVnW4sKjTt7yXbLmCfe docs/ --pattern '*.md' --attribute year=2026",
)
def add(
    store_id: StoreId,
    paths: Paths,
    pattern: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="In folders, only files that match this pattern; repeatable."),
    ] = None,
    attribute: Attributes = None,
    as_json: AsJson = False,
) -> None:
    """Add files and folders to a vector store, and wait until they are indexed. From folders, only new and changed
    files are uploaded.
    """
    attributes = _pairs(attribute or ())
    results: list[FolderResult] = []
    failed: dict[str, str] = {}
    with connect() as client, local(*paths):
        for path in paths:
            if path.is_dir():
                with count_bar(f"uploading {path.name}") as on_file, count_bar("reading") as on_progress:
                    result = client.vectors.add_folder(
                        store_id,
                        path,
                        patterns=pattern or ("*",),
                        attributes=attributes,
                        on_file=on_file,
                        on_progress=on_progress,
                    )
                results.append(result)
                failed |= result.failed
            else:
                failed |= _add_file(client, store_id, path, attributes)
        store = client.vectors.retrieve(store_id)
    if as_json:
        print_json({**store.dict(), "failed": failed})
    else:
        for result in results:
            note(f"{len(result.added)} added, {len(result.replaced)} replaced, {len(result.unchanged)} unchanged")
        say(_standing(store))
    for path, why in failed.items():
        note(f"{path}: {why}")
    if failed:
        raise CommandError("some files could not be read", f"projectdavid stores show {store_id}")


@command(app, "remove", "projectdavid stores remove vs_2q8rVnW4sKjTt7yXbLmCfe file_2q8rVnW4sKjTt7yXbLmCfe")
def remove(store_id: StoreId, file_id: FileId, as_json: AsJson = False) -> None:
    """Remove a file from a vector store; the file is kept."""
    with connect() as client:
        gone = client.vectors.remove_file(store_id, file_id)
    if as_json:
        print_json(gone)
    else:
        note(f"Removed {gone.id} from {store_id}.")


@command(app, "delete", "projectdavid stores delete vs_2q8rVnW4sKjTt7yXbLmCfe --yes")
def delete(store_id: StoreId, yes: Yes = False, as_json: AsJson = False) -> None:
    """Delete a vector store permanently; its files are kept."""
    confirm(f"Delete the vector store {store_id}?", yes=yes)
    with connect() as client:
        gone = client.vectors.delete(store_id)
    told_deleted(gone, as_json=as_json)


def declare(parent: typer.Typer) -> None:
    """Add `search`."""

    @command(
        parent,
        "search",
        'projectdavid search "how long is the warranty?"',
        'projectdavid search "error E7" --store vs_2q8rVnW4sKjTt7yXbLmCfe --filter year=2026',
    )
    def search(
        query: Annotated[str, typer.Argument(help="The search text.")],
        store: Annotated[
            list[str] | None,
            typer.Option(metavar="STORE", help="The vector store; repeatable. Default: all your vector stores."),
        ] = None,
        limit: Annotated[int, typer.Option(min=1, max=50, help="The number of chunks.")] = 5,
        filters: Annotated[
            list[str] | None,
            typer.Option("--filter", metavar="KEY=VALUE", help="Only files with this attribute; repeatable."),
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        """Search your vector stores."""
        with connect() as client:
            open_stores = store or [one.id for one in client.vectors.list() if one.status != "expired"]
            if not open_stores:
                raise CommandError("there is no vector store to search", "projectdavid stores create NAME")
            answers = [
                client.vectors.search(one, query, limit=limit, filters=_pairs(filters or ()) or None)
                for one in open_stores
            ]
        found = sorted((one for answer in answers for one in answer.data), key=lambda one: -one.score)[:limit]
        if as_json:
            print_json(found)
            return
        for result in found:
            _print_result(result)
        for remark in dict.fromkeys(remark for answer in answers for remark in answer.remarks):
            note(remark)
        if not found:
            note("Nothing was found.")


def _print_result(result: "SearchResult") -> None:
    chunk = result.chunk
    page = "" if chunk.first_page is None else f", page {chunk.first_page}"
    say(f"{result.filename}{page}, lines {chunk.first_line}-{chunk.last_line}  ({result.score:.2f})", "bold")
    text = " ".join(chunk.text.split())
    say(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
    say("")


def _standing(store: "VectorStore") -> str:
    """Format the file counts by status."""
    counts = store.file_counts
    parts = [f"{counts.completed} of {counts.total} read"]
    parts += [f"{counts.failed} failed"] if counts.failed else []
    parts += [f"{counts.cancelled} cancelled"] if counts.cancelled else []
    return ", ".join(parts)


def _add_file(client: "Entity", store_id: str, path: Path, attributes: dict[str, Any] | None) -> dict[str, str]:
    """Add one file, and wait; return the reason if it could not be read."""
    with bytes_bar(path.name) as on_progress:
        file = client.vectors.add_file(
            store_id, path, attributes=attributes, file_path=path.name, on_progress=on_progress
        )
    with count_bar("reading") as on_reading:
        client.vectors.wait(store_id, on_progress=on_reading)
    now = client.vectors.file(store_id, file)
    return {} if now.last_error is None else {path.name: now.last_error.message}


def _pairs(words: "list[str] | tuple[()]") -> dict[str, Any] | None:
    """Parse `KEY=VALUE` arguments as attributes; JSON numbers and booleans are converted."""
    pairs: dict[str, Any] = {}
    for word in words:
        key, given, text = word.partition("=")
        if not given or not key:
            raise typer.BadParameter(f"expected KEY=VALUE, not '{word}'")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        pairs[key] = value if isinstance(value, bool | int | float) else text
    return pairs or None
