"""Files of a session: conversation files are copied in before a call, written files are saved after it."""

from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from projectdavid.ports.sandbox import FileListing, SandboxFileRefused, SandboxSession
from projectdavid.ports.tool import ToolContext, ToolError, ToolFile
from projectdavid.tools.sessions.file_names import free, harmless, is_private, printable_path
from projectdavid.tools.sessions.result_files import results_among
from projectdavid.tools.sessions.terminal_text import size_of

MAX_FILES = 50
"""Files that one call can create."""
MAX_SIZE = 50 << 20
"""Bytes per file."""
NAMED = 10
"""Files that a note lists; the others are counted."""


class FileTooLarge(Exception):
    """A file exceeds the size limit."""


@dataclass(slots=True)
class KnownFiles:
    """State about the files of one session, kept between calls."""

    disk: int
    """Capacity of `/mnt/data` in bytes."""
    marks: dict[str, str] = field(default_factory=dict[str, str])
    """The last seen mark of each path: a different one means that it was written since."""
    put: dict[str, str] = field(default_factory=dict[str, str])
    """Conversation files that were copied in, by path, with their mark at that time."""
    sums: dict[str, str] = field(default_factory=dict[str, str])
    """The SHA-256 of each of these."""
    environments: set[str] = field(default_factory=set[str])
    """Folders of programs that were already reported as not saved."""
    seen: set[str] = field(default_factory=set[str])
    """Ids of files that are here, were here, or do not fit."""
    names: dict[str, str] = field(default_factory=dict[str, str])
    """The names under which paths were saved: a path keeps its name, and names are unique."""
    displayed: set[str] = field(default_factory=set[str])
    """Names of displayed images, which are not files here."""
    taken: set[str] = field(default_factory=set[str])
    """Names of conversation files."""

    def look(self, listing: FileListing) -> None:
        """Record the current files."""
        self.marks = {info.name: info.mark for info in listing.files}


@dataclass(slots=True)
class CallFiles:
    """Files created by one call, and notes about them."""

    files: list[ToolFile] = field(default_factory=list[ToolFile])
    lines: list[str] = field(default_factory=list[str])
    """One line per file."""
    notes: list[str] = field(default_factory=list[str])


async def bring_in(session: SandboxSession, context: ToolContext, known: KnownFiles, listing: FileListing) -> list[str]:
    """Copy conversation files that the session lacks into it; returns notes for the model.

    Two user files with the same name are both copied, the second one under another name. A file created by a call
    replaces an earlier one of its name, unless code of this session has changed that one.

    Raises:
        SessionLost: the session is gone.
    """
    there = {info.name: info.mark for info in listing.files}
    room = known.disk - sum(info.size for info in listing.files)
    notes: list[str] = []
    brought: list[str] = []
    for path, file in _places(await context.files(), known, there).items():
        if path != harmless(file.name):
            notes.append(f"The file {file.name} is stored as {path}, because another file has its name.")
        trouble = await _put(session, context, file, path, room)
        if trouble:
            notes.append(f"The file {file.name} is not in /mnt/data: {trouble}")
            continue
        room -= file.size
        known.names[path] = file.name if path == harmless(file.name) else path
        known.sums[path] = file.sha256
        brought.append(path)
    if brought:
        notes.append(f"New in /mnt/data: {_join_names(list(map(printable_path, brought)))}.")
        listing = await session.list()
        marks = {info.name: info.mark for info in listing.files}
        known.put |= {path: marks.get(path, "") for path in brought}
        # Files that the code wrote since the last look must still be found, so only copied files are recorded.
        known.marks |= {path: marks.get(path, "") for path in brought}
    return notes


def _places(files: Sequence[ToolFile], known: KnownFiles, there: Mapping[str, str]) -> dict[str, ToolFile]:
    """Choose paths for files that are new in the session, and record them."""
    places: dict[str, ToolFile] = {}
    for file in files:
        known.taken.add(file.name)
        if file.id in known.seen:
            continue
        known.seen.add(file.id)
        path = harmless(file.name)
        untouched = path not in there or there[path] == known.put.get(path)
        if not file.made and path in there and untouched and known.sums.get(path) == file.sha256:
            continue  # the same file, attached again
        if not (file.made and untouched):
            path = free(path, {*there, *places})
        places[path] = file
    return places


