"""The files of a session: those of the conversation go in before a call, those that it wrote come out after it."""

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass, field

from projectdavid.ports.sandbox import Listing, Refused, Session
from projectdavid.ports.tool import Context, File, ToolError
from projectdavid.tools.names import free, harmless, is_private, shown
from projectdavid.tools.text import size_of

MAX_FILES = 50
"""That one call may make."""
MAX_SIZE = 50 << 20
"""Bytes of each."""
NAMED = 10
"""Files that a note names; the others are counted."""


class TooLarge(Exception):
    """A file has more bytes than it may have."""


@dataclass(slots=True)
class Known:
    """What is known of the files of one session, from one call to the next."""

    disk: int
    """Bytes that fit into `/mnt/data`."""
    marks: dict[str, str] = field(default_factory=dict[str, str])
    """Of each path, the mark it had when it was last looked at: what has another one was written since."""
    put: dict[str, str] = field(default_factory=dict[str, str])
    """The files of the conversation that were put in, by path, with the mark that they had then."""
    seen: set[str] = field(default_factory=set[str])
    """The ids of the files that are here, were here, or do not fit."""
    names: dict[str, str] = field(default_factory=dict[str, str])
    """The names under which paths were saved: a path keeps its name, and no two have the same."""
    displayed: set[str] = field(default_factory=set[str])
    """The names of images that were shown, and are no files here."""
    taken: set[str] = field(default_factory=set[str])
    """The names that files of the conversation have."""

    def look(self, listing: Listing) -> None:
        """Remember what is there now."""
        self.marks = {info.name: info.mark for info in listing.files}


@dataclass(slots=True)
class Harvest:
    """What one call made, and what is to be said about it."""

    files: list[File] = field(default_factory=list[File])
    lines: list[str] = field(default_factory=list[str])
    """A line for each file."""
    notes: list[str] = field(default_factory=list[str])


async def bring_in(session: Session, context: Context, known: Known, listing: Listing) -> list[str]:
    """Put the files of the conversation that the session does not have yet into it; returns what the model is to know.

    A file that was replaced in the conversation is replaced here too, unless the code has changed it meanwhile.

    Raises:
        Lost: the session is gone.
    """
    there = {info.name: info.mark for info in listing.files}
    room = known.disk - sum(info.size for info in listing.files)
    files = await context.files()
    known.taken |= {file.name for file in files}
    notes: list[str] = []
    brought: list[str] = []
    for file in files:
        if file.id in known.seen:
            continue
        known.seen.add(file.id)
        path = harmless(file.name)
        if path in there and there[path] != known.put.get(path):
            path = free(path, there)
            notes.append(f"The file {file.name} is here as {path}: there is another file of its name.")
        trouble = await _put(session, context, file, path, room)
        if trouble:
            notes.append(f"The file {file.name} is not in /mnt/data: {trouble}")
            continue
        room -= file.size
        there[path] = ""
        known.names[path] = file.name
        brought.append(path)
    if brought:
        notes.append(f"New in /mnt/data: {_named(list(map(shown, brought)))}.")
        listing = await session.list()
        marks = {info.name: info.mark for info in listing.files}
        known.put |= {path: marks.get(path, "") for path in brought}
        # What the code wrote since it was last looked at stays to be found: only what was put in is known by now.
        known.marks |= {path: marks.get(path, "") for path in brought}
    return notes


async def _put(session: Session, context: Context, file: File, path: str, room: int) -> str:
    """Put a file in; returns why that could not be done."""
    if file.size > room:
        return f"it has {size_of(file.size)}, and {size_of(max(room, 0))} are free there."
    try:
        async with aclosing(context.read(file)) as chunks:
            await session.put(path, file.size, chunks)
    except Refused as error:
        return f"{error.reason}"
    except ToolError as error:
        return f"{error}"
    return ""


async def take_out(session: Session, context: Context, known: Known, harvest: Harvest) -> None:
    """Save the files that were written since the last look, into the harvest.

    Raises:
        Lost: the session is gone.
    """
    listing = await session.list()
    written = [info for info in listing.files if known.marks.get(info.name) != info.mark and not is_private(info.name)]
    known.look(listing)
    left: list[str] = []
    for info in sorted(written, key=lambda info: info.name):
        if len(harvest.files) >= MAX_FILES:
            left.append(shown(info.name))
            continue
        name = known.names.get(info.name) or free(harmless(info.name), known.displayed | {*known.names.values()})
        known.names[info.name] = name
        async with aclosing(session.get(info.name)) as chunks:
            await _save(context, known, harvest, name, chunks, info.name)
    if left:
        harvest.notes.append(
            f"Not saved, because one call may make {MAX_FILES} files: {_named(left)}. Pack many files into one archive."
        )
    if not listing.complete:
        harvest.notes.append(
            "There are more files in /mnt/data than were looked at, or some with names that cannot be used: "
            "not all of those that were written are saved."
        )


def _named(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


async def save_image(context: Context, known: Known, harvest: Harvest, data: bytes, suffix: str) -> File | None:
    """Save an image that was shown as `plot-1.png`, `plot-2.png`, ...; None where that could not be done."""
    number = 1
    while (name := f"plot-{number}.{suffix}") in known.taken or name in known.marks or name in known.displayed:
        number += 1
    if len(harvest.files) >= MAX_FILES:
        harvest.notes.append(f"An image is not saved: one call may make {MAX_FILES} files.")
        return None
    known.displayed.add(name)
    return await _save(context, known, harvest, name, _once(data), name)


async def _once(data: bytes) -> AsyncGenerator[bytes]:
    yield data


async def _save(
    context: Context, known: Known, harvest: Harvest, name: str, chunks: AsyncIterable[bytes], path: str
) -> File | None:
    try:
        file = await context.save(name, _bounded(chunks))
    except TooLarge:
        harvest.notes.append(f"Not saved: {shown(path)} has more than {size_of(MAX_SIZE)}.")
    except Refused as error:
        harvest.notes.append(f"Not saved: {shown(path)}: {error.reason}")
    except ToolError as error:
        harvest.notes.append(f"Not saved: {shown(path)}: {error}")
    else:
        known.seen.add(file.id)
        known.taken.add(file.name)
        harvest.files.append(file)
        of = "" if file.name == path else f", from {shown(path)}"
        harvest.lines.append(f"{file.name} ({size_of(file.size)}{of})")
        return file
    return None


async def _bounded(chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    """Passes on what comes, whatever size the session said that it has."""
    left = MAX_SIZE
    async for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise TooLarge
        yield chunk
