"""Sends one request over one new connection, to verified addresses only."""

from __future__ import annotations

import io
import os
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from projectdavid.egress.guard.failures import AnswerTooLarge, TargetUnreachable, TimedOut
from projectdavid.egress.guard.http_messages import GuardedReply, GuardedRequest, leads_on, read_headers
from projectdavid.lazy_modules import LazyModule

if TYPE_CHECKING:
    import aiohttp
    import yarl
    from aiohttp.abc import AbstractResolver, ResolveResult
else:
    aiohttp, yarl = LazyModule("aiohttp"), LazyModule("yarl")

_BIG = 2**20


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """Connection settings and limits. `tls` selects the trusted certificates; None means those of the system."""

    connect_timeout: float
    max_bytes: int
    tls: ssl.SSLContext | None


@dataclass(frozen=True, slots=True)
class BodySink:
    """Receives the body of a successful response in pieces, up to `max_bytes`."""

    write: Callable[[bytes], object]
    max_bytes: int


async def ask(
    question: GuardedRequest,
    addresses: Sequence[str],
    line: ConnectionOptions,
    *,
    follow: bool,
    sink: BodySink | None = None,
) -> GuardedReply:
    """Send a request and return its response; for a redirect that is followed, only the head.

    With a sink, the body of a successful response goes there and not into the reply. A connection serves one request,
    so no connection is reused that was checked earlier or for another user.

    Raises:
        TargetUnreachable: no address accepts a connection, or it broke.
        TimedOut: no connection in time.
        AnswerTooLarge: the body exceeds the limit of the options or of the sink.
    """
    where = question.target.where
    body = question.body
    try:
        async with (
            _session(addresses, line) as session,
            session.request(
                question.method,
                # Unchanged: a signed URL must arrive as it was signed.
                yarl.URL(question.target.url, encoded=True),
                # Above this size, aiohttp needs a file to write in pieces.
                data=body if body is None or len(body) <= _BIG else io.BytesIO(body),
                headers=question.headers,
                skip_auto_headers=("content-type",),
                allow_redirects=False,
            ) as response,
        ):
            reply = GuardedReply(response.status, read_headers(response.headers.items()), b"")
            if follow and leads_on(reply):
                return reply
            if sink is not None and response.ok:
                await _pour(response, where, sink)
                return reply
            return GuardedReply(reply.status, reply.headers, await _body(response, where, line.max_bytes))
    except TimeoutError:
        raise TimedOut(where, "connecting", line.connect_timeout) from None
    except (aiohttp.ClientError, OSError) as error:
        # Not chained: aiohttp's errors contain the request with its headers, including keys.
        raise TargetUnreachable(where, _reason(error)) from None


def _session(addresses: Sequence[str], line: ConnectionOptions) -> aiohttp.ClientSession:
    checked = frozenset(addresses)

    def dial(info: aiohttp.AddrInfoType) -> socket.socket:
        # The last check before a connection, independent of how aiohttp interprets a host or response.
        if info[4][0] not in checked:
            raise PermissionError("The address was not checked.")
        return socket.socket(*info[:3])

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=cast("AbstractResolver", _Checked(addresses)),
            use_dns_cache=False,
            socket_factory=dial,
            force_close=True,
            ssl=line.tls or True,
        ),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        # No proxies from the environment, which would resolve the name again, and no ~/.netrc.
        trust_env=False,
        # The caller limits the total time.
        timeout=aiohttp.ClientTimeout(total=None, connect=line.connect_timeout),
    )


class _Checked:
    """A resolver that only returns the verified addresses."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        families = ((address, socket.AF_INET6 if ":" in address else socket.AF_INET) for address in self._addresses)
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": its,
                "proto": socket.IPPROTO_TCP,
                "flags": socket.AI_NUMERICHOST,
            }
            for address, its in families
            if family in (socket.AF_UNSPEC, its)
        ]

    async def close(self) -> None:
        pass


async def _body(response: aiohttp.ClientResponse, where: str, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    await _pour(response, where, BodySink(parts.append, max_bytes))
    return b"".join(parts)


async def _pour(response: aiohttp.ClientResponse, where: str, sink: BodySink) -> None:
    if (response.content_length or 0) > sink.max_bytes:
        raise AnswerTooLarge(where, sink.max_bytes)
    size = 0
    while data := await response.content.readany():
        size += len(data)
        if size > sink.max_bytes:
            raise AnswerTooLarge(where, sink.max_bytes)
        sink.write(data)


def _reason(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not trusted"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return "its TLS handshake failed"
        case aiohttp.ServerDisconnectedError():
            return "it closed the connection"
        case aiohttp.ClientPayloadError() | aiohttp.ClientResponseError():
            return "its response is not complete HTTP"
        case OSError(errno=int(number)) if number > 0:
            return os.strerror(number)
        case _:
            return type(error).__name__
