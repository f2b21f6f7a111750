"""Probes of the network: every way to another process, of the host or farther away."""

import errno
import os
import socket
import struct
from contextlib import suppress

from tests.contracts.sandbox.inside.system import Facts, content

ENOUGH = 5.0
METADATA = ("169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254")
FAMILIES = {
    "packet": (17, socket.SOCK_RAW),
    "netlink": (16, socket.SOCK_RAW),
    "key": (15, socket.SOCK_RAW),
    "algorithms": (38, socket.SOCK_SEQPACKET),
    "rxrpc": (33, socket.SOCK_DGRAM),
    "vsock": (40, socket.SOCK_STREAM),
    "xdp": (44, socket.SOCK_RAW),
    "bluetooth": (31, socket.SOCK_RAW),
    "can": (29, socket.SOCK_RAW),
    "tipc": (30, socket.SOCK_SEQPACKET),
    "rds": (21, socket.SOCK_SEQPACKET),
    "smc": (43, socket.SOCK_STREAM),
    "qipcrtr": (42, socket.SOCK_DGRAM),
    "x25": (9, socket.SOCK_SEQPACKET),
}
PROTOCOLS = {
    "sctp": (socket.SOCK_STREAM, 132),
    "sctp, by messages": (socket.SOCK_SEQPACKET, 132),
    "sctp, by its kind": (socket.SOCK_SEQPACKET, 0),
    "dccp": (6, 33),
    "dccp, by its kind": (6, 0),
    "mptcp": (socket.SOCK_STREAM, 262),
    "smc": (socket.SOCK_STREAM, 256),
    "udplite": (socket.SOCK_DGRAM, 136),
    "l2tp": (socket.SOCK_DGRAM, 115),
}
FILTERED = (errno.EPERM, errno.EACCES, errno.EAFNOSUPPORT)
REFUSED = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EPERM, errno.EACCES, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def _connects(family: int, kind: int, address: object) -> bool:
    with suppress(OSError), socket.socket(family, kind) as client:
        client.settimeout(ENOUGH)
        client.connect(address)  # pyright: ignore[reportArgumentType]
        return True
    return False


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def tcp(facts: Facts) -> list[str]:
    """A service of the host, at each of its addresses."""
    there = [(address, facts["tcp"]) for address in facts["addresses"]]
    return [f"{address}" for address in there if _connects(_family(address[0]), socket.SOCK_STREAM, address)]


def udp(facts: Facts) -> list[str]:
    """The same without a connection: it answers."""
    found: list[str] = []
    for address in facts["addresses"]:
        with suppress(OSError), socket.socket(_family(address), socket.SOCK_DGRAM) as client:
            client.settimeout(1.0)  # spent in full wherever nothing answers, as it should be
            client.sendto(b"hello", (address, facts["udp"]))
            if client.recv(100):
                found.append(address)
    return found


def unix_path(facts: Facts) -> list[str]:
    """A service of the host that listens at a path."""
    roots = ("", "/proc/1/root", "/proc/self/root", "/host", "/oldroot")
    paths = [root + facts["unix_path"] for root in roots]
    return [path for path in paths if _connects(socket.AF_UNIX, socket.SOCK_STREAM, path)]


def unix_abstract(facts: Facts) -> list[str]:
    """A service of the host that listens at a name without a file."""
    found = _connects(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + facts["unix_abstract"])
    listed = facts["unix_abstract"].encode() in content("/proc/net/unix")
    return ["connected"] * found + ["its name can be seen"] * listed


def metadata(facts: Facts) -> list[str]:
    """Where clouds keep their secrets: there must be no way, not only no answer."""
    found: list[str] = []
    for address in METADATA:
        with suppress(OSError), socket.socket(_family(address), socket.SOCK_STREAM) as client:
            client.setblocking(False)
            result = client.connect_ex((address, 80))
            if result not in REFUSED:
                found.append(f"{address}: {os.strerror(result)}")
    return found


def interfaces(facts: Facts) -> list[str]:
    """Network devices other than a loopback of one's own."""
    seen = {line.split(b":")[0].strip().decode() for line in content("/proc/net/dev").splitlines()[2:]}
    with suppress(OSError):
        seen |= {name for _, name in socket.if_nameindex()}
    routes = content("/proc/net/route").splitlines()[1:]
    return sorted(seen - {"lo"}) + [f"route {route.decode()}" for route in routes]


def names_of_hosts(facts: Facts) -> list[str]:
    """A question to a name server: it must not leave."""
    question = struct.pack(">6H", 1, 0x100, 1, 0, 0, 0) + b"\x07example\x03com\0\0\1\0\1"
    servers = [line.split()[1].decode() for line in content("/etc/resolv.conf").splitlines() if b"nameserver" in line]
    found: list[str] = []
    for server in {*servers, "192.0.2.53"}:
        with suppress(OSError), socket.socket(_family(server), socket.SOCK_DGRAM) as client:
            client.sendto(question, (server, 53))
            found.append(server)
    return found


def families(facts: Facts) -> list[str]:
    """Kinds of sockets that nobody needs, through which the kernel was broken into."""
    found: list[str] = []
    for name, (family, kind) in FAMILIES.items():
        with suppress(OSError), socket.socket(family, kind, 0):
            found.append(name)
    return found


def protocols(facts: Facts) -> list[str]:
    """Protocols of the internet other than TCP and UDP: the kernel loads code for them when it is asked."""
    found: list[str] = []
    for name, (kind, protocol) in PROTOCOLS.items():
        for family in (socket.AF_INET, socket.AF_INET6):
            try:
                socket.socket(family, kind, protocol).close()
                found.append(name)
            except OSError as error:
                if error.errno not in FILTERED:
                    found.append(f"{name}: {error}")
    return found


def raw_sockets(facts: Facts) -> list[str]:
    """Packets of one's own making."""
    found: list[str] = []
    for name, protocol in (("icmp", socket.IPPROTO_ICMP), ("raw", socket.IPPROTO_RAW)):
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol):
            found.append(name)
    return found
