"""The proxy of a sandbox: the only network access of programs inside, to hosts that the operator has listed.

A session passes it each connection that a program makes to its proxy (`ports.sandbox.Tunnel`). It supports HTTP/1.1:
CONNECT, and requests with an absolute URL, one per connection. Clients follow redirects themselves, with new requests.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from projectdavid.egress.guard import failures
from projectdavid.egress.guard.dns import DnsResolver
from projectdavid.egress.guard.failures import OutboundError, TargetForbidden, TargetUnreachable, TimedOut
from projectdavid.egress.guard.guard import EgressGuard
from projectdavid.egress.guard.policy import AllowedTarget
from projectdavid.egress.guard.targets import RequestTarget
from projectdavid.egress.proxy.http_heads import (
    MAX_HEAD,
    MalformedHead,
    ProxyRequest,
    parse_request,
    refusal,
    rewrite_response,
)
from projectdavid.egress.proxy.http_lines import (
    ByteMeter,
    ClientStream,
    ConnectionEnded,
    ServerStream,
    Write,
    exchange,
    pass_body,
)

log = logging.getLogger("projectdavid.egress")

SETTING = "sandbox_egress"
"""Name of the setting with the operator's list of hosts."""

_USUAL = frozenset((80, 443))
"""The ports of an entry without a port."""
_ALL = range(1, 2**16)


@dataclass(frozen=True, slots=True)
class ProxyLimits:
    """Limits of one connection; times in seconds."""

    head_timeout: float = 15
    """For a complete request head."""
    connect_timeout: float = 10
    """For the name lookup, and again for the connection."""
    idle_timeout: float = 120
    """Without a byte in either direction."""
    max_bytes: int = 1 << 30
    """Bytes of one connection, both directions together."""


class EgressProxy:
    """Serves connections to listed hosts at public addresses.

    Each request resolves its host once, checks all its addresses, and connects to one of them.

    Args:
        allow: names ("pypi.org", "*.example.com": all names below), and addresses or networks. An entry without a slash
            can end in a port; otherwise the ports are 80 and 443. A private address must be listed itself, even if a
            listed name resolves to it; a metadata service must be listed by its exact address.
        own_addresses: those of this machine.
        resolver: resolves names; closed with the proxy.
        bounds: limits of each connection.

    Raises:
        ValueError: an entry of `allow` or an address of `own_addresses` cannot be parsed.
    """

    def __init__(
        self,
        allow: Sequence[str],
        *,
        own_addresses: Sequence[str] | frozenset[str] = (),
        resolver: DnsResolver | None = None,
        bounds: ProxyLimits | None = None,
    ) -> None:
        self._bounds = bounds or ProxyLimits()
        self._entries = [AllowedTarget.of(text, SETTING) for text in allow]
        self._guard = EgressGuard(
            # Without names: a listed name must not lead to a private address just because it is listed.
            allow=[text for text, entry in zip(allow, self._entries, strict=True) if entry.network is not None],
            allow_http=True,
            ports=_ALL,
            own_addresses=own_addresses,
            connect_timeout=self._bounds.connect_timeout,
            resolver=resolver,
        )

    async def serve(self, read: Callable[[], Awaitable[bytes]], write: Write) -> None:
        """Serve one connection until one of its ends closes."""
        await self._serve(ClientStream(read), write)

    async def close(self) -> None:
        """Close all connections and accept no more."""
        await self._guard.close()

    async def _serve(self, source: ClientStream, write: Write) -> None:
        try:
            asked = await self._read_request(source)
            line = await self._line(asked.target)
        except ConnectionEnded:
            return
        except _Refused as refused:
            log.info("%s", refused)
            await write(refusal(refused.status, str(refused)))
            return
        meter = ByteMeter(self._bounds.max_bytes, self._bounds.idle_timeout)
        try:
            if asked.is_line:
                await write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                await write(await _ask(asked, source, write, line, meter))
            await exchange(source, write, line, meter, deaf=not asked.is_line)
        except _Refused as refused:
            await write(refusal(refused.status, str(refused)))
        except ConnectionEnded as ended:
            log.info("%s: %s", asked.target.where, ended)
        finally:
            line.abort()

    async def _read_request(self, source: ClientStream) -> ProxyRequest:
        """Read and check a request.

        Raises:
            ConnectionEnded: the client sent nothing.
            _Refused: it cannot be parsed, or its target is not listed.
        """
        try:
            async with asyncio.timeout(self._bounds.head_timeout):
                asked = parse_request(await source.head(MAX_HEAD))
        except TimeoutError:
            raise _Refused(408, "The request took too long to arrive.") from None
        except MalformedHead as error:
            raise _Refused(400, f"The request is malformed: {error}.") from None
        except TargetForbidden as error:
            raise _Refused(400, str(error)) from None
        target = asked.target
        if not any(entry.names(target) and (entry.port or target.port in _USUAL) for entry in self._entries):
            raise _Refused(403, _not_listed(target))
        return asked

    async def _line(self, target: RequestTarget) -> ServerStream:
        """Connect to a checked address.

        Raises:
            _Refused: no address can be reached or is allowed.
        """
        try:
            addresses = await self._guard.judge(target.url)
            return await _dial(target, addresses, self._bounds.connect_timeout)
        except TargetForbidden as error:
            raise _Refused(403, _leads_astray(target, error.rule)) from None
        except TimedOut as error:
            raise _Refused(504, str(error)) from None
        except OutboundError as error:
            raise _Refused(502, str(error)) from None


