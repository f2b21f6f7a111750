"""Send one question over one new connection, to addresses that were checked before and to no others."""

import io
import os
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from projectdavid.outbound.exchange import Question, Reply, leads_on, received
from projectdavid.outbound.failures import TimedOut, TooLarge, Unreachable

_BIG = 2**20


@dataclass(frozen=True, slots=True)
class Line:
    """How to connect and how much to take. `tls` says whom to trust, None means the certificates of the system."""

    connect_timeout: float
    max_bytes: int
    tls: ssl.SSLContext | None


async def ask(question: Question, addresses: Sequence[str], line: Line, *, follow: bool) -> Reply:
    """The answer to a question; of a redirect that is followed only what it says in its head.

    A connection serves one question: nobody gets one that was checked for somebody else, or a while ago.

    Raises:
        Unreachable: no connection to any of the addresses, or it broke off.
        TimedOut: no connection in time.
        TooLarge: the body is longer than `line.max_bytes`.
    """
    where = question.target.where
    body = question.body
    try:
        async with (
            _session(addresses, line) as session,
            session.request(
                question.method,
                # As it is: a URL that is signed must arrive as it was signed.
                URL(question.target.url, encoded=True),
                # Above this size aiohttp wants a file, so that it can write piece by piece.
                data=body if body is None or len(body) <= _BIG else io.BytesIO(body),
                headers=question.headers,
                skip_auto_headers=("content-type",),
                allow_redirects=False,
            ) as response,
        ):
            reply = Reply(response.status, received(response.headers.items()), b"")
            if follow and leads_on(reply):
                return reply
            return Reply(reply.status, reply.headers, await _body(response, where, line.max_bytes))
    except TimeoutError:
        raise TimedOut(where, "connecting", line.connect_timeout) from None
    except (aiohttp.ClientError, OSError) as error:
        # Never chained: the errors of aiohttp hold the request with its headers, and so the keys.
        raise Unreachable(where, _reason(error)) from None


def _session(addresses: Sequence[str], line: Line) -> aiohttp.ClientSession:
    checked = frozenset(addresses)

    def dial(info: aiohttp.AddrInfoType) -> socket.socket:
        # The last look before a connection: whatever aiohttp makes of a host or of an answer, it ends here.
        if info[4][0] not in checked:
            raise PermissionError("The address was not checked.")
        return socket.socket(*info[:3])

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=_Checked(addresses),
            use_dns_cache=False,
            socket_factory=dial,
            force_close=True,
            ssl=line.tls or True,
        ),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        # Without the proxies of the environment, which would look the name up again, and without ~/.netrc.
        trust_env=False,
        # The time for all of it is the caller's.
        timeout=aiohttp.ClientTimeout(total=None, connect=line.connect_timeout),
    )


class _Checked(AbstractResolver):
    """Answers every look-up with the addresses that were checked, and asks nobody."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        families = ((address, socket.AF_INET6 if ":" in address else socket.AF_INET) for address in self._addresses)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=its,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address, its in families
            if family in (socket.AF_UNSPEC, its)
        ]

    async def close(self) -> None:
        pass


async def _body(response: aiohttp.ClientResponse, where: str, max_bytes: int) -> bytes:
    if (response.content_length or 0) > max_bytes:
        raise TooLarge(where, max_bytes)
    parts: list[bytes] = []
    size = 0
    while data := await response.content.readany():
        size += len(data)
        if size > max_bytes:
            raise TooLarge(where, max_bytes)
        parts.append(data)
    return b"".join(parts)


def _reason(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not trusted"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return "it speaks no TLS that is understood"
        case aiohttp.ServerDisconnectedError():
            return "it closed the connection"
        case aiohttp.ClientPayloadError() | aiohttp.ClientResponseError():
            return "its answer is no whole HTTP response"
        case OSError(errno=int(number)) if number > 0:
            return os.strerror(number)
        case _:
            return type(error).__name__
