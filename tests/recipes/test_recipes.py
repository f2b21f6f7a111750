"""The recipes of CONTRIBUTING.md: each is a patch that works in a copy of the package, and touches few files."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import require_programs

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MOST_FILES = {"tool": 2, "field": 4, "provider": 2, "event": 3}
"""The files that each recipe may touch."""
START = """
import sys
from projectdavid import Entity

with Entity.embedded(sys.argv[1]) as client:
    def run(**fields):
        assistant = client.assistants.create_assistant(**{"model": "demo/assistant", **fields})
        kinds = []
        result = client.runs.run(
            assistant, client.threads.create_thread(), content="Hi", on_event=lambda event: kinds.append(event)
        )
        return result, kinds
"""
PROGRAMS = {
    "tool": """
    result, _ = run(tools=[{"type": "dice"}])
    (call,) = [call for step in client.runs.list_steps(result.run.id) if step.type == "tool_calls"
               for call in step.step_details.tool_calls]
    print(client.health().tools["dice"], call.type, call.dict()["dice"]["name"])
""",
    "provider": """
    print(run(model="echo/parrot")[0].text)
""",
    "field": """
    assistant = client.assistants.create_assistant(model="demo/assistant", verbosity="low")
    thread = client.threads.create_thread()
    kept = client.runs.run(assistant, thread, content="Hi").run
    other = client.runs.run(assistant, thread, content="Hi", verbosity="high").run
    print(assistant.verbosity, kept.verbosity, other.verbosity)

from projectdavid.adapters.providers.openai_compatible.lessons import NOTHING_LEARNED
from projectdavid.adapters.providers.openai_compatible.profiles import PROFILES
from projectdavid.adapters.providers.openai_compatible.request_builder import build_request
from projectdavid.engine.prompt import ModelRequest

body, _ = build_request(ModelRequest("m", (), options={"verbosity": "low"}), PROFILES["openai"], NOTHING_LEARNED)
print(body["verbosity"])
""",
    "event": """
    from projectdavid.protocol.events import TurnEvent
    print([event.turn for event in run()[1] if isinstance(event, TurnEvent)])
""",
}
PRINTED = {
    "tool": "{'available': True} dice roll_dice\n",
    "provider": "Hi\n",
    "field": "low low high\nlow\n",
    "event": "[1]\n",
}


@pytest.mark.parametrize("recipe", MOST_FILES)
def test_a_recipe_works_in_a_copy_of_the_package(tmp_path: Path, recipe: str) -> None:
    require_programs("git")
    patch = HERE / f"{recipe}.patch"
    copy = tmp_path / "src" / "projectdavid"
    shutil.copytree(ROOT / "src" / "projectdavid", copy, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "apply", patch], cwd=tmp_path, check=True)
    done = subprocess.run(
        [sys.executable, "-c", START + PROGRAMS[recipe], tmp_path / "data"],
        env={**os.environ, "PYTHONPATH": str(copy.parent), "PROJECTDAVID_SANDBOX": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == (PRINTED[recipe], 0), done.stderr


@pytest.mark.parametrize("recipe", MOST_FILES)
def test_a_recipe_touches_few_files_of_the_package(recipe: str) -> None:
    touched = re.findall(r"^\+\+\+ b/src/projectdavid/\S+$", (HERE / f"{recipe}.patch").read_text(), re.MULTILINE)
    assert 1 <= len(touched) <= MOST_FILES[recipe]


def test_contributing_names_each_recipe() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    assert all(f"tests/recipes/{recipe}.patch" in text for recipe in MOST_FILES)


UNRENDERED = """
from projectdavid.composition.tools import BuiltInTool
from projectdavid.ports.tool import ToolDescription
from projectdavid.tools.web_search import WebSearchTool


class Nameless:
    pass


ToolDescription("dice")  # Argument missing for parameter "render_step"
ToolDescription("dice", lambda call: call.output)  # Type "(call: RecordedCall) -> (str | None)" is not assignable
BuiltInTool(Nameless.description, lambda parts: None)  # Cannot access attribute "description" for class
BuiltInTool(WebSearchTool.description, lambda parts: Nameless())  # Type "(parts: ToolParts) -> Nameless" is not
"""


def test_the_type_checker_finds_a_tool_without_rendering(tmp_path: Path) -> None:
    (tmp_path / "snippet.py").write_text(UNRENDERED)
    command = [Path(sys.executable).with_name("basedpyright"), "--pythonpath", sys.executable, "--outputjson", "."]
    checked = subprocess.run(command, capture_output=True, cwd=tmp_path, check=False)
    reported = json.loads(checked.stdout)["generalDiagnostics"]
    errors = {one["range"]["start"]["line"]: one["message"] for one in reported if one["severity"] == "error"}
    expected = {n: line.partition("  # ")[2] for n, line in enumerate(UNRENDERED.splitlines()) if "  # " in line}
    assert errors.keys() == expected.keys()
    assert all(message in errors[n] for n, message in expected.items()), errors
