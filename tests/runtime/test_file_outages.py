"""Runs while the storage of files cannot be reached."""

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest

from projectdavid.adapters.providers.scripted import say
from projectdavid.ports.blobs import Blob
from projectdavid.ports.tool import ToolCall, ToolContext, ToolError, ToolOutput
from tests.contracts.rows import file, message, thread
from tests.runtime.actor import Actor, acted
from tests.runtime.stage import OWNER, Stage, of_kind, statuses

pytestmark = pytest.mark.anyio
PNG = b"\x89PNG\r\n\x1a\n"


async def pieces(*parts: bytes) -> AsyncGenerator[bytes]:
    for part in parts:
        yield part


def image_blocks(stage: Stage) -> list[Any]:
    """What the model was shown in place of the image, by request."""
    shown = [said.content for request in stage.provider.asked for said in request.messages]
    return [content[0] for content in shown if isinstance(content, list)]


async def test_a_run_waits_until_the_images_of_its_prompt_can_be_read(stage: Stage) -> None:
    blob: Blob = await stage.blobs.put(pieces(PNG), 100)
    content = msgspec.json.encode([{"type": "image_file", "image_file": {"file_id": "file_1"}}]).decode()
    image = file("file_1", name="a.png", mime_type="image/png", size=len(PNG), blob=blob.key)
    await stage.store.of(OWNER).write([thread("thread_images"), image, message("msg_1", "thread_images", content)])
    stage.blobs.down = True
    stage.play(say("A plot."))
    n = await stage.run("What is it?", thread_id="thread_images")
    async with stage.working():
        await stage.until(n, "retry")
        stage.blobs.down = False
        events = await stage.events(n)
    assert statuses(events)[-1] == "completed"
    assert {retry["error"]["code"] for retry in of_kind(events, "retry")} == {"server_error"}
    assert [block["type"] for block in image_blocks(stage)] == ["image_url"]


async def test_a_call_is_told_that_a_file_cannot_be_read_now(stage: Stage, actor: Actor) -> None:
    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        made = await context.save("out.csv", pieces(b"a,b\n"))
        stage.blobs.down = True
        with pytest.raises(ToolError) as refused:
            await anext(context.read(made))
        stage.blobs.down = False
        return ToolOutput(str(refused.value))

    actor.act = act
    _, events = await acted(stage)
    outputs = [data["output"] for data in of_kind(events, "tool_output")]
    assert outputs == ["the server cannot read the file 'out.csv' now"]
