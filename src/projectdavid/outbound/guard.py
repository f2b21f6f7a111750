"""The guard: the one place through which every request to a URL goes that somebody outside has given."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from projectdavid.outbound.dialing import Line, ask
from projectdavid.outbound.exchange import Question, Reply, leads_on, redirected, sendable
from projectdavid.outbound.failures import TimedOut, Unreachable, bad_redirect
from projectdavid.outbound.policy import Policy
from projectdavid.outbound.resolving import Resolver, SystemResolver
from projectdavid.outbound.targets import Target, parsed

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Guard:
    """Asks the URLs of strangers, and nothing that is not meant for strangers.

    A request looks its host up once, checks every address that it has, and connects to one of these; the certificate
    is checked against the name. A redirect is a new request, checked as the first one was. Proxies of the environment,
    cookies and compressed answers are not used.

    Source: OWASP, "Server-Side Request Forgery Prevention Cheat Sheet"; Standard Webhooks, section "Security".

    Args:
        allow: what is allowed although its address is forbidden: "hooks.internal", "*.corp.example" (all names below),
            "10.1.0.0/16", "10.1.2.3", "fd00::/8". One without a slash may end in a port ("hooks.internal:25"), and is
            then allowed at this port only, whichever it is. A metadata service is allowed by its very address alone.
        allow_http: whether plain http is spoken, which then also opens port 80.
        ports: those that may be asked; if None, 443 and those from 1024 on at which a web server may be, which leaves
            out what browsers refuse and the usual ports of databases, brokers and the like.
        own_addresses: those of this machine, as `resolving.own_addresses` finds them, and its public one if a cloud
            translates it.
        timeout: seconds for a request with all of its redirects and all of its body.
        connect_timeout: seconds for looking a name up, and again for a connection with TLS.
        max_bytes: of the body of an answer.
        max_redirects: how many are followed; with 0 a redirect is an answer like any other.
        resolver: who looks names up; closed with the guard.
        tls: whom to trust, if not the certificates of the system.

    Raises:
        ValueError: an entry of `allow` or an address of `own_addresses` cannot be read.
    """

    def __init__(
        self,
        *,
        allow: Iterable[str] = (),
        allow_http: bool = False,
        ports: Collection[int] | None = None,
        own_addresses: Iterable[str] = (),
        timeout: float = 30,
        connect_timeout: float = 10,
        max_bytes: int = 2**20,
        max_redirects: int = 0,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = Policy(allow=allow, allow_http=allow_http, ports=ports, own=own_addresses)
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._line = Line(connect_timeout, max_bytes, tls)
        self._max_redirects = max_redirects
        self._resolver = resolver or SystemResolver()
        self._under_way: set[asyncio.Timeout] = set()
        self._closed = False

    def check(self, url: str) -> None:
        """See whether a URL may be asked, as far as it tells by itself: for when it is given, long before it is asked.

        Raises:
            Forbidden: it may not.
        """
        self._policy.admit(parsed(url))

    async def judge(self, url: str) -> tuple[str, ...]:
        """The addresses that a URL would be asked at, were it asked now.

        Raises:
            Forbidden: it may not be asked.
            Unreachable: its host has no address.
            TimedOut: nobody said in time what its address is.
        """
        return await self._judge(parsed(url))

    async def get(
        self,
        url: str,
        headers: Mapping[str, str] = _NO_HEADERS,
        before: Callable[[str], Awaitable[None]] | None = None,
    ) -> Reply:
        """Ask for what is at a URL; `before` is told each URL before it is asked, redirects too, within the same time.

        Raises:
            OutboundError: see `request`.
            Whatever `before` raises; then nothing more is asked.
        """
        return await self._bounded(Question("GET", parsed(url), sendable(headers), None), before)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str] = _NO_HEADERS) -> Reply:
        """Send a body to a URL; what kind of a body it is, `headers` say.

        Raises:
            OutboundError: see `request`.
        """
        return await self.request("POST", url, headers=headers, body=body)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] = _NO_HEADERS, body: bytes | None = None
    ) -> Reply:
        """Ask once, without retries; an answer of any status is an answer.

        Headers but the harmless ones stay behind where a redirect leads to another origin.

        Raises:
            Forbidden: the URL, one of its addresses, a redirect or a header is refused.
            Unreachable: no connection, or it broke off.
            TimedOut: no connection, or not all of the answer, in time.
            TooLarge: the body of the answer is longer than `max_bytes`.
        """
        return await self._bounded(Question(method.upper(), parsed(url), sendable(headers), body))

    async def close(self) -> None:
        """Break off the requests that are under way, and take no more."""
        self._closed = True
        now = asyncio.get_running_loop().time()
        for limit in self._under_way:
            if not limit.expired():
                limit.reschedule(now)
        await self._resolver.close()

    async def _bounded(self, asked: Question, before: Callable[[str], Awaitable[None]] | None = None) -> Reply:
        self._see_open(asked.target)
        limit = asyncio.timeout(self._timeout)
        self._under_way.add(limit)
        try:
            async with limit:
                return await self._follow(asked, before)
        except TimeoutError:
            self._see_open(asked.target)
            raise TimedOut(asked.target.where, "the whole request", self._timeout) from None
        finally:
            self._under_way.discard(limit)

    def _see_open(self, target: Target) -> None:
        if self._closed:
            raise Unreachable(target.where, "the platform is shutting down")

    async def _follow(self, asked: Question, before: Callable[[str], Awaitable[None]] | None) -> Reply:
        follow = self._max_redirects > 0
        for _ in range(self._max_redirects + 1):
            addresses = await self._judge(asked.target)
            if before is not None:
                await before(asked.target.url)
            reply = await ask(asked, addresses, self._line, follow=follow)
            if not (follow and leads_on(reply)):
                return replace(reply, url=asked.target.url)
            asked = redirected(asked, reply)
        raise bad_redirect(asked.target.where, f"there are more than {self._max_redirects} redirects in a row")

    async def _judge(self, target: Target) -> tuple[str, ...]:
        self._policy.admit(target)
        if target.address is not None:
            return (target.host,)
        try:
            async with asyncio.timeout(self._connect_timeout):
                answers = await self._resolver.resolve(target.host, target.port)
        except TimeoutError:
            raise TimedOut(target.where, "looking its name up", self._connect_timeout) from None
        except OSError:
            answers = ()
        addresses = self._policy.judged(target, answers)
        if not addresses:
            raise Unreachable(target.where, "its name has no address")
        return addresses
