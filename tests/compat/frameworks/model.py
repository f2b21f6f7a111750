"""The model that the frameworks talk to: it calls a function that it is offered, whatever its name is."""

import json
import re
from typing import Any

from projectdavid.adapters.providers.scripted import ScriptedProvider, say
from projectdavid.adapters.providers.scripted.script import Scene
from projectdavid.engine.prompt import ModelRequest
from tests.server.script import call

ARGUMENTS: dict[str, dict[str, Any]] = {
    "code_interpreter": {"code": "1 + 1"},
    "file_search": {"query": "warranty"},
    "SendMessage": {
        "recipient": "Forecaster",
        "message": "How is it in Oslo?",
        "my_primary_instructions": "Ask others.",
    },
}
"""What it gives functions that it prefers, if they are offered; to all others it gives a city."""


def _scene(ask: ModelRequest) -> Scene:
    """Call a function if the user spoke last and functions are offered; else answer with the outputs or a citation."""
    spoken = max((at for at, message in enumerate(ask.messages) if message.role == "user"), default=0)
    outputs = [str(message.content) for message in ask.messages[spoken:] if message.role == "tool"]
    if marks := re.findall("【[^】]*】", " ".join(outputs)):
        return say(f"The warranty lasts two years{marks[0]}.")
    if outputs:
        return say("They said: " + " and ".join(outputs))
    if not ask.tools:
        return say("Hello from the script.")
    names = [function["name"] for function in ask.tools]
    name = next((known for known in ARGUMENTS if known in names), names[0])
    return call((name, json.dumps(ARGUMENTS.get(name, {"city": "Oslo"}))))


def helper() -> ScriptedProvider:
    """A provider of that model, under any name."""
    return ScriptedProvider(scene_for=_scene)
