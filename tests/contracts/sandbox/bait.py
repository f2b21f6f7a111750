"""What lies about on the host while a sandbox is tried: secrets, services and a process, none of which may be had."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VICTIM = Path(__file__).with_name("victim.py")
REPOSITORY = Path(__file__).resolve().parents[3]
NAMESPACES = ("pid", "mnt", "net", "ipc", "uts", "user", "cgroup")
FOLDERS = ("/root", "/home", "/var/log", "/var/lib", "/var/cache", "/etc/ssh", "/boot", "/srv", "/opt", str(REPOSITORY))
WRITABLE = ("/mnt/data", "/tmp", "/dev/shm")


@dataclass(frozen=True)
class Bait:
    """What the probes are told, and the process that counts signals."""

    facts: dict[str, Any]
    victim: subprocess.Popen[str]

    def signals(self) -> int:
        """How many signals have reached the victim."""
        assert self.victim.stdin is not None
        assert self.victim.stdout is not None
        self.victim.stdin.write("\n")
        self.victim.stdin.flush()
        return int(self.victim.stdout.readline())


@contextmanager
def laid(uid: int | None = None) -> Generator[Bait]:
    """Lay the bait before the sandbox starts, so that it could inherit it; all is taken away at the end.

    `uid` is the host's user that the sandbox's processes run as, where known: the victim is made one of the same.
    """
    secret = f"canary-{secrets.token_hex(16)}"
    folder = Path(tempfile.mkdtemp(prefix="projectdavid-bait-"))
    folder.chmod(0o755)
    paths = {"public": folder / "public.txt", "private": folder / "private.txt"}
    for name, path in paths.items():
        path.write_text(secret)
        path.chmod(0o644 if name == "public" else 0o600)
    leaked = os.open(paths["private"], os.O_RDONLY)
    os.set_inheritable(leaked, True)
    os.environ["PROJECTDAVID_CANARY"] = secret
    try:
        with _victim(folder, secret, uid) as victim:
            assert victim.stdout is not None
            told = json.loads(victim.stdout.readline())
            yield Bait(_facts(secret) | {name: str(path) for name, path in paths.items()} | told, victim)
    finally:
        del os.environ["PROJECTDAVID_CANARY"]
        os.close(leaked)
        shutil.rmtree(folder)


@contextmanager
def _victim(folder: Path, secret: str, uid: int | None) -> Generator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(VICTIM), str(folder), str(-1 if uid is None else uid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "VICTIM_SECRET": secret},
        text=True,
    ) as victim:
        try:
            yield victim
        finally:
            victim.kill()


def _facts(secret: str) -> dict[str, Any]:
    """What is so on this host."""
    ways = {part for path in (sys.prefix, sys.base_prefix, sys.executable) for part in Path(path).parts}
    folders = {folder: sorted({path.name for path in _below(folder)} - ways) for folder in FOLDERS}
    return {
        "secret": secret,
        "mark": secrets.token_hex(8),
        "victim_mark": VICTIM.name,
        "folders": folders,
        "writable": list(WRITABLE),
        "addresses": ["127.0.0.1", *_addresses()],
        "namespaces": {kind: str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in NAMESPACES},
    }


def _below(folder: str) -> list[Path]:
    try:
        return list(Path(folder).iterdir())
    except OSError:
        return []


def _addresses() -> list[str]:
    """Addresses of the host by which it is reached from outside, if it has any."""
    with socket.socket(type=socket.SOCK_DGRAM) as way:
        try:
            way.connect(("192.0.2.1", 9))
        except OSError:
            return []
        return [way.getsockname()[0]]
