"""The proxies of the sandboxes, by assistant, as configured by the operator."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from projectdavid.egress.guard.dns import DnsResolver, SystemResolver
from projectdavid.egress.proxy.http_heads import refusal
from projectdavid.egress.proxy.http_lines import Write
from projectdavid.egress.proxy.proxy import EgressProxy, ProxyLimits
from projectdavid.egress.proxy.shares import DEFAULT, ConnectionShares, ProxyConnectionLimits, ShareExhausted
from projectdavid.ports.sandbox import Tunnel

EVERY = "*"
"""The key for all assistants that are not listed."""


@dataclass(frozen=True, slots=True)
class SessionEgress:
    """The network access of one session: equal if it allows the same hosts for the same session."""

    proxy: EgressProxy
    shares: ConnectionShares
    owner: str
    session: str

    async def __call__(self, read: Callable[[], Awaitable[bytes]], write: Write) -> None:
        """Serve one connection within the shares of the session and its owner."""
        try:
            with self.shares.hold(self.owner, self.session):
                await self.proxy.serve(read, write)
        except ShareExhausted as exhausted:
            await write(refusal(503, str(exhausted)))


class EgressService:
    """Provides the sandboxes of each assistant with network access.

    Args:
        allow: lists of hosts, as for `EgressProxy`, by assistant id; "*" is the list of all others. An empty list means
            no access.
        own_addresses: those of this machine.
        resolver: resolves names; closed with it.
        bounds: limits of each connection.
        limits: maximum number of open connections, over all lists.

    Raises:
        ValueError: an entry cannot be parsed.
    """

    def __init__(
        self,
        allow: Mapping[str, Sequence[str]],
        *,
        own_addresses: Iterable[str] = (),
        resolver: DnsResolver | None = None,
        bounds: ProxyLimits | None = None,
        limits: ProxyConnectionLimits = DEFAULT,
    ) -> None:
        self._hosts = {name: tuple(hosts) for name, hosts in allow.items()}
        self._resolver = resolver or SystemResolver()
        self._shares = ConnectionShares(limits)
        own = frozenset(own_addresses)
        self._proxies = {
            name: EgressProxy(hosts, own_addresses=own, resolver=self._resolver, bounds=bounds)
            for name, hosts in self._hosts.items()
            if hosts
        }

    def __call__(self, assistant_id: str, owner: str, thread_id: str) -> Tunnel | None:
        """Return the network access of a session: an assistant in a thread of an owner; None if it has none."""
        proxy = self._proxies.get(self._name(assistant_id))
        return None if proxy is None else SessionEgress(proxy, self._shares, owner, thread_id)

    def hosts(self, assistant_id: str) -> tuple[str, ...]:
        """The hosts it can reach, as configured."""
        return self._hosts.get(self._name(assistant_id), ())

    async def close(self) -> None:
        """Close all connections and accept no more."""
        for proxy in self._proxies.values():
            await proxy.close()
        await self._resolver.close()

    def _name(self, assistant_id: str) -> str:
        return assistant_id if assistant_id in self._hosts else EVERY
