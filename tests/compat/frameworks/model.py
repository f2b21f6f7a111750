"""The model that the frameworks talk to: it calls the first function that it is offered, whatever its name is."""

import json
from typing import Any

from projectdavid.engine.prompt import Ask
from projectdavid.providers.scripted import ScriptedProvider, say
from projectdavid.providers.scripted.script import Scene
from tests.server.script import call

ARGUMENTS = {"code_interpreter": {"code": "1 + 1"}}
"""What it gives tools of the platform."""


def _arguments(function: dict[str, Any], said: str) -> str:
    """Every argument that the function demands: the first of those allowed, a city, or what the user said."""
    if function["name"] in ARGUMENTS:
        return json.dumps(ARGUMENTS[function["name"]])
    schema = function.get("parameters") or {}
    words = {name: field.get("enum", [said])[0] for name, field in schema.get("properties", {}).items()}
    return json.dumps(
        {name: words[name] for name in schema.get("required", [])} | ({"city": "Oslo"} if "city" in words else {})
    )


def _scene(ask: Ask) -> Scene:
    """Call when the user spoke last and functions are offered; else tell what they said."""
    spoken = max((at for at, message in enumerate(ask.messages) if message.role == "user"), default=0)
    outputs = [str(message.content) for message in ask.messages[spoken:] if message.role == "tool"]
    if outputs:
        return say("They said: " + " and ".join(outputs))
    if not ask.tools:
        return say("Hello from the script.")
    function = ask.tools[0]
    return call((function["name"], _arguments(function, str(ask.messages[spoken].content))))


def helper() -> ScriptedProvider:
    """A provider of that model, under any name."""
    return ScriptedProvider(scene_for=_scene)
