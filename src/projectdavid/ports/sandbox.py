"""The sandbox port: isolated sessions that run untrusted code and only return bytes.

Everything that leaves a session is untrusted: texts, names and types are only claims. The port assumes no shared file
system and no signals: an adapter needs a stream of bytes to an agent inside (`adapters/sandboxes/agent`), and a way to
kill it.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal, Protocol


class IsolationLevel(IntEnum):
    """The barrier between the code and the host; higher values are safer.

    `VM` and `GVISOR` are for potentially hostile tenants. `NAMESPACES` shares the host's kernel, with namespaces, no
    capabilities and a system call filter. `LANDLOCK` hides files and the network, but not the host's processes.
    """

    NONE = 0
    LANDLOCK = 1
    NAMESPACES = 2
    GVISOR = 3
    VM = 4


class SandboxError(Exception):
    """Base class of a sandbox's errors.

    SandboxError
    ├── SandboxUnavailable the required isolation is not available; `remedy` is for the operator
    ├── SandboxFull        all sessions are in use; try again later
    ├── SessionLost        the session is gone with its state: open another, and report it
    └── SandboxFileRefused a file cannot be put or read (name, size, no space inside)
    """


@dataclass
class SandboxUnavailable(SandboxError):
    """The required isolation is not available."""

    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason} {self.remedy}"


class SandboxFull(SandboxError):
    """All sessions are in use."""


@dataclass
class SessionLost(SandboxError):
    """The session is gone; `reason` is the known cause, as a sentence."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass
class SandboxFileRefused(SandboxError):
    """The session rejects a file."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name!r}: {self.reason}"


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """Limits of a session; sizes in bytes, files on its disks also count as memory."""

    memory: int = 1 << 30
    disk: int = 256 << 20
    """Size of `/mnt/data`."""
    scratch: int = 64 << 20
    """Size of `/tmp`, and of `/dev/shm`."""
    files: int = 16_384
    """Files and folders on each of its disks."""
    processes: int = 128
    open_files: int = 1024
    output: int = 1 << 20
    """Bytes of a run's output that are kept, at its beginning and its end; the rest is dropped."""


Kind = Literal["python", "shell"]
Chunks = AsyncGenerator[bytes]
Tunnel = Callable[[Callable[[], Awaitable[bytes]], Callable[[bytes], Awaitable[None]]], Awaitable[None]]
"""Serves one connection of a program inside to its proxy: `(read, write)`; `read` returns b"" at its end."""


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """The requested kind of session.

    A `python` session runs Python and keeps its variables between runs; a `shell` session runs bash commands on a
    terminal, and keeps its working directory, variables and processes. `tunnel` serves the connections of its programs
    to the proxy in `http_proxy` and `https_proxy`; None means no network.
    """

    kind: Kind
    limits: SandboxLimits = field(default_factory=SandboxLimits)
    tunnel: Tunnel | None = None


@dataclass(frozen=True, slots=True)
class OutputText:
    """Output text, in pieces as it arrived; `terminal` is terminal output with its escape sequences."""

    stream: Literal["stdout", "stderr", "terminal"]
    text: str


@dataclass(frozen=True, slots=True)
class OutputGap:
    """`size` bytes of output were dropped between the outputs before and after; at most once per run."""

    size: int


@dataclass(frozen=True, slots=True)
class DisplayOutput:
    """A displayed value in several types (`text/plain`, `text/html`, `image/png`, ...).

    `result` marks the value of the last expression.
    """

    data: Mapping[str, bytes]
    result: bool = False


@dataclass(frozen=True, slots=True)
class RunDone:
    """The outcome of a run; always its last event.

    `interrupted` is by request, `timeout` by the time limit. `died`: the process that runs the code exited or was
    killed; the session continues with a new one. `state_lost`: memory is lost, files remain. `exit_status` is that of a
    shell command. `error` is the traceback of Python code. `dropped` counts dropped bytes of output.
    """

    status: Literal["ok", "error", "interrupted", "timeout", "died"]
    exit_status: int | None = None
    error: str | None = None
    state_lost: bool = False
    dropped: int = 0


