"""Records journals of real runs for the unit tests of the console: `python -m tests.console.journals`."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from projectdavid.adapters.providers.scripted import DemoProvider, ScriptedProvider, say
from projectdavid.adapters.providers.scripted.script import Scene
from projectdavid.engine.deltas import TextDelta
from projectdavid.engine.prompt import ModelRequest
from projectdavid.ports.model import ModelError
from tests.server.conftest import serving
from tests.server.script import SCENES
from tests.server.talking import Caller, Json, ok
from tests.server.test_file_search import asked, searcher, shelf

FOLDER = Path(__file__).parents[2] / "console/test/journals"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def _retrying() -> Callable[[ModelRequest], Scene]:
    scenes = iter(
        [
            [
                [TextDelta(("This will ", "not last"))],
                ModelError("server_error", "The model fell over.", retryable=True),
            ],
            say("Here is the whole answer."),
        ]
    )
    return lambda _: next(scenes)


def main() -> None:
    """Record each journal."""
    scenes = SCENES | {"retry": _retrying()}
    provider = ScriptedProvider(scene_for=lambda ask: scenes[ask.model](ask))
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        providers = {"scripted": provider, "demo": DemoProvider(delay=0)}
        with serving(Path(folder), providers=providers) as server, Caller(server.base_url, "", server.api_key) as user:
            user.user_id = ok(user.get("/v1/auth/validate-key"))["user_id"]
            _save("text", _run(user, model="demo/assistant"))
            _save("reasoning", _run(user, model="scripted/thinker"))
            _save("retry", _run(user, model="scripted/retry"))
            _save("failure", _run(user, model="scripted/broken"))
            _save("two_calls", _run(user, model="scripted/two_calls", tools=[WEATHER]))
            _save("code", _run(user, model="scripted/coder", tools=[{"type": "code_interpreter"}]))
            _save("shell", _run(user, model="scripted/sheller", tools=[{"type": "computer"}]))
            _save(
                "plot",
                _run(user, "Plot x**2 from 0 to 3", model="demo/assistant", tools=[{"type": "code_interpreter"}]),
            )
            store, _ = shelf(user)
            _save("citations", asked(user, searcher(user, store))[1])


def _run(user: Caller, question: str = "Hello!", **assistant: Json) -> list[Json]:
    """Run a question, and answer the calls that the run waits for."""
    body = {"assistant_id": user.assistant(**assistant)["id"], "thread_id": user.thread(question)["id"]}
    run = ok(user.post("/v1/runs", json=body))
    events: list[Json] = []
    for event in user.events(run):
        events.append(event)
        if event["type"] == "tool_call_manifest":
            output = {"tool_call_id": event["tool_call_id"], "output": "rain"}
            ok(user.post(f"/v1/runs/{run['id']}/submit_tool_outputs", json={"tool_outputs": [output]}))
    return events


def _save(name: str, events: list[Json]) -> None:
    lines = ",\n".join(json.dumps(_to_client(event), ensure_ascii=False) for event in events)
    (FOLDER / f"{name}.json").write_text(f"[\n{lines}\n]\n", "utf-8")


def _to_client(event: Json) -> Json:
    """Return an event as the console has it: with its position, and a link that opens nothing."""
    kept = {name: value for name, value in event.items() if name != "event"}
    return kept | ({"url": "/v1/files/download?token=recorded"} if event["type"] == "file" else {})


if __name__ == "__main__":
    main()
