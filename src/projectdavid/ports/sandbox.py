"""The sandbox socket: isolated sessions in which strangers' code runs, and from which only bytes come back.

What comes out of a session is made by code that nobody trusts: text, names and types are what it claims they are.
The socket assumes no file system that both sides see, and no signals across: an adapter needs a stream of bytes to an
agent inside (`sandboxes/agent`), and a way to kill it.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal, Protocol


class Level(IntEnum):
    """What stands between the code and the host; more is safer.

    `VM` and `GVISOR` are for tenants that may be hostile. `NAMESPACES` shares the host's kernel behind namespaces, no
    capabilities and a system call filter. `LANDLOCK` hides files and the network, but not the host's processes.
    """

    NONE = 0
    LANDLOCK = 1
    NAMESPACES = 2
    GVISOR = 3
    VM = 4


class SandboxError(Exception):
    """Everything that a sandbox may raise.

    SandboxError
    ├── Off       isolation cannot be had as asked: the operator's to mend, `remedy` says how
    ├── Full      no more sessions now: nobody's fault, later it may go
    ├── Lost      the session is gone, with what it held: open another, and say so
    └── Refused   a file that cannot be put or read (name, size, no room inside): the asker's, or the code's, fault
    """


@dataclass
class Off(SandboxError):
    """Isolation cannot be had."""

    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason} {self.remedy}"


class Full(SandboxError):
    """There are as many sessions as there may be."""


@dataclass
class Lost(SandboxError):
    """The session is gone; `reason` says what is known of why, as a sentence."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass
class Refused(SandboxError):
    """The session does not take, or give, a file."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name!r}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a session may use at the most; sizes in bytes, files on its disks count as memory, too."""

    memory: int = 1 << 30
    disk: int = 256 << 20
    """Of `/mnt/data`."""
    scratch: int = 64 << 20
    """Of `/tmp`, and of `/dev/shm`."""
    files: int = 16_384
    """Files and folders on each of its disks."""
    processes: int = 128
    open_files: int = 1024
    output: int = 1 << 20
    """What is kept of the output of one run; the rest is read and dropped."""


Kind = Literal["python", "shell"]
Chunks = AsyncGenerator[bytes]
Tunnel = Callable[[Callable[[], Awaitable[bytes]], Callable[[bytes], Awaitable[None]]], Awaitable[None]]
"""Serves one connection that a program inside made to its proxy: `(read, write)`; `read` gives b"" at its end."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What session is wanted.

    A `python` session runs Python and keeps its variables between runs; a `shell` session runs commands of bash on a
    terminal, and keeps its working directory, variables and processes. `tunnel` serves what the session's programs send
    to the proxy that `http_proxy` and `https_proxy` name there; None: nothing leaves.
    """

    kind: Kind
    limits: Limits = field(default_factory=Limits)
    tunnel: Tunnel | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """Text that came out, in pieces as it came; `terminal` is what a terminal shows, with its escapes."""

    stream: Literal["stdout", "stderr", "terminal"]
    text: str


@dataclass(frozen=True, slots=True)
class Display:
    """Something to be shown: the same thing as several types (`text/plain`, `text/html`, `image/png`, ...).

    `result` marks the value of the last expression.
    """

    data: Mapping[str, bytes]
    result: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """How a run ended; always its last event.

    `interrupted` and `timeout` are told apart by who asked. `died`: the process that runs the code ended by itself, or
    was killed; the session goes on with a new one. `state_lost`: what was in memory is gone, files are still there.
    `exit_status` is that of a shell command. `error` is the traceback of Python code. `dropped` counts the bytes of
    output that were not kept.
    """

    status: Literal["ok", "error", "interrupted", "timeout", "died"]
    exit_status: int | None = None
    error: str | None = None
    state_lost: bool = False
    dropped: int = 0


Event = Output | Display | Done


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A regular file under `/mnt/data`: its path from there, its size, and a mark that changes when it is written."""

    name: str
    size: int
    mark: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a session; `complete` is false where there are more: too many, too deep, or badly named."""

    files: tuple[FileInfo, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Stats:
    """What a session uses now: bytes of memory of its own, processes; and whether it still lives."""

    memory: int
    processes: int
    alive: bool


class Session(Protocol):
    """One sandbox. All of it raises Lost when the sandbox is gone; nothing of it may be used by two at once but
    `interrupt`, `terminal`, `stats` and `close`."""

    @property
    def id(self) -> str:
        """Of this session only."""
        ...

    @property
    def level(self) -> Level:
        """What it is isolated by."""
        ...

    def run(self, source: str, timeout: float) -> AsyncGenerator[Event]:
        """Run Python code, or one shell command, for `timeout` seconds at the most; what it tells ends with Done.

        At the timeout the code is interrupted as by Ctrl-C; what does not heed that within two seconds is killed. So
        is what still runs when the generator is closed early.
        """
        ...

    async def interrupt(self) -> None:
        """Interrupt what runs, as by Ctrl-C, and what was to follow it; nothing happens if nothing runs."""
        ...

    async def put(self, name: str, size: int, chunks: AsyncIterable[bytes]) -> None:
        """Write a file under `/mnt/data`, whole or not at all.

        Raises:
            Refused: a name that leads out of there, or no room.
        """
        ...

    def get(self, name: str) -> Chunks:
        """Read a regular file under `/mnt/data`.

        Raises:
            Refused: at the first piece; it is none, or is gone.
        """
        ...

    async def list(self) -> Listing:
        """The regular files under `/mnt/data`; links, pipes and devices are not among them."""
        ...

    def terminal(self, after: int = 0) -> AsyncGenerator[tuple[int, bytes]]:
        """What the terminal of a shell session shows from behind byte `after`: where each piece ends, and its bytes.

        Only the last MiB is kept: who comes later, or is too slow, gets what there is.
        """
        ...

    async def resize(self, rows: int, columns: int) -> None:
        """Change the size of the terminal."""
        ...

    async def stats(self) -> Stats:
        """What it uses now."""
        ...

    async def close(self) -> None:
        """End it, with every process in it; nothing of it is left."""
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """What a sandbox can do, found out by trying: its level, how each limit is kept, and what is missing.

    `limits` maps `memory`, `processes`, `disk`, `cpu` to how each is kept: `cgroup`, `watchdog`, `rlimit`, `tmpfs`,
    `none`.
    """

    level: Level
    limits: Mapping[str, str] = field(default_factory=dict[str, str])
    launcher: str = ""
    reasons: tuple[str, ...] = ()
    """Why the level is not higher, a sentence each."""
    remedy: str = ""
    """What the operator can do about it."""


class Sandbox(Protocol):
    """Opens sessions."""

    async def start(self) -> None:
        """Get ready in the background; returns at once."""
        ...

    @property
    def report(self) -> Report | None:
        """What was found out last; None: nothing yet."""
        ...

    async def probe(self) -> Report:
        """What can be had here; waits until it is ready."""
        ...

    async def open(self, spec: Spec) -> Session:
        """Open a session.

        Raises:
            Off: the level that the operator asks for at least cannot be had.
            Full: there are as many sessions as there may be.
        """
        ...

    async def close(self) -> None:
        """End all sessions, and leave nothing behind."""
        ...
