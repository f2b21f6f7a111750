"""Somebody who is sent webhooks, without a network between."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from standardwebhooks import Webhook

from projectdavid.egress import GuardedReply, OutboundError
from tests.timeouts import EVENT_TIMEOUT

SECRET = "whsec_c2l4dGVlbiBieXRlcyBvZiBzZWNyZXQ="
OTHER_SECRET = "whsec_YW5vdGhlciBzaXh0ZWVuIGJ5dGVzIG9mIGl0"
BOUND = EVENT_TIMEOUT

Answer = GuardedReply | OutboundError | asyncio.Event


def reply(status: int = 200, body: Any = None, **headers: str) -> GuardedReply:
    """An answer; `body` is bytes, or what is sent as JSON."""
    data = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
    return GuardedReply(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


def outputs(*pairs: tuple[str, str]) -> GuardedReply:
    """An answer that carries outputs."""
    return reply(body={"tool_outputs": [{"tool_call_id": call_id, "output": text} for call_id, text in pairs]})


@dataclass(frozen=True, slots=True)
class Got:
    """What was sent."""

    url: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def event(self) -> Any:
        return msgspec.json.decode(self.body)

    def signed_by(self, secret: str) -> bool:
        """Whether one of the signatures is by a secret, whatever the time is."""
        at = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
        expected = Webhook(secret).sign(self.headers["webhook-id"], at, self.body.decode())
        return expected in self.headers["webhook-signature"].split(" ")


@dataclass(slots=True)
class Receiver:
    """Gives the answers in order, the last of them forever; an `Event` is waited for before it is a 200."""

    answers: list[Answer] = field(default_factory=lambda: [reply()])
    got: list[Got] = field(default_factory=list[Got])
    at_once: int = 0
    """How many it is answering now."""
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> GuardedReply:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.at_once += 1
        try:
            async with self._came:
                self.got.append(Got(url, body, headers))
                self._came.notify_all()
            if isinstance(answer, asyncio.Event):
                await answer.wait()
                return reply()
            if isinstance(answer, OutboundError):
                raise answer
            return answer
        finally:
            self.at_once -= 1

    async def until(self, count: int) -> list[Got]:
        """All that it was sent, once it is so many."""
        async with asyncio.timeout(BOUND), self._came:
            await self._came.wait_for(lambda: len(self.got) >= count)
        return self.got
