"""The proxy of a sandbox: the one way out that programs inside have, to hosts that the operator has listed.

A session gives it each connection that a program inside makes to its proxy (`ports.sandbox.Tunnel`). It speaks
HTTP/1.1: CONNECT, and requests with a whole URL, one for each connection. A redirect is the program's own next request.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from projectdavid.outbound import failures
from projectdavid.outbound.failures import Forbidden, OutboundError, TimedOut, Unreachable
from projectdavid.outbound.guard import Guard
from projectdavid.outbound.heads import MAX_HEAD, Unreadable, Wanted, answered, refusal, wanted
from projectdavid.outbound.lines import Ended, Line, Meter, Source, Write, exchange, pass_body
from projectdavid.outbound.policy import Entry
from projectdavid.outbound.resolving import Resolver
from projectdavid.outbound.targets import Target

log = logging.getLogger("projectdavid.egress")

SETTING = "sandbox_egress"
"""What the operator's list of hosts is called in the settings."""

_USUAL = frozenset((80, 443))
"""The ports of an entry that names none."""
_ALL = range(1, 2**16)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that one connection can take; times in seconds."""

    head_timeout: float = 15
    """For a whole request without its body."""
    connect_timeout: float = 10
    """For looking a name up, and again for connecting."""
    idle_timeout: float = 120
    """Without a byte in either direction."""
    max_bytes: int = 1 << 30
    """Of one connection, both directions together."""


class Proxy:
    """Serves connections to hosts of one list, at addresses of the internet.

    A name is looked up once for each request, every address that it has is checked, and a checked one is connected to.

    Args:
        allow: names ("pypi.org", "*.example.com": all names below), and addresses or networks where they themselves
            are meant. One without a slash may end in a port; else the ports are 80 and 443. An address that is not of
            the internet is reached only where it is listed here, also by a name; a metadata service only where its
            very address is.
        own_addresses: those of this machine.
        resolver: who looks names up; closed with the proxy.
        bounds: what its programs may take.

    Raises:
        ValueError: an entry of `allow` or an address of `own_addresses` cannot be read.
    """

    def __init__(
        self,
        allow: Sequence[str],
        *,
        own_addresses: Sequence[str] | frozenset[str] = (),
        resolver: Resolver | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        self._bounds = bounds or Bounds()
        self._entries = [Entry.of(text, SETTING) for text in allow]
        self._guard = Guard(
            # Names stay out: one that is listed may not lead inside just because it is listed.
            allow=[text for text, entry in zip(allow, self._entries, strict=True) if entry.network is not None],
            allow_http=True,
            ports=_ALL,
            own_addresses=own_addresses,
            connect_timeout=self._bounds.connect_timeout,
            resolver=resolver,
        )

    async def serve(self, read: Callable[[], Awaitable[bytes]], write: Write) -> None:
        """Serve one connection, until one of its ends is over."""
        await self._serve(Source(read), write)

    async def close(self) -> None:
        """Serve nobody any more."""
        await self._guard.close()

    async def _serve(self, source: Source, write: Write) -> None:
        try:
            asked = await self._asked(source)
            line = await self._line(asked.target)
        except Ended:
            return
        except _Refused as refused:
            log.info("%s", refused)
            await write(refusal(refused.status, str(refused)))
            return
        meter = Meter(self._bounds.max_bytes, self._bounds.idle_timeout)
        try:
            if asked.is_line:
                await write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                await write(await _ask(asked, source, write, line, meter))
            await exchange(source, write, line, meter, deaf=not asked.is_line)
        except _Refused as refused:
            await write(refusal(refused.status, str(refused)))
        except Ended as ended:
            log.info("%s: %s", asked.target.where, ended)
        finally:
            line.abort()

    async def _asked(self, source: Source) -> Wanted:
        """What is asked for, as far as it may be.

        Raises:
            Ended: nothing was.
            _Refused: it cannot be read, or is not on the list.
        """
        try:
            async with asyncio.timeout(self._bounds.head_timeout):
                asked = wanted(await source.head(MAX_HEAD))
        except TimeoutError:
            raise _Refused(408, "The request took too long to arrive.") from None
        except Unreadable as error:
            raise _Refused(400, f"The request cannot be read: {error}.") from None
        except Forbidden as error:
            raise _Refused(400, str(error)) from None
        target = asked.target
        if not any(entry.names(target) and (entry.port or target.port in _USUAL) for entry in self._entries):
            raise _Refused(403, _not_listed(target))
        return asked

    async def _line(self, target: Target) -> Line:
        """A connection to a checked address.

        Raises:
            _Refused: there is none, or none that may be.
        """
        try:
            addresses = await self._guard.judge(target.url)
            return await _dial(target, addresses, self._bounds.connect_timeout)
        except Forbidden as error:
            raise _Refused(403, _leads_astray(target, error.rule)) from None
        except TimedOut as error:
            raise _Refused(504, str(error)) from None
        except OutboundError as error:
            raise _Refused(502, str(error)) from None


class _Refused(Exception):
    """What the proxy itself answers."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def _ask(asked: Wanted, source: Source, write: Write, line: Line, meter: Meter) -> bytes:
    """Pass one request on; the head of its answer.

    Raises:
        _Refused: there is none.
    """
    where = asked.target.where
    try:
        async with meter.watch():
            if asked.waits:
                await write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await line.send(asked.head)
            try:
                await pass_body(source, line, asked.length, meter)
            except Unreadable as error:
                raise _Refused(400, f"The request cannot be read: {error}.") from None
            status, head = 100, b""
            while status < 200:  # a provisional answer tells what the program has not asked for
                status, head = answered(await line.head(MAX_HEAD))
            return head
    except Unreadable as error:
        raise _Refused(502, f"The answer of {where} cannot be read: {error}.") from None
    except Ended as ended:
        raise _Refused(504, f"There was no answer of {where}: {ended}.") from None


async def _dial(target: Target, addresses: Sequence[str], timeout: float) -> Line:
    """Connect to the first of these addresses that answers, and to no other.

    Raises:
        Unreachable: none does.
        TimedOut: none did in time.
    """
    reason = "it has no address"
    try:
        async with asyncio.timeout(timeout):
            for address in addresses:
                dialed = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
                try:
                    dialed.setblocking(False)
                    await asyncio.get_running_loop().sock_connect(dialed, (address, target.port))
                    return Line(*await asyncio.open_connection(sock=dialed))
                except OSError as error:
                    dialed.close()
                    reason = os.strerror(error.errno) if error.errno else type(error).__name__
                except BaseException:
                    dialed.close()
                    raise
    except TimeoutError:
        raise TimedOut(target.where, "connecting", timeout) from None
    raise Unreachable(target.where, reason)


def _not_listed(target: Target) -> str:
    entry = target.entry if target.port not in _USUAL else target.entry.rpartition(":")[0]
    return (
        f"{target.where} is not on the list of hosts that this sandbox may reach."
        f" Ask the operator to add '{entry}' to {SETTING}."
    )


def _leads_astray(target: Target, rule: str) -> str:
    what = failures.LEADS_TO.get(rule, "where no program may go")
    said = f"{target.where} is refused ({rule}): it leads to {what}, and a name may lead to the internet only."
    if rule == "metadata":
        return f"{said} Only its very address in {SETTING} would allow it."
    return f"{said} If it is meant, ask the operator to add its address to {SETTING}, too."
