"""What code leaves behind to harm who collects it: links, pipes, odd names, depth, and files that change."""

import ctypes
import os
import socket
import threading
from contextlib import suppress
from pathlib import Path

from tests.contracts.sandbox.inside.system import Facts, call, number

EXCHANGE = 2
HERE = -100
ODD = (
    b"new\nline",
    b"bell\x07",
    b"escape\x1b[2J",
    b"not-utf8-\xff",
    b"-rf",
    b" ",
    b"...",
    b"tab\t",
    b"b\\s",
    b"a" * 255,
)


def links(facts: Facts) -> list[str]:
    """Everything that is no regular file of its own, and one that is."""
    secret = Path("/tmp/outside.txt")
    secret.write_text("outside")
    Path("regular.txt").write_text("regular")
    folder = Path("links")
    folder.mkdir()
    targets = {
        "absolute": "/etc/passwd",
        "outside": str(secret),
        "relative": "../../../../etc/passwd",
        "folder": "/etc",
        "process": "/proc/self/environ",
        "root": "/proc/1/root/etc/passwd",
        "descriptor": "/proc/self/fd/0",
        "zero": "/dev/zero",
        "self": "self",
        "nowhere": "/nowhere",
        "inner": "../regular.txt",
    }
    for name, target in targets.items():
        (folder / name).symlink_to(target)
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
    Path("linked-folder").symlink_to("/tmp")
    with suppress(OSError):
        (folder / "hard").hardlink_to("/etc/passwd")
    set_id = Path("set-id")
    set_id.write_text("#!/bin/sh\n")
    with suppress(OSError):
        set_id.chmod(0o6755)
    return []


def odd_names(facts: Facts) -> list[str]:
    """Names that are no text, or that do something to a terminal, a header or a path."""
    os.mkdir(b"odd")  # noqa: PTH102 - bytes
    for name in ODD:
        os.close(os.open(b"odd/" + name, os.O_CREAT | os.O_WRONLY))
    return []


def deep_folders(facts: Facts) -> list[str]:
    """Folders, six hundred deep, with a file at the bottom."""

    def dig() -> None:
        os.mkdir("deep")  # noqa: PTH102
        os.chdir("deep")
        for _ in range(600):
            os.mkdir("d" * 200)  # noqa: PTH102 - relative to where it is by now
            os.chdir("d" * 200)
        Path("bottom").write_text("bottom")

    pid = os.fork()
    if not pid:
        with suppress(OSError):
            dig()
        os._exit(0)
    os.waitpid(pid, 0)
    return []


def many_files(facts: Facts) -> list[str]:
    """As many files as there is room for, of a hundred thousand."""
    folder = Path("many")
    folder.mkdir()
    with suppress(OSError):
        for at in range(100_000):
            os.close(os.open(folder / str(at), os.O_CREAT | os.O_WRONLY))
    return []


def swapped_file(facts: Facts) -> list[str]:
    """A thread goes on to swap a file with a link to another, as fast as it can."""
    Path("swapped").write_bytes(b"regular" * 1000)
    Path("swap").symlink_to("/etc/passwd")
    Path("swapped-folder").mkdir()
    Path("swapped-folder/passwd").write_bytes(b"regular" * 1000)
    Path("swap-folder").symlink_to("/etc")
    rename = number(316, 276)
    pairs = [(b"swapped", b"swap"), (b"swapped-folder", b"swap-folder")]
    kept = [tuple(ctypes.create_string_buffer(name) for name in pair) for pair in pairs]

    def swap() -> None:
        while True:
            for one, other in kept:
                call(rename, HERE, ctypes.addressof(one), HERE, ctypes.addressof(other), EXCHANGE)

    threading.Thread(target=swap, daemon=True).start()
    return []
