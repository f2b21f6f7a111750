"""`POST /v1/completions`: start a waiting run, or join a running one, and stream it up to its next pause."""

from contextlib import suppress
from itertools import chain
from typing import Any

from fastapi import Response

from projectdavid.engine.happenings import Begun
from projectdavid.engine.run import Refused
from projectdavid.ports.store import Op, Row
from projectdavid.protocol.runs import Completion, CompletionRequest
from projectdavid.runtime.journal import collect
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import json_answer
from projectdavid.server.http.errors import UPSTREAM, WITH_BODY, ApiError, missing
from projectdavid.server.http.sse import FRAMES, EventStream
from projectdavid.server.native import runs
from projectdavid.server.native.stream import PAUSED, chunks
from projectdavid.server.native.wire import router
from projectdavid.server.objects.finding import find
from projectdavid.server.objects.run_reader import read

router = router("completions")

STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Completion,
        "content": FRAMES,
        "description": "Chunks, then `[DONE]`; one object without `stream`",
    }
}


@router.post("/completions", responses=WITH_BODY | UPSTREAM | STREAMED)
async def create_completion(body: CompletionRequest, caller: Auth, last_event_id: runs.LastEventId = None) -> Response:
    """Start a run that waits, or join one, and stream what it says until it ends or waits for its caller.

    After the outputs of calls were sent, the same request streams what follows them.
    """
    row = await find(caller.view, "run", body.run_id, "run_id")
    if row.thread_id != body.thread_id:
        raise missing("thread", body.thread_id, "thread_id")
    if row.assistant_id != body.assistant_id:
        raise missing("assistant", body.assistant_id, "assistant_id")
    if row.status == "pending":
        row = await _start(caller, row, body.model)
    segment = await _segment(caller, row)
    after = segment if last_event_id is None else int(last_event_id)
    if body.stream:
        return EventStream(chunks(caller, row, after))
    return await _whole(caller, row, after)


async def _start(caller: Caller, row: Row, model: str | None) -> Row:
    """Start a waiting run with the model that the request names; whoever starts it first wins."""
    platform = caller.platform
    platform.models.resolve(model or row.model)
    renamed: list[Op] = []
    if model is not None and model != row.model:
        renamed = [Op("run_model", {"id": row.id, "owner": caller.user_id, "model": model})]
    with suppress(Refused):  # started, or cancelled, meanwhile: join it
        await platform.driver.decide(row.n, Begun(), also=renamed)
    return await find(caller.view, "run", row.id)


async def _segment(caller: Caller, row: Row) -> int:
    """The position behind which the part that the caller has not been told begins; the same where it asks again."""
    claim = caller.claim
    if claim is not None and claim.note is not None:
        return int(claim.note)
    resumed = await caller.platform.store.one("journal_resumed", run=row.n)
    position = 0 if resumed is None else int(resumed.position) - 1
    if claim is not None:
        await caller.view.write([claim.op(note=b"%d" % position)])
    return position


async def _whole(caller: Caller, row: Row, after: int) -> Response:
    platform = caller.platform
    begun = platform.clock()
    text: list[list[str]] = [[]]
    async for told in read(caller, row, after, PAUSED):
        collect(text, told)
    ended = await find(caller.view, "run", row.id)
    if ended.status == "failed":
        wire = runs.run(ended)
        raise ApiError(502, "run_failed", wire["last_error"])
    return json_answer(
        {
            "run_id": row.id,
            "type": "content",
            "content": "".join(chain.from_iterable(text)),
            "model": ended.model,
            "status": ended.status,
            "elapsed_s": round(platform.clock() - begun, 3),
        }
    )
