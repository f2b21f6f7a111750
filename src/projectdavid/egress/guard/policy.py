"""The rules of one guard: schemes, ports, addresses, and the operator's exceptions. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Self

from projectdavid.egress.guard import failures
from projectdavid.egress.guard.addresses import Address, canonical, forbidden
from projectdavid.egress.guard.targets import RequestTarget, authority_of

_NO_BROWSER = frozenset(
    (1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080)
)
"""The Fetch standard, section "Port blocking": ports that browsers block, from 1024 on."""

_SERVICES = {
    2181: "ZooKeeper",
    2375: "Docker",
    2376: "Docker",
    2379: "etcd",
    2380: "etcd",
    3306: "MySQL",
    3389: "RDP",
    5432: "Postgres",
    5672: "AMQP",
    5900: "VNC",
    6379: "Redis",
    6380: "Redis",
    6443: "Kubernetes",
    9042: "Cassandra",
    9092: "Kafka",
    9200: "Elasticsearch",
    9300: "Elasticsearch",
    10250: "kubelet",
    10255: "kubelet",
    11211: "memcached",
    27017: "MongoDB",
}
"""Ports of services that execute commands or hold data."""

_LOOPBACK = ip_address("127.0.0.1")


@dataclass(frozen=True, slots=True)
class AllowedTarget:
    """An exception of the operator: a name, all names below one, or a network; for one port, or for all usual ones."""

    name: str = ""
    below: str = ""
    network: IPv4Network | IPv6Network | None = None
    port: int | None = None

    @classmethod
    def of(cls, text: str, setting: str = failures.SETTING) -> Self:
        """Parse "hooks.internal", "*.corp.example", "10.1.0.0/16", "::1", or an entry without a slash followed by
        ":8080".

        Raises:
            ValueError: it has none of these forms; the message names the `setting`.
        """
        try:
            return cls._read(text.strip())
        except ValueError as error:
            raise ValueError(f"{text!r} in {setting} is not a host, network or host:port: {error}.") from None

    @classmethod
    def _read(cls, text: str) -> Self:
        if "/" in text:
            return cls(network=ip_network(text))
        if text.count(":") > 1 and not text.startswith("["):
            return cls(network=ip_network(text))
        wildcard = text.startswith("*.")
        host, address, given = authority_of(text[2:] if wildcard else text)
        if given is not None and not (given.isascii() and given.isdecimal() and 0 < int(given) < 2**16):
            raise ValueError("its port is not a number from 1 to 65535")
        port = int(given) if given else None
        if address is not None:
            if wildcard:
                raise ValueError("addresses have no subdomains")
            return cls(network=ip_network(address), port=port)
        return cls(below=f".{host}", port=port) if wildcard else cls(name=host, port=port)

    def names(self, target: RequestTarget) -> bool:
        """Return True if it allows the target's host by name, as written in the URL."""
        if self.port not in (None, target.port):
            return False
        if target.address is not None:
            return self.holds(target.address)
        return target.host == self.name or bool(self.below and target.host.endswith(self.below))

    def holds(self, address: Address) -> bool:
        """Return True if its network contains an address."""
        return self.network is not None and address in self.network

    def is_only(self, address: Address) -> bool:
        """Return True if it allows exactly this address."""
        return self.network is not None and self.network.num_addresses == 1 and address in self.network


class EgressPolicy:
    """Decides about targets and addresses.

    Raises:
        ValueError: an entry of `allow` or an address of `own` cannot be parsed.
    """

    def __init__(
        self,
        *,
        allow: Iterable[str] = (),
        allow_http: bool = False,
        ports: Collection[int] | None = None,
        own: Iterable[str] = (),
    ) -> None:
        self._allow = [AllowedTarget.of(text) for text in allow]
        self._schemes = {"https", "http"} if allow_http else {"https"}
        self._low_ports = {443, 80} if allow_http else {443}
        self._ports = ports
        self._own = frozenset(canonical(address) for address in own)

    def admit(self, target: RequestTarget) -> None:
        """Check a target by its URL alone.

        Raises:
            TargetForbidden: requests to it are not allowed.
        """
        if target.scheme not in self._schemes:
            raise failures.not_https(target.where)
        if not self._is_web(target.port) and not any(entry.port and entry.names(target) for entry in self._allow):
            raise failures.bad_port(target.where, target.entry)
        if target.address is not None:
            self._judge(target, target.address)
        elif target.host == "localhost" or target.host.endswith(".localhost"):
            # RFC 6761, section 6.3: regardless of the name server's answer.
            self._judge(target, _LOOPBACK)

    def check_addresses(self, target: RequestTarget, answers: Sequence[str]) -> tuple[str, ...]:
        """Check all addresses that a target resolves to, and return them in canonical form.

        Raises:
            TargetForbidden: one of them is forbidden. This rejects all of them, because a mixed answer is an attack.
        """
        checked: list[str] = []
        for answer in answers:
            try:
                address = canonical(answer)
            except ValueError:
                raise failures.leads_to("unreadable", target.where, target.entry) from None
            self._judge(target, address)
            checked.append(str(address))
        return tuple(dict.fromkeys(checked))

    def _judge(self, target: RequestTarget, address: Address) -> None:
        rule = forbidden(address, own=self._own)
        if rule is not None and not any(self._excepts(entry, target, address, rule) for entry in self._allow):
            raise failures.leads_to(rule, target.where, target.entry)

    @staticmethod
    def _excepts(entry: AllowedTarget, target: RequestTarget, address: Address, rule: str) -> bool:
        if entry.port not in (None, target.port):
            return False
        if rule == "metadata":
            # A wide network or a name must not expose the credentials of the machine.
            return entry.is_only(address)
        return entry.names(target) or entry.holds(address)

    def _is_web(self, port: int) -> bool:
        if self._ports is not None:
            return port in self._ports
        return port in self._low_ports or (port >= 1024 and port not in _NO_BROWSER and port not in _SERVICES)