async def _put(session: SandboxSession, context: ToolContext, file: ToolFile, path: str, room: int) -> str:
    """Copy a file in; returns the reason if it fails."""
    if file.size > room:
        return f"it has {size_of(file.size)}, but only {size_of(max(room, 0))} are free there."
    try:
        async with aclosing(context.read(file)) as chunks:
            await session.put(path, file.size, chunks)
    except SandboxFileRefused as error:
        return f"{error.reason}"
    except ToolError as error:
        return f"{error}"
    return ""


async def take_out(session: SandboxSession, context: ToolContext, known: KnownFiles, harvest: CallFiles) -> None:
    """Save the files that were written since the last look, into the harvest.

    Raises:
        SessionLost: the session is gone.
    """
    listing = await session.list()
    written = [info for info in listing.files if known.marks.get(info.name) != info.mark and not is_private(info.name)]
    known.look(listing)
    results, folders = results_among(written, listing.files)
    results, left = results[:MAX_FILES], results[MAX_FILES:]
    for info in sorted(results, key=lambda info: info.name):
        name = known.names.get(info.name) or free(harmless(info.name), known.displayed | {*known.names.values()})
        known.names[info.name] = name
        async with aclosing(session.get(info.name)) as chunks:
            await _save(context, known, harvest, name, chunks, info.name)
    if left:
        names = _join_names([printable_path(info.name) for info in left])
        harvest.notes.append(
            f"Not saved, because a call can create at most {MAX_FILES} files: {names}. Pack them into one archive."
        )
    if new := [folder for folder in folders if folder not in known.environments]:
        known.environments.update(new)
        harvest.notes.append(
            f"Not saved, because they belong to programs: {_join_names(list(map(printable_path, new)))}."
        )
    if not listing.complete:
        harvest.notes.append(
            "/mnt/data contains more files than were examined, or some with invalid names: "
            "not all written files are saved."
        )


def _join_names(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


async def save_image(
    context: ToolContext, known: KnownFiles, harvest: CallFiles, data: bytes, suffix: str
) -> ToolFile | None:
    """Save a displayed image as `plot-1.png`, `plot-2.png`, ...; None if that fails."""
    number = 1
    while (name := f"plot-{number}.{suffix}") in known.taken or name in known.marks or name in known.displayed:
        number += 1
    if len(harvest.files) >= MAX_FILES:
        harvest.notes.append(f"An image is not saved: a call can create at most {MAX_FILES} files.")
        return None
    known.displayed.add(name)
    return await _save(context, known, harvest, name, _once(data), name)


async def _once(data: bytes) -> AsyncGenerator[bytes]:
    yield data


async def _save(
    context: ToolContext, known: KnownFiles, harvest: CallFiles, name: str, chunks: AsyncIterable[bytes], path: str
) -> ToolFile | None:
    try:
        file = await context.save(name, _limit_size(chunks))
    except FileTooLarge:
        harvest.notes.append(f"Not saved: {printable_path(path)} is larger than {size_of(MAX_SIZE)}.")
    except SandboxFileRefused as error:
        harvest.notes.append(f"Not saved: {printable_path(path)}: {error.reason}")
    except ToolError as error:
        harvest.notes.append(f"Not saved: {printable_path(path)}: {error}")
    else:
        known.seen.add(file.id)
        known.taken.add(file.name)
        harvest.files.append(file)
        of = "" if file.name == path else f", from {printable_path(path)}"
        harvest.lines.append(f"{file.name} ({size_of(file.size)}{of})")
        return file
    return None


async def _limit_size(chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    """Enforce the size limit, whatever size the session reported."""
    left = MAX_SIZE
    async for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise FileTooLarge
        yield chunk
