"""`POST /v1/completions`: starts or joins a run, and streams it up to its next pause."""

from contextlib import suppress
from itertools import chain
from typing import Any

from fastapi import Response

from projectdavid.api.http.answers import json_answer
from projectdavid.api.http.errors import UPSTREAM, WITH_BODY, ApiError, missing_error
from projectdavid.api.http.sse import FRAMES, EventStream
from projectdavid.api.native import runs
from projectdavid.api.native.event_stream import PAUSED, chunks
from projectdavid.api.native.serializers import router
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources.lookup import find
from projectdavid.api.resources.run_reader import read
from projectdavid.engine.inputs import RunStarted
from projectdavid.engine.run import InputRefused
from projectdavid.ports import queries
from projectdavid.ports.rows import RunRow
from projectdavid.ports.store import Op
from projectdavid.protocol.runs import Completion, CompletionRequest
from projectdavid.protocol.statuses import status_to_wire
from projectdavid.runtime.runs.journal import collect

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
    """Start or join a run, and stream it until it ends or waits for its caller.

    After outputs of calls were submitted, the same request streams the continuation.
    """
    row = await find(caller.view, queries.RUN, body.run_id, "run_id")
    if row.thread_id != body.thread_id:
        raise missing_error("thread", body.thread_id, "thread_id")
    if row.assistant_id != body.assistant_id:
        raise missing_error("assistant", body.assistant_id, "assistant_id")
    if row.status == "pending":
        row = await _start(caller, row, body.model)
    segment = await _segment(caller, row)
    after = segment if last_event_id is None else int(last_event_id)
    if body.stream:
        platform = caller.platform
        return EventStream(chunks(caller, row, after), platform.settings.stream_keep_alive, count=platform.streams)
    return await _whole(caller, row, after)


async def _start(caller: Caller, row: RunRow, model: str | None) -> RunRow:
    """Start a waiting run with the model of the request; the first caller wins."""
    platform = caller.platform
    platform.models.resolve(model or row.model)
    renamed: list[Op] = []
    if model is not None and model != row.model:
        renamed = [Op(queries.RUN_MODEL, {"id": row.id, "owner": caller.user_id, "model": model})]
    with suppress(InputRefused):  # already started or cancelled: join it
        await platform.driver.decide(row.n, RunStarted(), also=renamed)
    return await find(caller.view, queries.RUN, row.id)


async def _segment(caller: Caller, row: RunRow) -> int:
    """Return the position after which the caller's unread events begin; the same if the request is repeated."""
    claim = caller.claim
    if claim is not None and claim.note is not None:
        return int(claim.note)
    resumed = await caller.platform.store.one(queries.JOURNAL_RESUMED, run=row.n)
    position = 0 if resumed is None else int(resumed.position) - 1
    if claim is not None:
        await caller.view.write([claim.op(note=b"%d" % position)])
    return position


async def _whole(caller: Caller, row: RunRow, after: int) -> Response:
    platform = caller.platform
    begun = platform.clock()
    text: list[list[str]] = [[]]
    async for told in read(caller, row, after, PAUSED):
        collect(text, told)
    ended = await find(caller.view, queries.RUN, row.id)
    if ended.status == "failed":
        wire = runs.run(ended)
        raise ApiError(502, "run_failed", wire["last_error"])
    return json_answer(
        {
            "run_id": row.id,
            "type": "content",
            "content": "".join(chain.from_iterable(text)),
            "model": ended.model,
            "status": status_to_wire(ended.status),
            "elapsed_s": round(platform.clock() - begun, 3),
        }
    )
