"""Probes of files: what of the host can be read, where can be written, and what privileges there are."""

import ctypes
import os
import stat
import sys
from itertools import islice
from pathlib import Path

from tests.contracts.sandbox.inside.system import LIBC, Facts, content, in_child, names, number, opens, processes

DEVICES = (
    *("vda", "sda", "nvme0n1", "xvda", "mem", "kmem", "port", "kmsg", "kvm", "fuse", "net/tun", "vhost-vsock", "vsock"),
    *("loop-control", "loop0", "mapper/control", "uinput", "vhost-net", "cuse", "btrfs-control", "userfaultfd"),
)
SHOWN = 5
FOLDERS = 30_000
PR_GET_NO_NEW_PRIVS, PR_CAPBSET_READ, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET = 39, 23, 47, 1
CAPABILITIES = 41


def shadow(facts: Facts) -> list[str]:
    """The passwords of the host."""
    return [path for path in ("/etc/shadow", "/etc/gshadow", "/etc/shadow-") if b"root:" in content(path)]


def public_canary(facts: Facts) -> list[str]:
    """A file of the host that everybody may read."""
    return _reached(facts["public"], facts["secret"])


def private_canary(facts: Facts) -> list[str]:
    """A file of the host that the server alone may read."""
    return _reached(facts["private"], facts["secret"])


def _reached(path: str, secret: str) -> list[str]:
    """The ways that lead to a file of the host."""
    roots = ["", "/oldroot", "/newroot", "/host", "/mnt", "/.old", "/mnt/data", "/tmp"]
    roots += [f"/proc/{process}/{link}" for process in processes() for link in ("root", "cwd", "root/oldroot")]
    roots += [f"/proc/self/fd/{number}" for number in range(64)]
    return [root + path for root in roots if secret.encode() in content(root + path)]


def folders_of_the_host(facts: Facts) -> list[str]:
    """Names in folders of the host, other than the way to the interpreter."""
    seen = {folder: sorted(names(folder) & set(there)) for folder, there in facts["folders"].items()}
    return [f"{folder}: {there[:SHOWN]}" for folder, there in seen.items() if there]


def writable_places(facts: Facts) -> list[str]:
    """Every folder that can be written to, other than the session's own disks: they have limits, the others none."""
    own = {*facts["writable"], "/proc", "/sys", "/dev/pts", "/dev/mqueue"}
    found: list[str] = []
    walk = os.walk("/")
    for folder, below, _ in islice(walk, FOLDERS):
        below[:] = [name for name in below if str(Path(folder, name)) not in own]
        if folder not in own and os.access(folder, os.W_OK):
            found.append(folder)
        if len(found) > SHOWN:
            break
    files = (sys.executable, os.__file__, "/etc/passwd", "/etc/ld.so.cache", "/bin/sh")
    return found + [path for path in files if os.access(path, os.W_OK)]


def devices(facts: Facts) -> list[str]:
    """Devices of the host."""
    return [f"/dev/{name}" for name in DEVICES if opens(f"/dev/{name}", os.O_RDONLY)]


def made_devices(facts: Facts) -> list[str]:
    """A device that the code makes itself."""

    def make() -> int:
        path = Path("made-device")
        try:
            os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(8, 0))
        except OSError:
            return 0
        path.unlink()
        return 1

    return ["mknod of a block device"] if in_child(make) else []


def privileges(facts: Facts) -> list[str]:
    """Capabilities, in effect or to be had."""

    class Header(ctypes.Structure):
        _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))

    held = (ctypes.c_uint32 * 6)()
    LIBC.syscall(ctypes.c_long(number(125, 90)), ctypes.byref(Header(0x20080522, 0)), held)
    found = [f"capabilities {list(held)}"] if any(held) else []
    bounding = [at for at in range(CAPABILITIES) if LIBC.prctl(PR_CAPBSET_READ, at, 0, 0, 0) == 1]
    if bounding:
        found.append(f"capabilities that a program could get {bounding[:SHOWN]}")
    if any(LIBC.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, at, 0, 0) == 1 for at in range(CAPABILITIES)):
        found.append("ambient capabilities")
    return found


def new_privileges(facts: Facts) -> list[str]:
    """Programs that would get more rights than who starts them."""
    return [] if LIBC.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 else ["a set-user-id program gets its rights"]


def kernel_settings(facts: Facts) -> list[str]:
    """Switches of the host's kernel; most of them give the host to who writes them."""
    paths = [
        *(f"/proc/sys/kernel/{name}" for name in ("core_pattern", "modprobe", "hotplug", "randomize_va_space")),
        *("/proc/sys/fs/binfmt_misc/register", "/proc/sys/vm/overcommit_memory", "/proc/sysrq-trigger"),
        *("/sys/kernel/uevent_helper", "/proc/sys/user/max_user_namespaces"),
        *("/proc/1/oom_score_adj", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/hostname"),
    ]
    paths += [str(path) for path in islice(Path("/sys/fs/cgroup").rglob("release_agent"), 50)]
    paths += [str(path) for path in islice(Path("/sys/fs/cgroup").rglob("cgroup.procs"), 50)]
    return [path for path in paths if opens(path, os.O_WRONLY)][:SHOWN]


def kernel_secrets(facts: Facts) -> list[str]:
    """Memory and messages of the host's kernel."""
    paths = ("/proc/kcore", "/proc/kmsg", "/proc/vmcore", "/sys/kernel/debug", "/sys/firmware/efi")
    symbols = [line.split()[0] for line in content("/proc/kallsyms", 4096).splitlines()]
    addresses = ["/proc/kallsyms"] if any(symbol.strip(b"0") for symbol in symbols) else []
    return [path for path in paths if content(path, 64) or names(path)] + addresses


def machine(facts: Facts) -> list[str]:
    """What `/proc` says of the machine that no program needs, and how the session was started."""
    names = ("version", "cmdline", "diskstats", "partitions", "interrupts", "modules", "kallsyms", "key-users")
    told = [f"/proc/{name}" for name in names if content(f"/proc/{name}", 64)]
    return told + [f"/proc/1/cmdline: {line!r}" for line in [content("/proc/1/cmdline")] if b"/" in line]