class _Refused(Exception):
    """An error response of the proxy."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def _ask(asked: ProxyRequest, source: ClientStream, write: Write, line: ServerStream, meter: ByteMeter) -> bytes:
    """Send one request, and return the head of its response.

    Raises:
        _Refused: the server sent none.
    """
    where = asked.target.where
    try:
        async with meter.watch():
            if asked.waits:
                await write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await line.send(asked.head)
            try:
                await pass_body(source, line, asked.length, meter)
            except MalformedHead as error:
                raise _Refused(400, f"The request is malformed: {error}.") from None
            status, head = 100, b""
            while status < 200:  # the client did not ask for a provisional response
                status, head = rewrite_response(await line.head(MAX_HEAD))
            return head
    except MalformedHead as error:
        raise _Refused(502, f"The response of {where} is malformed: {error}.") from None
    except ConnectionEnded as ended:
        raise _Refused(504, f"{where} sent no response: {ended}.") from None


async def _dial(target: RequestTarget, addresses: Sequence[str], timeout: float) -> ServerStream:
    """Connect to the first of these addresses that accepts a connection.

    Raises:
        TargetUnreachable: none does.
        TimedOut: none does in time.
    """
    reason = "it has no address"
    try:
        async with asyncio.timeout(timeout):
            for address in addresses:
                dialed = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
                try:
                    dialed.setblocking(False)
                    await asyncio.get_running_loop().sock_connect(dialed, (address, target.port))
                    return ServerStream(*await asyncio.open_connection(sock=dialed))
                except OSError as error:
                    dialed.close()
                    reason = os.strerror(error.errno) if error.errno else type(error).__name__
                except BaseException:
                    dialed.close()
                    raise
    except TimeoutError:
        raise TimedOut(target.where, "connecting", timeout) from None
    raise TargetUnreachable(target.where, reason)


def _not_listed(target: RequestTarget) -> str:
    entry = target.entry if target.port not in _USUAL else target.entry.rpartition(":")[0]
    return (
        f"{target.where} is not on the list of hosts that this sandbox may reach."
        f" Ask the operator to add '{entry}' to {SETTING}."
    )


def _leads_astray(target: RequestTarget, rule: str) -> str:
    what = failures.LEADS_TO.get(rule, "a forbidden address")
    said = f"{target.where} is refused ({rule}): it leads to {what}, but names must lead to public addresses."
    if rule == "metadata":
        return f"{said} Only an entry with its exact address in {SETTING} would allow it."
    return f"{said} To allow it, ask the operator to add its address to {SETTING}, too."
