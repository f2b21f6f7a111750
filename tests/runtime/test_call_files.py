"""The files of a call: those of its conversation, which it may read, and those that it makes."""

from collections.abc import AsyncGenerator

import msgspec
import pytest

from projectdavid.adapters.providers.scripted import say
from projectdavid.ports import queries
from projectdavid.ports.store import Op
from projectdavid.ports.tool import ToolCall, ToolContext, ToolError, ToolFile, ToolOutput
from projectdavid.runtime.tool_calls.toolbox import FAULT
from tests.contracts.rows import file, message, user
from tests.runtime.actor import Actor, acted, begun
from tests.runtime.stage import OWNER, Stage, calls, kinds, of_kind

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n"


async def pieces(*parts: bytes) -> AsyncGenerator[bytes]:
    for part in parts:
        yield part


async def content(context: ToolContext, wanted: ToolFile) -> bytes:
    return b"".join([piece async for piece in context.read(wanted)])


async def test_a_file_that_a_call_made_is_there_with_the_event_that_tells_of_it(stage: Stage, actor: Actor) -> None:
    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        made = await context.save("out.csv", pieces(b"a,b\n", b"1,2\n"))
        assert await content(context, made) == b"a,b\n1,2\n"
        assert await stage.store.of(OWNER).one(queries.FILE, id=made.id) is None
        return ToolOutput("made", (made,))

    actor.act = act
    n, events = await acted(stage)
    (told,) = of_kind(events, "file")
    row, kept = await stage.row(n), await stage.store.of(OWNER).one(queries.FILE, id=told["file_id"])
    assert kinds(events).index("file") + 1 == kinds(events).index("tool_output")
    assert told["url"] == f"https://files.example/{kept.id}"
    assert (told["tool"], told["filename"], told["size"]) == ("code_interpreter", "out.csv", 8)
    assert told["mime_type"] == kept.mime_type == "text/csv"
    assert (kept.name, kept.size, kept.purpose) == ("out.csv", 8, "assistants_output")
    assert (kept.thread, kept.run_id) == (row.thread, row.id)
    assert stage.blobs.kept[kept.blob] == b"a,b\n1,2\n"


async def test_images_are_shown_by_the_next_message_and_by_no_other(stage: Stage, actor: Actor) -> None:
    made: list[str] = []

    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        if len(made) == 2:
            return ToolOutput("nothing")
        image = await context.save("plot.png", pieces(PNG))
        table = await context.save("table.csv", pieces(b"1"))
        made.append(image.id)
        return ToolOutput("made", (image, table))

    actor.act = act
    act_again = ("act", "{}")
    stage.play(calls(act_again, text="Let me see."), calls(act_again), calls(act_again, text="So."), say("Bye."))
    n = await begun(stage)
    async with stage.working():
        events = await stage.events(n)
    plot = {"type": "image", "filename": "plot.png", "mime_type": "image/png"}
    images = [{**plot, "file_id": id} for id in made]
    assert len(images) == 2
    assert [told.get("attachments", []) for told in of_kind(events, "message_completed")] == [[], images, []]
    kept = [msgspec.json.decode(said.attachments or "[]") for said in await stage.answers(n)]
    assert kept == [[], images, []]


async def test_a_file_that_is_not_returned_is_none(stage: Stage, actor: Actor) -> None:
    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        await context.save("scratch.txt", pieces(b"x"))
        return ToolOutput("kept nothing")

    actor.act = act
    _, events = await acted(stage)
    assert of_kind(events, "file") == []
    assert await stage.store.of(OWNER).all(queries.FILES_PAGE.asc, purpose=None, after=None, limit=9) == []


async def test_a_file_that_the_call_did_not_save_is_a_fault_of_the_tool(stage: Stage, actor: Actor) -> None:
    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        return ToolOutput("made", (ToolFile("file_1", "a", 1, "text/plain", "00"),))

    actor.act = act
    _, events = await acted(stage)
    assert [data["output"] for data in of_kind(events, "tool_output")] == [FAULT]


