"""Which assistant's sandboxes may reach what: the operator's setting as proxies."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from projectdavid.outbound.heads import refusal
from projectdavid.outbound.lines import Write
from projectdavid.outbound.proxy import Bounds, Proxy
from projectdavid.outbound.resolving import Resolver, SystemResolver
from projectdavid.outbound.shares import DEFAULT, ConnectionLimits, ConnectionShares, ShareExhausted
from projectdavid.ports.sandbox import Tunnel

EVERY = "*"
"""Stands for each assistant that is not named."""


@dataclass(frozen=True, slots=True)
class SessionEgress:
    """The way out of one session: equal if it leads to the same hosts for the same session."""

    proxy: Proxy
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


class Egress:
    """Gives the sandboxes of each assistant their way out.

    Args:
        allow: lists of hosts, as `Proxy` takes them, by the id of an assistant; "*" is the list of all others. An
            empty list is no way out.
        own_addresses: those of this machine.
        resolver: who looks names up; closed with it.
        bounds: what each connection may take.
        limits: how many connections can be open at once, over all lists.

    Raises:
        ValueError: an entry cannot be read.
    """

    def __init__(
        self,
        allow: Mapping[str, Sequence[str]],
        *,
        own_addresses: Iterable[str] = (),
        resolver: Resolver | None = None,
        bounds: Bounds | None = None,
        limits: ConnectionLimits = DEFAULT,
    ) -> None:
        self._hosts = {name: tuple(hosts) for name, hosts in allow.items()}
        self._resolver = resolver or SystemResolver()
        self._shares = ConnectionShares(limits)
        own = frozenset(own_addresses)
        self._proxies = {
            name: Proxy(hosts, own_addresses=own, resolver=self._resolver, bounds=bounds)
            for name, hosts in self._hosts.items()
            if hosts
        }

    def __call__(self, assistant_id: str, owner: str, thread_id: str) -> Tunnel | None:
        """Return the way out of an assistant's session in a thread of an owner; None if it has none."""
        proxy = self._proxies.get(self._name(assistant_id))
        return None if proxy is None else SessionEgress(proxy, self._shares, owner, thread_id)

    def hosts(self, assistant_id: str) -> tuple[str, ...]:
        """What it leads to, as the operator wrote it."""
        return self._hosts.get(self._name(assistant_id), ())

    async def close(self) -> None:
        """Serve nobody any more."""
        for proxy in self._proxies.values():
            await proxy.close()
        await self._resolver.close()

    def _name(self, assistant_id: str) -> str:
        return assistant_id if assistant_id in self._hosts else EVERY
