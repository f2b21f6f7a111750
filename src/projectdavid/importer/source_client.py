"""HTTP client for a source: only GET, through the egress guard, with retries and limits."""

import asyncio
import json
import random
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO

from projectdavid.egress import AnswerTooLarge, EgressGuard, GuardedReply, OutboundError, TargetForbidden
from projectdavid.importer.credentials import SourceCredential
from projectdavid.importer.endpoints import SourceEndpoint
from projectdavid.importer.source import ImportStopped, Json

PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
ATTEMPTS = 8
"""Attempts per request."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
LONGEST_WISH = 600.0
"""The longest pause that a source can ask for, in seconds."""
SHOWN = 200
"""Characters of a source's error message that are shown."""

OnWait = Callable[[str, float], None]
"""Called with the reason and the seconds of each pause."""


class SourceRefused(Exception):
    """The source rejects a request permanently."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class SourceClient:
    """Requests to one endpoint.

    Args:
        guard: the egress guard.
        endpoint: the endpoint of the source.
        credential: its API key or token.
        on_wait: called before each pause.
    """

    def __init__(
        self, guard: EgressGuard, endpoint: SourceEndpoint, credential: SourceCredential, on_wait: OnWait
    ) -> None:
        self._guard = guard
        self._endpoint = endpoint
        self._credential = credential
        self._on_wait = on_wait

    async def get(self, path: str, query: dict[str, str] | None = None) -> Json:
        """Return the JSON object at a path.

        Raises:
            SourceRefused: a permanent 4xx error.
            AnswerTooLarge: the response exceeds the guard's limit.
            ImportStopped: the source cannot be reached, rejects the key, or sends something else.
        """
        url = self._endpoint.url(path, query or {})
        reply = await self._ask(lambda headers: self._guard.get(url, headers))
        return parse_object(reply.body)

    async def download(self, path: str, to: BinaryIO, max_bytes: int) -> None:
        """Write the bytes at a path.

        Raises:
            SourceRefused, AnswerTooLarge, ImportStopped: as for `get`.
        """
        url = self._endpoint.url(path, {})

        async def attempt(headers: Mapping[str, str]) -> GuardedReply:
            to.seek(0)
            to.truncate()
            return await self._guard.download(url, to.write, max_bytes, headers)

        await self._ask(attempt)

    async def _ask(self, attempt: Callable[[Mapping[str, str]], Any]) -> GuardedReply:
        reason = ""
        for number in range(ATTEMPTS):
            generation = self._credential.generation
            try:
                reply: GuardedReply = await attempt({"accept": "*/*", **self._credential.headers()})
            except AnswerTooLarge:
                raise
            except TargetForbidden as error:
                raise ImportStopped(str(error)) from None
            except OutboundError as error:
                reason, wish = str(error).rstrip("."), None
            else:
                if reply.status == 200:
                    return reply
                if reply.status == 401 and await self._credential.renew(generation) and number < 2:
                    continue
                reason, wish = self._retry_reason(reply), retry_after(reply.headers)
            if number + 1 < ATTEMPTS:
                await self._pause(number, reason, wish)
        raise ImportStopped(
            f"the source failed {ATTEMPTS} times in a row: {reason}",
            "run the same command again later: it resumes the import",
        )

    def _retry_reason(self, reply: GuardedReply) -> str:
        """Return the reason to retry a request.

        Raises:
            SourceRefused, ImportStopped: a retry would change nothing.
        """
        reason = f"{reply.status} {_message(reply.body)}".strip()
        if reply.status in (401, 403):
            raise ImportStopped(
                f"the source rejects the key or token ({reason})",
                "get a new one and run the same command again: it resumes the import",
            )
        if reply.status in PASSING:
            return reason
        if 300 <= reply.status < 400:
            raise ImportStopped(f"the endpoint redirects ({reply.status})", "use the URL that it redirects to")
        raise SourceRefused(reply.status, reason)

    async def _pause(self, number: int, reason: str, wish: float | None) -> None:
        usual = min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) * random.uniform(0.7, 1.0)  # noqa: S311 - no secret
        seconds = usual if wish is None else min(wish, LONGEST_WISH)
        self._on_wait(reason, seconds)
        await asyncio.sleep(seconds)


def parse_object(body: bytes) -> Json:
    """Parse a JSON object.

    Raises:
        ImportStopped: it is something else.
    """
    try:
        value = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ImportStopped("the source sent invalid JSON", "check the endpoint and the API version") from None
    if not isinstance(value, dict):
        raise ImportStopped("the source sent JSON that is not an object", "check the endpoint and the API version")
    return value


def _refuse(name: str) -> None:
    raise ValueError(name)


def _message(body: bytes) -> str:
    """Return the message of an error body, in one line."""
    try:
        error = json.loads(body[:65_536])["error"]
        text = str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError, RecursionError):
        text = ""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\s]+", " ", text)[:SHOWN].strip()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait that the source asks for; None if it does not."""
    for name, unit in (("retry-after-ms", 1000), ("x-ms-retry-after-ms", 1000), ("retry-after", 1)):
        given = headers.get(name, "").strip()
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", given):
            return float(given) / unit
    try:
        moment = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
