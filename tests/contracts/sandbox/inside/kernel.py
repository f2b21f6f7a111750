"""Probes of the kernel: calls that code in a sandbox has no use for, and through which kernels were broken into."""

import ctypes
import errno
import fcntl
import mmap
import os
import platform
import signal
import struct
from contextlib import suppress

from tests.contracts.sandbox.inside.processes import namespaces
from tests.contracts.sandbox.inside.system import LIBC, Facts, call, in_child, names, number

CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID = 0x10000000, 0x00020000, 0x40000000, 0x20000000
CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWTIME = 0x02000000, 0x04000000, 0x08000000, 0x00000080
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
DENIED = {errno.EPERM, errno.ENOSYS, errno.EACCES}
FIRST_UNKNOWN = 463
SEALED = -1

# With arguments that are wrong for each, so that nothing happens where a call is allowed.
CALLS: dict[str, tuple[int, tuple[int, ...]]] = {
    "bpf": (number(321, 280), (0xFFFF, 0, 0)),
    "perf_event_open": (number(298, 241), (0, 0, -1, -1, 0)),
    "io_uring_setup": (425, (0, 0)),
    "userfaultfd": (number(323, 282), (0xFFFF,)),
    "keyctl": (number(250, 219), (6, -3, 0, 0, 0)),
    "add_key": (number(248, 217), (0, 0, 0, 0, 0)),
    "request_key": (number(249, 218), (0, 0, 0, 0)),
    "ptrace": (number(101, 117), (2, 0, 0, 0)),
    "process_vm_readv": (number(310, 270), (0x7FFFFFF0, 0, 0, 0, 0, 0)),
    "process_vm_writev": (number(311, 271), (0x7FFFFFF0, 0, 0, 0, 0, 0)),
    "kcmp": (number(312, 272), (0x7FFFFFF0, 0x7FFFFFF0, 0, 0, 0)),
    "pidfd_getfd": (438, (-1, -1, 0)),
    "setns": (number(308, 268), (-1, 0)),
    "open_by_handle_at": (number(304, 265), (-1, 0, 0)),
    "fanotify_init": (number(300, 262), (0xFFFFFFF, 0)),
    "quotactl": (number(179, 60), (0, 0, 0, 0)),
    "init_module": (number(175, 105), (0, 0, 0)),
    "finit_module": (number(313, 273), (-1, 0, 0)),
    "kexec_load": (number(246, 104), (0, 0, 0, 0xFFFF)),
    "swapon": (number(167, 224), (0, 0)),
    "acct": (number(163, 89), (1,)),
    "syslog": (number(103, 116), (3, 0, 0)),
    "settimeofday": (number(164, 170), (1, 0)),
    "open_tree": (428, (-1, 0, 0x80000000)),
    "move_mount": (429, (-1, 0, -1, 0, 0xFFFF)),
    "fsopen": (430, (0, 0)),
    "fspick": (433, (-1, 0, 0)),
    "mount_setattr": (442, (-1, 0, 0, 0, 0)),
    "mount": (number(165, 40), (1, 1, 1, 0, 0)),
    "umount": (number(166, 39), (1, 0)),
    "pivot_root": (number(155, 41), (1, 1)),
    "chroot": (number(161, 51), (1,)),
}
# Memory that no count of a process shows.
HIDDEN = {
    "memfd_create": (number(319, 279), (1, 0)),
    "memfd_secret": (447, (0xFFFF,)),
    "shmget": (number(29, 194), (-1, 0, 0)),
    "msgget": (number(68, 186), (-1, 0)),
    "semget": (number(64, 190), (-1, -1, 0)),
    "mq_open": (number(240, 180), (1, 0, 0, 0)),
}


def _reached(calls: dict[str, tuple[int, tuple[int, ...]]]) -> list[str]:
    """The calls that the kernel took up, whatever it said to their arguments."""
    found: list[str] = []
    for name, (syscall, arguments) in calls.items():
        answer = in_child(lambda syscall=syscall, arguments=arguments: call(syscall, *arguments))
        if answer is not None and -answer not in DENIED:
            found.append(f"{name}: {answer}")
    return found


def calls(facts: Facts) -> list[str]:
    """Calls that nobody needs."""
    return _reached(CALLS)


def hidden_memory(facts: Facts) -> list[str]:
    """Calls that make memory which is not counted, or which outlives its maker."""
    return _reached(HIDDEN)


def unknown_calls(facts: Facts) -> list[str]:
    """Calls newer than the filter: they must not be there. With wrong arguments, too."""
    found: list[str] = []
    for syscall in range(FIRST_UNKNOWN, FIRST_UNKNOWN + 8):
        answer = in_child(lambda syscall=syscall: call(syscall, -1, -1, -1, -1, -1))
        if answer is not None and answer != -errno.ENOSYS:
            found.append(f"{syscall}: {answer}")
    return found


