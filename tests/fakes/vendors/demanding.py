"""A vendor's server that answers with calls, and refuses requests without the state of its earlier turns."""

import json
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.fakes.vendors.scenes import FakeAnswer, FakeCall, VendorWire

STATE = ("signature", "thoughtSignature", "encrypted_content", "reasoning_content", "thinking")
"""Fields with state."""
DONE = FakeAnswer(text=("Done.",))


def turn_of(number: int) -> FakeAnswer:
    """One turn of a loop: it thinks, and calls twice."""
    calls = tuple(FakeCall(f"toolu_{number}_{n}", "add", ('{"n": ', f"{n}}}")) for n in range(2))
    return FakeAnswer(reasoning=(f"Turn {number}.", " Hm."), text=("Wait.",), calls=calls, signature=f"c2ln{number}AA=")


class DemandingServer:
    """Plays `turns` turns with calls, and then ends. A model named `other` must be asked without any state.

    `bodies` are the requests, `refused` the reasons of those that were refused.
    """

    def __init__(self, wire: VendorWire, turns: int) -> None:
        self._wire = wire
        self._turns = [turn_of(number) for number in range(turns)]
        self._runner: web.AppRunner | None = None
        self.bodies: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.bodies.append(body)
        if "other" in (body.get("model") or request.path):
            return self._answer_other(body)
        done = self._wire.outputs(body) // 2
        missing = self._wire.missing_state(body, self._turns[:done])
        if missing is not None:
            return self._refuse(missing)
        return self._say(self._turns[done] if done < len(self._turns) else DONE)

    def _answer_other(self, body: dict[str, Any]) -> web.Response:
        text = json.dumps(body)
        foreign = [word for word in STATE if f'"{word}"' in text] or self._turns[0].calls[0].id in text
        return self._refuse("the state is of another model") if foreign else self._say(DONE)

    def _refuse(self, reason: str) -> web.Response:
        self.refused.append(reason)
        return web.Response(status=400, body=self._wire.refusal(400, reason), content_type="application/json")

    def _say(self, answer: FakeAnswer) -> web.Response:
        return web.Response(body=b"".join(self._wire.events(answer)), content_type=self._wire.media_type)
