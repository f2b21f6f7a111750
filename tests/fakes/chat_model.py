"""A chat-completions server with a model that does what it is asked, and one quirk."""

import json
from types import TracebackType
from typing import Any, Self

from aiohttp import web

Body = dict[str, Any]
QUIRKS = (
    *("perfect", "no usage", "calls whole", "ignores tool_choice"),
    *("refuses stream_options", "wants reasoning_content", "wants signatures", "answers HTML"),
)
SIGNED = {"google": {"thought_signature": "c2ln"}}
ARGUMENTS = '{"city": "Oslo", "days": 2}'


class ChatModel:
    """The server. `asked` are the requests to its model, `refused` counts those that it refused."""

    def __init__(self, quirk: str) -> None:
        self._quirk = quirk
        self._runner: web.AppRunner | None = None
        self.asked: list[Body] = []
        self.refused = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/v1/models", self._list)
        app.router.add_post("/v1/chat/completions", self._complete)
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

    async def _list(self, request: web.Request) -> web.Response:
        if self._quirk == "answers HTML":
            return web.Response(text="<html><title>Hello</title></html>", content_type="text/html")
        return web.json_response({"data": [{"id": "fake"}]})

    async def _complete(self, request: web.Request) -> web.Response:
        body: Body = await request.json()
        self.asked.append(body)
        if self._quirk == "answers HTML":
            return web.Response(text="<html><title>Hello</title></html>", content_type="text/html")
        if refusal := self._refuse(body):
            self.refused += 1
            return web.json_response({"error": {"message": refusal}}, status=400)
        deltas = self._answer(body)
        finish = "tool_calls" if any("tool_calls" in delta for delta in deltas) else "stop"
        events: list[Body] = [{"choices": [{"delta": delta}]} for delta in deltas]
        events.append({"choices": [{"delta": {}, "finish_reason": finish}]})
        if self._quirk != "no usage":
            events.append({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 9}})
        lines = [f"data: {json.dumps(event)}\n\n" for event in events]
        return web.Response(text="".join([*lines, "data: [DONE]\n\n"]), content_type="text/event-stream")

    def _refuse(self, body: Body) -> str:
        if self._quirk == "refuses stream_options" and "stream_options" in body:
            return "Unrecognized request argument supplied: stream_options"
        for message in body["messages"]:
            if not message.get("tool_calls"):
                continue
            if self._quirk == "wants reasoning_content" and not message.get("reasoning_content"):
                return "The `reasoning_content` in the thinking mode must be passed back to the API."
            if self._quirk == "wants signatures" and message["tool_calls"][0].get("extra_content") != SIGNED:
                return "Function call is missing a thought_signature in functionCall parts."
        return ""

    def _answer(self, body: Body) -> list[Body]:
        asked = json.dumps(body["messages"])
        if self._calls(body, asked):
            thought = [{"reasoning_content": "Hm."}] if self._quirk == "wants reasoning_content" else []
            return [*thought, *self._call(0), *(self._call(1) if "Rome" in asked else [])]
        if "response_format" in body:
            return [{"content": '{"city": "Oslo",'}, {"content": ' "people": 700000}'}]
        if "image_url" in asked:
            return [{"content": "It is"}, {"content": " red."}]
        thought = [{"reasoning_content": "Hm."}] if "reasoning_effort" in body else []
        return [*thought, {"content": "O"}, {"content": "K"}]

    def _calls(self, body: Body, asked: str) -> bool:
        if "tools" not in body or body["messages"][-1]["role"] == "tool":
            return False
        choice = "auto" if self._quirk == "ignores tool_choice" else body.get("tool_choice", "auto")
        return "forecast" in asked if choice == "auto" else choice != "none"

    def _call(self, index: int) -> list[Body]:
        call: Body = {"index": index, "id": f"c{index}", "type": "function"}
        if self._quirk == "wants signatures":
            call["extra_content"] = SIGNED
        if self._quirk == "calls whole":
            return [{"tool_calls": [{**call, "function": {"name": "get_forecast", "arguments": ARGUMENTS}}]}]
        first = {**call, "function": {"name": "get_forecast", "arguments": ""}}
        pieces = [{"index": index, "function": {"arguments": part}} for part in (ARGUMENTS[:9], ARGUMENTS[9:])]
        return [{"tool_calls": [one]} for one in (first, *pieces)]
