"""A model's server that is stopped and started again under its runs: all complete, and nothing is asked twice."""

import pytest

from projectdavid.adapters.providers.openai_compatible import OpenAICompatible
from projectdavid.runtime.model_registry import ModelRegistry
from projectdavid.runtime.worker.worker import RunWorker
from tests.fakes.upstream import Upstream
from tests.runtime.stage import Stage, kinds, of_kind, statuses

pytestmark = pytest.mark.anyio

RUNS = 10
WAITS = frozenset({"requires_action"})


async def test_ten_runs_survive_restarts_of_the_model_server_and_finished_turns_are_not_asked_again(
    stage: Stage,
) -> None:
    upstream = Upstream()
    url = await upstream.start()
    port = upstream.port
    provider = OpenAICompatible(name="fake", base_url=url, api_key=None)
    models = ModelRegistry({"fake": provider}, "fake")
    worker = RunWorker(stage.services(models=models))
    async with stage.working(worker):
        said = "[call=add:{}][delay=0.02]"
        runs = [await stage.run(said, functions=["add"], model="fake/m") for _ in range(RUNS)]
        for n in runs:  # the first turn is a fact before the server goes
            (call,) = of_kind(await stage.events(n, until=WAITS), "tool_call_manifest")
            await stage.answer(n, (call["tool_call_id"], "so " * 200))
        for restart in range(2):
            for n in runs:
                await retries(stage, n, restart, "content")
            await upstream.stop()
            for n in runs:
                await retries(stage, n, restart + 1, "retry")
            await upstream.start(port)
        ends = [await stage.events(n) for n in runs]
    await provider.close()
    await upstream.stop()
    assert {statuses(events)[-1] for events in ends} == {"completed"}
    assert sum(request["turn"] == 0 for request in upstream.requests) == RUNS
    assert all(kinds(events).count("retry") >= 2 for events in ends)


async def retries(stage: Stage, n: int, count: int, then: str) -> None:
    """Wait until a run was retried this often and emitted an event of this kind after that."""
    seen = 0
    async for part in stage.watch(n):
        for event in part:
            if seen >= count and event.kind == then and (then != "content" or "so" in str(event.data)):
                return
            seen += event.kind == "retry"
            if seen >= count and then == "retry":
                return
    raise AssertionError("the run ended before that")