@pytest.mark.parametrize(
    ("name", "parts", "full", "reason"),
    [
        ("big.bin", [b"x" * 600] * 2, False, "the file 'big.bin' is too large: at most 1000 bytes"),
        ("a.txt", [b"x"], True, "the server has no room for the file 'a.txt'"),
        ("..", [b"x"], False, "the file name '..' is invalid"),
        ("\udcff.txt", [b"x"], False, "the file name"),
    ],
)
async def test_a_file_that_cannot_be_kept_is_told_to_the_tool(
    stage: Stage, actor: Actor, name: str, parts: list[bytes], full: bool, reason: str
) -> None:
    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        with pytest.raises(ToolError) as refused:
            await context.save(name, pieces(*parts))
        return ToolOutput(str(refused.value))

    actor.act, stage.blobs.full = act, full
    _, events = await acted(stage)
    ((output),) = [data["output"] for data in of_kind(events, "tool_output")]
    assert output.startswith(reason)
    assert stage.blobs.kept == {}


async def test_a_call_sees_the_files_of_its_conversation_and_the_newest_of_each_name_that_calls_made(
    stage: Stage, actor: Actor
) -> None:
    seen: list[list[str]] = []

    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        seen.append([file.id for file in await context.files()])
        return ToolOutput("seen", (await context.save("made.txt", pieces(b"x")),))

    actor.act = act
    await stage.store.write([user("user_bob")])
    await stage.store.of("user_bob").write([file("bobs", name="bob.txt")])
    names = {"old": "a.csv", "assistants": "b.csv", "threads": "c.csv", "said": "a.csv", "other": "d.csv"}
    await stage.store.of(OWNER).write([file(id, name=name) for id, name in names.items()])
    await stage.store.of(OWNER).write([file("expired", name="e.csv", expires_at=5)])
    resources = {"code_interpreter": {"file_ids": ["assistants", "old", "bobs", "expired", "nobodys"]}}
    n = await begun(stage, tool_resources=resources)
    row = await stage.row(n)
    said = message("msg_file", row.thread_id)
    attached = '[{"file_id":"said"},{"file_id":"bobs"}]'
    threads = {"title": None, "meta_data": "{}", "participants": "[]", "id": row.thread_id, "revision": 1}
    of_thread = '{"code_interpreter":{"file_ids":["threads"]}}'
    await stage.store.of(OWNER).write(
        [
            Op(said.query, {**said.params, "attachments": attached}),
            Op(queries.THREAD_UPDATE, {**threads, "tool_resources": of_thread}),
        ]
    )
    stage.play(*[calls(("act", "{}"))] * 3, say("There."))
    async with stage.working():
        events = await stage.events(n)
    first, second, _ = (event["file_id"] for event in of_kind(events, "file"))
    assert sorted(seen[0]) == ["assistants", "old", "said", "threads"]
    assert sorted(seen[1]) == sorted(["assistants", "old", "said", "threads", first])
    assert sorted(seen[2]) == sorted(["assistants", "old", "said", "threads", second])


async def test_a_file_that_is_lost_or_was_deleted_cannot_be_read(stage: Stage, actor: Actor) -> None:
    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        (wanted,) = await context.files()
        with pytest.raises(ToolError, match=r"the content of the file 'a\.csv' is lost"):
            await content(context, wanted)  # its bytes are gone
        await stage.store.of(OWNER).write([Op(queries.FILE_DELETE, {"id": wanted.id})])
        with pytest.raises(ToolError, match=r"the file 'a\.csv' was deleted"):
            await content(context, wanted)
        return ToolOutput("gone")

    actor.act = act
    await stage.store.of(OWNER).write([file("f")])
    _, events = await acted(stage, tool_resources={"code_interpreter": {"file_ids": ["f"]}})
    assert [data["output"] for data in of_kind(events, "tool_output")] == ["gone"]


async def test_a_call_learns_whether_its_thread_had_such_calls_before(stage: Stage, actor: Actor) -> None:
    seen: list[bool] = []

    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        seen.append(await context.again())
        return ToolOutput("seen")

    actor.act = act
    n, _ = await acted(stage)
    await acted(stage, thread_id=(await stage.row(n)).thread_id)
    await acted(stage)
    assert seen == [False, True, False]
