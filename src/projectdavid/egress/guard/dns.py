"""Name resolution, and the addresses of this machine."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv6Address
from pathlib import Path
from typing import Protocol

_THREADS = 4


class DnsResolver(Protocol):
    """Resolves host names."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Return all addresses of a host.

        Raises:
            OSError: it has none, or no name server responded.
        """
        ...

    async def close(self) -> None:
        """Release its resources."""
        ...


class SystemResolver:
    """Resolves names with the system's resolver, in its own threads.

    A lookup cannot be cancelled: names whose servers never respond would otherwise exhaust the threads of the platform.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="outbound-dns")
        self._closed = False

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Return all addresses of a host.

        Raises:
            OSError: it has none, or no name server responded.
        """
        if self._closed:
            raise OSError("The resolver is closed.")
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return [_text(family, address) for family, _, _, _, address in found]

    async def close(self) -> None:
        """Accept no more lookups, without waiting for the running ones."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)


def own_addresses(proc: Path = Path("/proc/net")) -> frozenset[str]:
    """Return the addresses of this machine's network interfaces; empty without /proc, as on macOS.

    Source: proc(5). Public addresses that a cloud translates to this machine are not included.
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
        # Dropping the scope would make a link-local address look like an address of the internet.
        return f"{host}%{address[3]}"
    return host
