"""The guard through which every request to a URL from users goes."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from projectdavid.egress.guard.connections import BodySink, ConnectionOptions, ask
from projectdavid.egress.guard.dns import DnsResolver, SystemResolver
from projectdavid.egress.guard.failures import TargetUnreachable, TimedOut, bad_redirect
from projectdavid.egress.guard.http_messages import GuardedReply, GuardedRequest, follow_redirect, leads_on, sendable
from projectdavid.egress.guard.policy import EgressPolicy
from projectdavid.egress.guard.targets import RequestTarget, parse_target

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class EgressGuard:
    """Sends requests to untrusted URLs, but never to internal targets.

    A request resolves its host once, checks all its addresses, and connects to one of them; the certificate is verified
    for the name. A redirect is a new request with the same checks. Proxies of the environment, cookies and compressed
    responses are not used.

    Source: OWASP, "Server-Side Request Forgery Prevention Cheat Sheet"; Standard Webhooks, section "Security".

    Args:
        allow: exceptions for forbidden addresses: "hooks.internal", "*.corp.example" (all names below),
            "10.1.0.0/16", "10.1.2.3", "fd00::/8". An entry without a slash can end in a port ("hooks.internal:25"),
            which it then allows exclusively. A metadata service must be listed by its exact address.
        allow_http: allow plain http, and with it port 80.
        ports: the allowed ports; None: 443 and ports from 1024 on, except those that browsers block and the usual ports
            of databases and brokers.
        own_addresses: those of this machine, as returned by `dns.own_addresses`, and its public one if a cloud
            translates it.
        timeout: seconds for a request, including redirects and body.
        connect_timeout: seconds for the name lookup, and again for the connection with TLS.
        max_bytes: size limit of a response body.
        max_redirects: number of redirects to follow; with 0, a redirect is an ordinary response.
        resolver: resolves names; closed with the guard.
        tls: the trusted certificates; by default those of the system.

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
        resolver: DnsResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = EgressPolicy(allow=allow, allow_http=allow_http, ports=ports, own=own_addresses)
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._line = ConnectionOptions(connect_timeout, max_bytes, tls)
        self._max_redirects = max_redirects
        self._resolver = resolver or SystemResolver()
        self._under_way: set[asyncio.Timeout] = set()
        self._closed = False

    def check(self, url: str) -> None:
        """Check a URL by its text alone, for example when it is stored, before any request.

        Raises:
            TargetForbidden: requests to it are not allowed.
        """
        self._policy.admit(parse_target(url))

    async def judge(self, url: str) -> tuple[str, ...]:
        """Return the addresses that a request to a URL would use now.

        Raises:
            TargetForbidden: requests to it are not allowed.
            TargetUnreachable: its host has no address.
            TimedOut: the name lookup took too long.
        """
        return await self._judge(parse_target(url))

    async def get(
        self,
        url: str,
        headers: Mapping[str, str] = _NO_HEADERS,
        before: Callable[[str], Awaitable[None]] | None = None,
    ) -> GuardedReply:
        """Send a GET request; `before` is called with each URL before its request, redirects included, within the same
        timeout.

        Raises:
            OutboundError: see `request`.
            Exception: anything that `before` raises; no further request is sent then.
        """
        return await self._send_bounded(GuardedRequest("GET", parse_target(url), sendable(headers), None), before)

    async def download(
        self, url: str, write: Callable[[bytes], object], max_bytes: int, headers: Mapping[str, str] = _NO_HEADERS
    ) -> GuardedReply:
        """Pass the body at a URL to `write` in pieces, up to `max_bytes`; a successful reply has no body.

        The timeout applies to each piece, not to the total.

        Raises:
            OutboundError: see `request`; `write` can have received a part.
        """
        asked = GuardedRequest("GET", parse_target(url), sendable(headers), None)
        return await self._send_bounded(asked, sink=BodySink(write, max_bytes))

    async def post(self, url: str, body: bytes, headers: Mapping[str, str] = _NO_HEADERS) -> GuardedReply:
        """Send a body to a URL; `headers` include its content type.

        Raises:
            OutboundError: see `request`.
        """
        return await self.request("POST", url, headers=headers, body=body)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] = _NO_HEADERS, body: bytes | None = None
    ) -> GuardedReply:
        """Send a request once, without retries, and return the response, whatever its status.

        If a redirect leads to another origin, only harmless headers are sent on.

        Raises:
            TargetForbidden: the URL, one of its addresses, a redirect or a header is not allowed.
            TargetUnreachable: no connection, or it broke.
            TimedOut: no connection or no complete response in time.
            AnswerTooLarge: the response body exceeds `max_bytes`.
        """
        return await self._send_bounded(GuardedRequest(method.upper(), parse_target(url), sendable(headers), body))

    async def close(self) -> None:
        """Abort the running requests, and accept no more."""
        self._closed = True
        now = asyncio.get_running_loop().time()
        for limit in self._under_way:
            if not limit.expired():
                limit.reschedule(now)
        await self._resolver.close()

    async def _send_bounded(
        self,
        asked: GuardedRequest,
        before: Callable[[str], Awaitable[None]] | None = None,
        sink: BodySink | None = None,
    ) -> GuardedReply:
        self._check_open(asked.target)
        limit = asyncio.timeout(self._timeout)
        self._under_way.add(limit)
        if sink is not None:
            sink = BodySink(partial(self._write, limit, sink.write), sink.max_bytes)
        try:
            async with limit:
                return await self._follow(asked, before, sink)
        except TimeoutError:
            self._check_open(asked.target)
            raise TimedOut(asked.target.where, "the whole request", self._timeout) from None
        finally:
            self._under_way.discard(limit)

    def _write(self, limit: asyncio.Timeout, write: Callable[[bytes], object], data: bytes) -> None:
        """Pass a piece on, and restart the timeout for the next one."""
        write(data)
        if not (self._closed or limit.expired()):
            limit.reschedule(asyncio.get_running_loop().time() + self._timeout)

    def _check_open(self, target: RequestTarget) -> None:
        if self._closed:
            raise TargetUnreachable(target.where, "the platform is shutting down")

    async def _follow(
        self, asked: GuardedRequest, before: Callable[[str], Awaitable[None]] | None, sink: BodySink | None
    ) -> GuardedReply:
        follow = self._max_redirects > 0
        for _ in range(self._max_redirects + 1):
            addresses = await self._judge(asked.target)
            if before is not None:
                await before(asked.target.url)
            reply = await ask(asked, addresses, self._line, follow=follow, sink=sink)
            if not (follow and leads_on(reply)):
                return replace(reply, url=asked.target.url)
            asked = follow_redirect(asked, reply)
        raise bad_redirect(asked.target.where, f"there are more than {self._max_redirects} redirects in a row")

    async def _judge(self, target: RequestTarget) -> tuple[str, ...]:
        self._policy.admit(target)
        if target.address is not None:
            return (target.host,)
        try:
            async with asyncio.timeout(self._connect_timeout):
                answers = await self._resolver.resolve(target.host, target.port)
        except TimeoutError:
            raise TimedOut(target.where, "the name lookup", self._connect_timeout) from None
        except OSError:
            answers = ()
        addresses = self._policy.check_addresses(target, answers)
        if not addresses:
            raise TargetUnreachable(target.where, "its name has no address")
        return addresses
