"""Starting a waiting run and streaming it, in the way of the Project David SDK. `runs.stream()` is the better way."""

from collections.abc import AsyncGenerator
from typing import Any

from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.errors import StreamBroken, StreamEnded
from projectdavid.client.fields import present
from projectdavid.client.sse import DONE, fields_in
from projectdavid.client.wire import Call
from projectdavid.protocol.events import STREAM_ENDED


class AsyncInferenceStream:
    """Say with `setup()` which run is meant, then read `stream_chunks()`; again after a function was answered."""

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
        """Choose the run. `api_key` is not sent: keys of providers belong to the server's configuration."""
        self._body = present(thread_id=thread_id, assistant_id=assistant_id, message_id=message_id, run_id=run_id)

    async def stream_chunks(self, model: str | None = None) -> AsyncGenerator[dict[str, Any]]:
        """Start the run, or join it where it is, and yield its events as dicts.

        Raises:
            RuntimeError: `setup()` was not called.
            StreamBroken: the stream was cut; `runs.stream(run_id=...)` reads on.
            StreamEnded: the run, its thread or its user was deleted, or the key was revoked.
        """
        if not self._body:
            raise RuntimeError("call setup() first")
        body = self._body | present(model=model, stream=True)
        frames = self._transport.frames(Call("POST", "/v1/completions", body=body))
        try:
            async for frame in frames:
                if frame is None:
                    continue
                if frame.data == DONE:
                    return
                fields = {"run_id": self._body["run_id"]} | fields_in(frame)
                if fields.get("type") == "error" and fields.get("code") in STREAM_ENDED:
                    raise StreamEnded(fields["message"], fields["code"])
                yield fields
        finally:
            await frames.aclose()
        raise StreamBroken(f"the stream of {self._body['run_id']} was cut")
