"""Streams of runs, compatible with the Project David SDK. Prefer `runs.stream()`."""

from collections.abc import AsyncGenerator
from typing import Any

from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.errors import InvalidStateError, StreamBroken, StreamEnded
from projectdavid.client.fields import present
from projectdavid.client.sse import DONE, fields_in
from projectdavid.client.wire import ApiCall, at
from projectdavid.protocol.events import STREAM_ENDED
from projectdavid.protocol.runs import AT_REST_STATUSES, Run

_AT_REST = (*AT_REST_STATUSES, "complete")
"""Statuses in which this stream ends or pauses, by the names it uses."""


class AsyncInferenceStream:
    """Stream of one run: call `setup()`, then read `stream_chunks()`, and again after answering a function."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport
        self._body: dict[str, str] = {}

    def setup(
        self,
        thread_id: str,
        assistant_id: str,
        message_id: str | None,
        run_id: str,
        api_key: str | None = None,  # noqa: ARG002 - their programs pass the provider's key, which the server has
    ) -> None:
        """Choose the run. `api_key` is not sent: provider keys belong in the server's configuration."""
        self._body = present(thread_id=thread_id, assistant_id=assistant_id, message_id=message_id, run_id=run_id)

    async def stream_chunks(self, model: str | None = None) -> AsyncGenerator[dict[str, Any]]:
        """Start or join the run, and yield its events as dicts.

        Raises:
            InvalidStateError: `setup()` was not called.
            StreamBroken: the connection broke, or the stream ended before the run; `runs.stream(run_id=...)` resumes.
            StreamEnded: the run, its thread or its user was deleted, or the key was revoked.
        """
        if not self._body:
            raise InvalidStateError("call setup() first")
        body = self._body | present(model=model, stream=True)
        is_at_rest = False
        frames = self._transport.frames(ApiCall("POST", "/v1/completions", body=body))
        try:
            async for frame in frames:
                if frame is None:
                    continue
                if frame.data == DONE:
                    if not is_at_rest:
                        await self._check_is_at_rest()
                    return
                fields = {"run_id": self._body["run_id"]} | fields_in(frame)
                is_at_rest = fields.get("status") in _AT_REST if fields.get("type") == "status" else is_at_rest
                code = str(fields.get("code"))
                if fields.get("type") == "error" and code in STREAM_ENDED:
                    raise StreamEnded(str(fields.get("message") or STREAM_ENDED[code]), code)
                yield fields
        finally:
            await frames.aclose()
        raise StreamBroken(f"the stream of {self._body['run_id']} was interrupted")

    async def _check_is_at_rest(self) -> None:
        run = await self._transport.ask(Run, "GET", at("/v1/runs/{}", self._body["run_id"]))
        if run.status not in AT_REST_STATUSES:
            raise StreamBroken(f"the server ended the stream of {run.id}, but the run has the status {run.status}")
