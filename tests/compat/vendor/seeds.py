"""What stands for the made-up ids of the vendor's tests: objects that the real API makes anew for each request."""

import hashlib
from typing import Any

import httpx2

Json = Any
PART = b"Example data"
WEATHER = {"type": "function", "function": {"name": "get_weather"}}


class Seeds:
    """The objects of one request; each is made when it is first asked for."""

    def __init__(self, server: httpx2.AsyncClient) -> None:
        self._server = server
        self._made: dict[str, Json] = {}

    async def id_of(self, kind: str) -> str:
        """The id of the object of a kind: `assistant`, `thread`, `run`, `waiting`, `step`, `file`, `store`, ..."""
        return str((await self.object(kind))["id"])

    async def object(self, kind: str) -> Json:
        """The same, as it was answered when it was made."""
        if kind not in self._made:
            self._made[kind] = await getattr(self, f"_{kind}")()
        return self._made[kind]

    async def outputs(self) -> list[Json]:
        """An output for each call of the run that waits."""
        run = await self.object("waiting")
        calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
        return [{"tool_call_id": call["id"], "output": "rain"} for call in calls]

    async def _assistant(self) -> Json:
        return await self._post("/assistants", model="scripted/hello", instructions="Say hello.")

    async def _thread(self) -> Json:
        return await self._post("/threads", messages=[{"role": "user", "content": "Hi"}])

    async def _message(self) -> Json:
        thread = await self.id_of("thread")
        return await self._post(f"/threads/{thread}/messages", role="user", content="And?")

    async def _run(self) -> Json:
        """A run that is over, and has a step."""
        return await self._settled("scripted/hello", [])

    async def _waiting(self) -> Json:
        """A run that waits for the outputs of its calls."""
        return await self._settled("scripted/caller", [WEATHER])

    async def _settled(self, model: str, tools: list[Json]) -> Json:
        assistant, thread = await self.id_of("assistant"), await self.id_of("thread")
        runs = f"/threads/{thread}/runs"
        body = {"assistant_id": assistant, "model": model, "tools": tools, "stream": True}
        (await self._server.post(runs, json=body)).raise_for_status()  # to the end of its stream
        return (await self._server.get(runs)).raise_for_status().json()["data"][0]

    async def _step(self) -> Json:
        thread, run = await self.id_of("thread"), await self.id_of("run")
        return (await self._server.get(f"/threads/{thread}/runs/{run}/steps")).raise_for_status().json()["data"][0]

    async def _file(self) -> Json:
        form = {"purpose": "assistants"}
        answer = await self._server.post("/files", data=form, files={"file": ("words.txt", PART)})
        return answer.raise_for_status().json()

    async def _store(self) -> Json:
        return await self._post("/vector_stores", file_ids=[await self.id_of("file")])

    async def _batch(self) -> Json:
        path = f"/vector_stores/{await self.id_of('store')}/file_batches"
        return await self._post(path, file_ids=[await self.id_of("file")])

    async def _upload(self) -> Json:
        about = {"filename": "words.txt", "purpose": "assistants", "mime_type": "text/plain"}
        return await self._post("/uploads", bytes=len(PART), **about)

    async def _part(self) -> Json:
        path = f"/uploads/{await self.id_of('upload')}/parts"
        return (await self._server.post(path, files={"data": PART})).raise_for_status().json()

    @property
    def md5(self) -> str:
        """That of the one part."""
        return hashlib.md5(PART, usedforsecurity=False).hexdigest()

    async def _post(self, path: str, **body: Json) -> Json:
        return (await self._server.post(path, json=body)).raise_for_status().json()
