"""Hosts on one machine: network namespaces on a bridge, each of which can be cut off and healed."""

import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import pytest


class Hosts:
    """Two hosts; this process, and what it starts itself, is on a third one with the `address`."""

    NUMBER = 2

    def __init__(self) -> None:
        self._tag = os.getpid() % 100_000
        self._network = f"10.77.{os.getpid() % 250}"
        self.address = f"{self._network}.1"

    @contextmanager
    def run(self) -> Generator[None]:
        """Connect the hosts; everything is removed at the end."""
        bridge = f"pdb{self._tag}"
        with ExitStack() as stack:
            _ip("link", "add", bridge, "type", "bridge")
            stack.callback(_ip, "link", "delete", bridge)
            _ip("address", "add", f"{self.address}/24", "dev", bridge)
            _ip("link", "set", bridge, "up")
            for host in range(self.NUMBER):
                name, cable = self._name(host), self._cable(host)
                _ip("netns", "add", name)
                stack.callback(_ip, "netns", "delete", name)
                _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
                _ip("link", "set", cable, "master", bridge, "up")
                _ip("-n", name, "address", "add", f"{self.address_of(host)}/24", "dev", "eth0")
                _ip("-n", name, "link", "set", "eth0", "up")
                _ip("-n", name, "link", "set", "lo", "up")
            yield

    def address_of(self, host: int) -> str:
        """The address of a host."""
        return f"{self._network}.{host + 11}"

    def prefix(self, host: int) -> list[str]:
        """The command that runs another one on a host."""
        return ["ip", "netns", "exec", self._name(host)]

    def cut(self, host: int) -> None:
        """Cut a host off: packets are lost, and no connection ends, as with a pulled cable."""
        _ip("link", "set", self._cable(host), "down")

    def heal(self, host: int) -> None:
        """Connect it again."""
        _ip("link", "set", self._cable(host), "up")

    def _name(self, host: int) -> str:
        return f"pd{self._tag}-{host}"

    def _cable(self, host: int) -> str:
        return f"pdv{self._tag}-{host}"


def require_hosts() -> None:
    """Skip the test if this system cannot have hosts."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    if shutil.which("ip") is None:
        pytest.skip("network namespaces need the program ip, of the package iproute2")
    probe = f"pd{os.getpid()}-probe"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True).returncode:
        pytest.skip("this system allows no network namespaces")
    _ip("netns", "delete", probe)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
