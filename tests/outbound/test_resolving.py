"""The name servers of the system, and the addresses of the machine."""

import socket
from pathlib import Path
from typing import Any

import pytest

from projectdavid.egress import EgressGuard, TargetUnreachable, own_addresses
from projectdavid.egress.guard.dns import SystemResolver

pytestmark = pytest.mark.anyio

FIB_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 8.8.8.0/24 2 0 2
        |-- 8.8.8.0
           /24 link UNICAST
        |-- 8.8.8.8
           /32 host LOCAL
        |-- 8.8.8.255
           /32 link BROADCAST
"""
IF_INET6 = """\
26064700000000000000000000000001 02 40 00 80     eth0
00000000000000000000000000000001 01 80 10 80       lo
"""


async def test_the_system_answers_with_all_addresses(monkeypatch: pytest.MonkeyPatch):
    def getaddrinfo(host: str, port: int, **options: Any) -> list[Any]:
        assert (host, port, options) == ("hooks.example", 443, {"type": socket.SOCK_STREAM})
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443)),
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2606:4700::1", 443, 0, 0)),
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", 443, 0, 2)),
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1%eth0", 443, 0, 2)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    resolver = SystemResolver()
    found = await resolver.resolve("hooks.example", 443)
    assert found == ["8.8.8.8", "2606:4700::1", "fe80::1%2", "fe80::1%eth0"]
    await resolver.close()


async def test_a_guard_asks_the_system_and_closes_what_it_asked_with():
    guard = EgressGuard()
    for _ in range(2):
        with pytest.raises(TargetUnreachable):
            await guard.judge("https://hooks.example/")
        await guard.close()


def test_the_addresses_of_the_machine_are_read(tmp_path: Path):
    (tmp_path / "fib_trie").write_text(FIB_TRIE)
    (tmp_path / "if_inet6").write_text(IF_INET6)
    found = own_addresses(tmp_path)
    assert found == {"8.8.8.8", "2606:4700::1", "::1"}
    EgressGuard(own_addresses=found)


def test_no_address_is_known_where_the_system_does_not_tell(tmp_path: Path):
    assert own_addresses(tmp_path) == frozenset()


def test_the_addresses_of_this_machine_are_taken_as_they_are():
    EgressGuard(own_addresses=own_addresses())
