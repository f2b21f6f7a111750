"""Loops of calls with models that demand the state of their earlier turns."""

import pytest

from projectdavid.runtime.model_registry import ModelRegistry
from projectdavid.runtime.worker.worker import RunWorker
from tests.fakes.vendors import WIRES
from tests.fakes.vendors.demanding import DemandingServer
from tests.fakes.vendors.scenes import VendorWire
from tests.runtime.stage import Stage, of_kind, statuses

pytestmark = pytest.mark.anyio

TURNS = 5
WAITS = frozenset({"requires_action"})


@pytest.fixture(params=[wire for wire in WIRES if wire.has_state], ids=lambda wire: wire.kind)
def wire(request: pytest.FixtureRequest) -> VendorWire:
    """A protocol with state."""
    return request.param


async def test_five_turns_of_calls_pass_with_their_state_and_another_model_gets_none(
    stage: Stage, wire: VendorWire
) -> None:
    async with DemandingServer(wire, TURNS) as server:
        models = ModelRegistry({"script": wire.provider(server.url)})
        try:
            async with stage.working(RunWorker(stage.services(models=models))):
                run, seen = await stage.run("Add.", functions=["add"]), 0
                for _ in range(TURNS):
                    events = await stage.events(run, seen, until=WAITS)
                    seen = events[-1].position
                    calls = of_kind(events, "tool_call_manifest")
                    await stage.answer(run, *((call["tool_call_id"], "3") for call in calls))
                assert statuses(await stage.events(run, seen))[-1] == "completed"
                for model in ("script/model", "script/other"):
                    again = await stage.run("And?", thread_id="thread_1", model=model)
                    assert statuses(await stage.events(again))[-1] == "completed"
        finally:
            await models.close()
    assert (server.refused, len(server.bodies)) == ([], TURNS + 3)
