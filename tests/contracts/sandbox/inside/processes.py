"""Probes of processes: what of the host's, or of the session's own agent, can be seen, read, signalled or traced."""

import ctypes
import os
import re
import signal
import stat
from contextlib import suppress
from pathlib import Path

from tests.contracts.sandbox.inside.system import LIBC, Facts, call, content, in_child, names, number, processes

PTRACE_ATTACH, PTRACE_DETACH, PTRACE_SEIZE = 16, 17, 0x4206
DESCRIPTORS = 1024
UNTOLD = re.compile(rb"untold-[0-9a-f]{32}")
LARGE = 1 << 30
READV = number(310, 270)


class Piece(ctypes.Structure):
    """A piece of memory."""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def own_environment(facts: Facts) -> list[str]:
    """Secrets in the environment of the code itself."""
    return [name for name, value in os.environ.items() if facts["secret"] in value]


def environments(facts: Facts) -> list[str]:
    """Secrets in the environment of any process that can be seen, the first one and the agent among them."""
    paths = [f"/proc/{process}/environ" for process in ("self", "thread-self", *processes())]
    return [path for path in paths if facts["secret"].encode() in content(path)]


def own_memory(facts: Facts) -> list[str]:
    """Secrets of the server in memory that was forked: one that the code was not told, so as not to find it there."""
    found: list[str] = []
    with suppress(OSError), Path("/proc/self/mem").open("rb", buffering=0) as memory:
        for line in content("/proc/self/maps").decode().splitlines():
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            if line.split()[1].startswith("rw") and end - start < LARGE:
                with suppress(OSError, OverflowError):
                    memory.seek(start)
                    found += [line for _ in UNTOLD.finditer(memory.read(end - start))]
    return found[:3]


def command_lines(facts: Facts) -> list[str]:
    """Processes of the host that can be seen."""
    lines = {process: content(f"/proc/{process}/cmdline") for process in processes()}
    return [f"process {process}" for process, line in lines.items() if facts["victim_mark"].encode() in line]


def namespaces(facts: Facts) -> list[str]:
    """Namespaces that are the host's own."""
    found: list[str] = []
    for kind, host in facts["namespaces"].items():
        with suppress(OSError):
            if str(Path(f"/proc/self/ns/{kind}").readlink()) == host:
                found.append(kind)
    return found


def victim_signal(facts: Facts) -> list[str]:
    """A signal to a process of the host; the harness asks that process, too, whether it came."""
    mine = []
    for process in {facts["victim"], *(int(line.split()[1]) for line in command_lines(facts))}:
        with suppress(OSError):
            if facts["victim_mark"].encode() in content(f"/proc/{process}/cmdline") or not names("/proc"):
                os.kill(process, signal.SIGUSR1)
                mine.append(f"process {process}")
    return mine


def victim_memory(facts: Facts) -> list[str]:
    """The memory of a process of the host."""
    found = _read(facts["victim"], facts["victim_address"], facts["secret"].encode())
    return [f"{found} of the victim"] if found else []


def _read(process: int, address: int, secret: bytes) -> str:
    """The way by which the secret can be read from the memory of a process; "" if by none."""
    buffer = ctypes.create_string_buffer(len(secret))
    here, there = Piece(ctypes.addressof(buffer), len(secret)), Piece(address, len(secret))
    call(READV, process, ctypes.addressof(here), 1, ctypes.addressof(there), 1, 0)
    if buffer.raw == secret:
        return "process_vm_readv"
    with suppress(OSError, ValueError), Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        if memory.read(len(secret)) == secret:
            return "/proc/PID/mem"
    return ""


def victim_trace(facts: Facts) -> list[str]:
    """Tracing a process of the host."""
    return _traced(facts["victim"]) if command_lines(facts) else []


def _traced(process: int) -> list[str]:
    """The ways by which a process can be traced; nothing is changed in it."""

    def attach() -> int:
        if LIBC.ptrace(PTRACE_SEIZE, process, 0, 0) == 0:
            return 1  # ends with this child
        if LIBC.ptrace(PTRACE_ATTACH, process, 0, 0) == 0:
            with suppress(OSError):
                os.waitpid(process, 0)
            LIBC.ptrace(PTRACE_DETACH, process, 0, 0)
            return 1
        return 0

    return [f"process {process} can be traced"] if in_child(attach) else []


def agent(facts: Facts) -> list[str]:
    """The session's agent, which serves its files and holds the stream to the host."""
    found: list[str] = []
    for process in {os.getppid() if "pid" in namespaces(facts) else 1}:
        found += [f"/proc/{process}/{link}" for link in ("fd", "map_files") if names(f"/proc/{process}/{link}")]
        found += [f"/proc/{process}/{file}" for file in ("mem", "environ", "auxv") if _opens(process, file)]
        if names("/proc/self") and content(f"/proc/{process}/maps", 64):
            found.append(f"/proc/{process}/maps")
        found += _traced(process)
    return found


def _opens(process: int, file: str) -> bool:
    try:
        os.close(os.open(f"/proc/{process}/{file}", os.O_RDONLY))
    except OSError:
        return False
    return True


def descriptors(facts: Facts) -> list[str]:
    """Descriptors that were left open: of the host's secret, of folders, of files elsewhere."""
    found: list[str] = []
    own = tuple(f"{folder}/" for folder in facts["writable"])
    for file in range(3, DESCRIPTORS):
        with suppress(OSError):
            mode = os.fstat(file).st_mode
            path = str(Path(f"/proc/self/fd/{file}").readlink())
            if stat.S_ISDIR(mode) or (stat.S_ISREG(mode) and not path.startswith(own)):
                found.append(f"{file}: {path}")
    return found


def leaked_secret(facts: Facts) -> list[str]:
    """What the server held open when it started the sandbox."""
    found: list[str] = []
    for file in range(DESCRIPTORS):
        with suppress(OSError):
            if facts["secret"].encode() in os.pread(file, 4096, 0):
                found.append(f"descriptor {file}")
    paths = [f"/proc/{process}/fd/{name}" for process in processes() for name in names(f"/proc/{process}/fd")]
    return found + [path for path in paths if _regular(path) and facts["secret"].encode() in content(path)]


def _regular(path: str) -> bool:
    try:
        return stat.S_ISREG(Path(path).stat().st_mode)
    except OSError:
        return False


def kill_everything(facts: Facts) -> list[str]:
    """SIGKILL to all; where the processes are the host's own, that is breach enough, and nothing is killed."""
    if "pid" in namespaces(facts) or not names("/proc/self/ns"):
        return ["the host's processes could be killed"]
    with suppress(OSError):
        os.kill(-1, signal.SIGKILL)
    return []


def kill_agent(facts: Facts) -> list[str]:
    """Every signal to the first process of the session."""
    if "pid" in namespaces(facts) or not names("/proc/self/ns"):
        return ["the host's first process could be signalled"]
    for sent in (*range(1, signal.SIGSTOP), *range(signal.SIGTSTP, 32)):
        with suppress(OSError):
            os.kill(1, sent)
    return []
