"""Nothing in these tests may leave the machine, whatever the guard does wrong."""

import socket
from ipaddress import ip_address
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection but to this machine, and no look-up."""
    connect = socket.socket.connect

    def checked(self: socket.socket, address: Any) -> None:
        assert ip_address(address[0]).is_loopback, f"a connection to {address[0]}"
        connect(self, address)

    def getaddrinfo(host: Any, *rest: Any, **options: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket.socket, "connect", checked)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
