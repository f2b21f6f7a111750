"""Ask the name servers, and tell which addresses this machine has itself."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv6Address
from pathlib import Path
from typing import Protocol

_THREADS = 4


class Resolver(Protocol):
    """Looks names up."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """All addresses of a host.

        Raises:
            OSError: it has none, or nobody could be asked.
        """
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...


class SystemResolver:
    """Looks names up as every program of this machine does, in threads of its own.

    Of its own, because a look-up cannot be called off: names whose servers never answer would otherwise fill the
    threads that the rest of the platform waits for.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="outbound-dns")
        self._closed = False

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """All addresses of a host.

        Raises:
            OSError: it has none, or nobody could be asked.
        """
        if self._closed:
            raise OSError("The resolver is closed.")
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return [_text(family, address) for family, _, _, _, address in found]

    async def close(self) -> None:
        """Take no more look-ups, and wait for none."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)


def own_addresses(proc: Path = Path("/proc/net")) -> frozenset[str]:
    """The addresses of this machine's network interfaces; none where there is no /proc, as on macOS.

    Source: proc(5). What a cloud translates to this machine from outside is not among them.
    """
    found: set[str] = set()
    if (v4 := proc / "fib_trie").is_file():
        address = ""
        for line in v4.read_text().splitlines():
            kind, _, rest = line.strip().partition(" ")
            if kind == "|--":
                address = rest
            elif line.strip() == "/32 host LOCAL":
                found.add(address)
    if (v6 := proc / "if_inet6").is_file():
        found.update(str(IPv6Address(bytes.fromhex(line.split()[0]))) for line in v6.read_text().splitlines())
    return frozenset(found)


def _text(family: int, address: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]) -> str:
    host = str(address[0])
    if family == socket.AF_INET6 and len(address) == 4 and address[3] and "%" not in host:
        # A scope that is not written out would be lost, and with it that this is no address of the internet.
        return f"{host}%{address[3]}"
    return host