def new_namespaces(facts: Facts) -> list[str]:
    """Namespaces of one's own, in which one has all capabilities; each in a child that ends at once."""
    flags = {"user": CLONE_NEWUSER, "mount": CLONE_NEWNS, "net": CLONE_NEWNET, "pid": CLONE_NEWPID}
    flags |= {"cgroup": CLONE_NEWCGROUP, "uts": CLONE_NEWUTS, "ipc": CLONE_NEWIPC, "time": CLONE_NEWTIME}
    unshare = number(272, 97)
    ways = {f"unshare {name}": (unshare, (flag,)) for name, flag in flags.items()}
    ways |= {f"unshare user and {name}": (unshare, (flag | CLONE_NEWUSER,)) for name, flag in flags.items()}
    return _reached(ways)


def cloned_namespaces(facts: Facts) -> list[str]:
    """The same by a new process: by `clone`, and by `clone3`, whose arguments no filter can read."""

    def clone() -> int:
        pid = call(number(56, 220), CLONE_NEWUSER | signal.SIGCHLD, 0, 0, 0, 0)
        return _ended(pid)

    def clone3() -> int:
        arguments = ctypes.create_string_buffer(struct.pack("8Q", CLONE_NEWUSER, 0, 0, 0, signal.SIGCHLD, 0, 0, 0))
        return _ended(call(435, ctypes.addressof(arguments), len(arguments.raw) - 1))

    answers = {"clone": in_child(clone), "clone3": in_child(clone3)}
    return [f"{name}: {answer}" for name, answer in answers.items() if answer is not None and -answer not in DENIED]


def _ended(pid: int) -> int:
    """What a fork gave; the new process ends at once."""
    if pid == 0:
        os._exit(0)
    if pid > 0:
        os.waitpid(pid, 0)
    return pid


def other_tables(facts: Facts) -> list[str]:
    """Calls by the tables of 32-bit programs, which a filter of 64-bit numbers misses."""
    if platform.machine() != "x86_64":
        return []
    found: list[str] = []
    x32 = in_child(lambda: call(0x40000000 | 39))
    if x32 is not None and x32 > 0:
        found.append("x32")
    code = b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"  # mov eax, getpid; int 0x80; ret

    def int80() -> int:
        memory = mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE)
        memory.write(code)
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        if LIBC.mprotect(ctypes.c_void_p(address), mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_EXEC):
            return SEALED
        return int(ctypes.CFUNCTYPE(ctypes.c_int)(address)())

    answer = in_child(int80)
    return found + ["int 0x80"] * (answer is not None and answer > 0)


def terminal_input(facts: Facts) -> list[str]:
    """Keys typed into a terminal by a program."""
    found: list[str] = []
    leader, follower = os.openpty()
    for name, request in (("TIOCSTI", TIOCSTI), ("TIOCLINUX", TIOCLINUX)):
        try:
            fcntl.ioctl(follower, request, b"\n")
            found.append(name)
        except OSError as error:
            if error.errno not in DENIED:
                found.append(f"{name}: {error}")
    for file in (leader, follower):
        os.close(file)
    return found


def mounts(facts: Facts) -> list[str]:
    """What is mounted, changed."""
    found: list[str] = []
    fresh = number(165, 40)
    text = {name: ctypes.create_string_buffer(name.encode()) for name in ("none", "/usr", "/tmp", "/proc", "tmpfs")}
    at = {name: ctypes.addressof(buffer) for name, buffer in text.items()}
    ways = {
        "remount of /usr": (at["none"], at["/usr"], 0, 32 | 4096, 0),
        "a bind of /usr": (at["/usr"], at["/tmp"], 0, 4096, 0),
        "a tmpfs of one's own": (at["tmpfs"], at["/tmp"], at["tmpfs"], 0, 0),
    }

    def apart(arguments: tuple[int, ...]) -> int:
        """Where the mounts are the host's own, then in a copy of them, so that nothing is changed for others."""
        if "mnt" in namespaces(facts) or not names("/proc/self/ns"):
            if call(number(272, 97), CLONE_NEWNS) < 0:
                return -errno.EPERM
            call(fresh, at["none"], ctypes.addressof(ctypes.create_string_buffer(b"/")), 0, (1 << 18) | 16384, 0)
        return call(fresh, *arguments)

    for name, arguments in ways.items():
        with suppress(OSError):
            if in_child(lambda arguments=arguments: apart(arguments)) == 0:
                found.append(name)
    return found