Event = OutputText | OutputGap | DisplayOutput | RunDone


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A regular file under `/mnt/data`: its relative path, its size, and a mark that changes when it is written.

    `modified` is the time of the last write, in nanoseconds, as claimed by the session.
    """

    name: str
    size: int
    mark: str
    modified: int = 0


@dataclass(frozen=True, slots=True)
class FileListing:
    """The files of a session; `complete` is false if some are omitted: too many, too deep, or with invalid names."""

    files: tuple[FileInfo, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class SessionStats:
    """Resource usage of a session: bytes of memory, processes, and whether it is alive."""

    memory: int
    processes: int
    alive: bool


class SandboxSession(Protocol):
    """One sandbox. Every method raises SessionLost when the sandbox is gone. Only `interrupt`, `terminal`, `stats` and
    `close` can be called concurrently with others.
    """

    @property
    def id(self) -> str:
        """Unique id of this session."""
        ...

    @property
    def level(self) -> IsolationLevel:
        """Its isolation level."""
        ...

    def run(self, source: str, timeout: float) -> AsyncGenerator[Event]:
        """Run Python code, or one shell command, for up to `timeout` seconds; the last event is RunDone.

        At the timeout the code is interrupted like Ctrl-C, and killed two seconds later. Closing the generator early
        has the same effect.
        """
        ...

    async def interrupt(self) -> None:
        """Interrupt the current run, like Ctrl-C; no effect if none is active."""
        ...

    async def put(self, name: str, size: int, chunks: AsyncIterable[bytes]) -> None:
        """Write a file under `/mnt/data`, atomically.

        Raises:
            SandboxFileRefused: the name leads out of the folder, or there is no space.
        """
        ...

    def get(self, name: str) -> Chunks:
        """Read a regular file under `/mnt/data`.

        Raises:
            SandboxFileRefused: at the first piece; the file does not exist or is not regular.
        """
        ...

    async def list(self) -> FileListing:
        """List the regular files under `/mnt/data`, without links, pipes and devices."""
        ...

    def terminal(self, after: int = 0) -> AsyncGenerator[tuple[int, bytes]]:
        """Yield the output of a shell session's terminal after byte `after`: the end position and the bytes of each
        piece.

        Only the last MiB is kept; a late or slow reader misses earlier output.
        """
        ...

    async def resize(self, rows: int, columns: int) -> None:
        """Change the size of the terminal."""
        ...

    async def stats(self) -> SessionStats:
        """Return its current resource usage."""
        ...

    async def close(self) -> None:
        """End the session and all its processes."""
        ...


@dataclass(frozen=True, slots=True)
class SandboxReport:
    """The tested capabilities of a sandbox: its level, how each limit is enforced, and what is missing.

    `limits` maps `memory`, `processes`, `disk`, `cpu` to their enforcement: `cgroup`, `watchdog`, `rlimit`, `tmpfs`,
    `none`.
    """

    level: IsolationLevel
    limits: Mapping[str, str] = field(default_factory=dict[str, str])
    launcher: str = ""
    reasons: tuple[str, ...] = ()
    """Why the level is not higher, one sentence each."""
    remedy: str = ""
    """What the operator can do about it."""
    libraries: Mapping[str, str] = field(default_factory=dict[str, str])
    """Installed libraries of the Python inside, with versions; empty if unknown."""


class Sandbox(Protocol):
    """Opens sessions."""

    async def start(self) -> None:
        """Start in the background; returns at once."""
        ...

    @property
    def report(self) -> SandboxReport | None:
        """The last report, or None before the first one."""
        ...

    async def probe(self) -> SandboxReport:
        """Return the available isolation; waits until the sandbox is ready."""
        ...

    async def open(self, spec: SessionSpec) -> SandboxSession:
        """Open a session.

        Raises:
            SandboxUnavailable: the minimum level of the operator is not available.
            SandboxFull: all sessions are in use.
        """
        ...

    async def close(self) -> None:
        """End all sessions, and clean up."""
        ...
