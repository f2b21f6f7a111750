"""Runs with servers that each have one quirk, without any test before."""

import asyncio

import pytest

from projectdavid.adapters.providers.openai_compatible import OpenAICompatible
from projectdavid.runtime.model_registry import ModelRegistry
from projectdavid.runtime.worker.worker import RunWorker
from tests.fakes.chat_model import QUIRKS, ChatModel
from tests.runtime.stage import Stage, of_kind, statuses
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio

WAITS = frozenset({"requires_action"})


@pytest.mark.parametrize("quirk", QUIRKS)
async def test_a_run_with_a_call_loses_at_most_one_request(stage: Stage, quirk: str) -> None:
    async with asyncio.timeout(EVENT_TIMEOUT), ChatModel(quirk) as server:
        provider = OpenAICompatible(name="acme", base_url=server.url, api_key=None)
        try:
            async with stage.working(RunWorker(stage.services(models=ModelRegistry({"script": provider})))):
                run = await stage.run("The forecast, please.", functions=["get_forecast"])
                if quirk == "answers HTML":
                    assert statuses(await stage.events(run))[-1] == "failed"
                    return
                events = await stage.events(run, until=WAITS)
                (call,) = of_kind(events, "tool_call_manifest")
                await stage.answer(run, (call["tool_call_id"], "Sunny."))
                assert statuses(await stage.events(run, events[-1].position))[-1] == "completed"
        finally:
            await provider.close()
    assert server.refused <= 1
    assert len(server.asked) == 2 + server.refused
