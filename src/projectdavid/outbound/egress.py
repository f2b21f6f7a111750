"""Which assistant's sandboxes may reach what: the operator's setting as proxies."""

from collections.abc import Iterable, Mapping, Sequence

from projectdavid.outbound.proxy import Bounds, Proxy
from projectdavid.outbound.resolving import Resolver, SystemResolver
from projectdavid.ports.sandbox import Tunnel

EVERY = "*"
"""Stands for each assistant that is not named."""


class Egress:
    """Gives the sandboxes of each assistant their way out.

    Args:
        allow: lists of hosts, as `Proxy` takes them, by the id of an assistant; "*" is the list of all others. An
            empty list is no way out.
        own_addresses: those of this machine.
        resolver: who looks names up; closed with it.
        bounds: what the programs of each list may take.

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
    ) -> None:
        self._hosts = {name: tuple(hosts) for name, hosts in allow.items()}
        self._resolver = resolver or SystemResolver()
        own = frozenset(own_addresses)
        self._proxies = {
            name: Proxy(hosts, own_addresses=own, resolver=self._resolver, bounds=bounds)
            for name, hosts in self._hosts.items()
            if hosts
        }

    def __call__(self, assistant_id: str) -> Tunnel | None:
        """The way out of an assistant's sandboxes; the same one each time, for all that share a list. None: nothing."""
        proxy = self._proxies.get(self._name(assistant_id))
        return None if proxy is None else proxy.serve

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
