"""The demo model with tools that run code: it writes code for a question, and says what the code said."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from projectdavid.adapters.providers.scripted import DemoProvider
from projectdavid.adapters.providers.scripted.code_writer import python_for
from projectdavid.engine.deltas import CallPart, TextDelta
from projectdavid.engine.prompt import ModelRequest, PromptCall, PromptMessage
from projectdavid.ports.model import ModelError

pytestmark = pytest.mark.anyio

TOOLS = ({"name": "code_interpreter", "parameters": {}}, {"name": "computer", "parameters": {}})


async def asked(*messages: PromptMessage, tools: tuple[dict[str, Any], ...]) -> list[Any]:
    return [chunk async for chunks in DemoProvider(0).stream(ModelRequest("demo", messages, tools)) for chunk in chunks]


async def called(said: str, tool: dict[str, Any]) -> Any:
    chunks = await asked(PromptMessage("user", said), tools=(tool,))
    parts = [chunk for chunk in chunks if isinstance(chunk, CallPart)]
    assert parts[0].name == tool["name"]
    return json.loads("".join(part.arguments or "" for part in parts))


def printed(said: str, folder: Path) -> str:
    """What the code for a question prints; its last line is an expression there, and is printed here."""
    lines = python_for(said).rstrip().split("\n")
    if not lines[-1].startswith("print("):
        lines[-1] = f"print({lines[-1]})"
    code = "import matplotlib\nmatplotlib.use('Agg')\n" if "matplotlib" in "\n".join(lines) else ""
    return subprocess.run(
        [sys.executable, "-c", code + "\n".join(lines)], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("What is 12.5 + 29.5?", "42.0"),
        ("Please tell me 2^10 - 24!", "1000"),
        ("What is sqrt(2) * sqrt(8)?", "4.000000000000001"),
        ('How are you, "friend"?\nI\'m fine 🙂', "your message has 7 words"),
        ("What is sin(", "your message has 3 words"),
    ],
)
async def test_it_writes_code_that_answers_the_question(said: str, answer: str, tmp_path: Path) -> None:
    assert printed(said, tmp_path) == answer


@pytest.mark.slow
async def test_it_draws_a_curve_and_measures_the_area_under_it(tmp_path: Path) -> None:
    said = "Plot x^2 * exp(-x) and tell me the area under it from 0 to 2."
    assert printed(said, tmp_path) == "the area under x**2 * exp(-x) from 0 to 2 is 0.6466"
    assert printed("The area under sin(x) from 0 to pi?", tmp_path).endswith("is 2.0000")


@pytest.mark.slow
async def test_it_makes_a_table_of_a_csv(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("city,count\nLisbon,3\nPorto,5\nLisbon,4\n", "utf-8")
    shown = printed("What sold best, by sales.csv?", tmp_path)
    assert shown.split() == ["count", "city", "Lisbon", "7", "Porto", "5"]
    assert (tmp_path / "sales_summary.csv").read_text("utf-8") == "city,count\nLisbon,7\nPorto,5\n"


async def test_it_calls_the_tools_with_what_they_take() -> None:
    assert await called("What is 1 + 1?", TOOLS[0]) == {"code": "1 + 1\n"}
    assert await called("Run `uname -a` and `ls /`", TOOLS[1]) == {"commands": ["uname -a", "ls /"]}
    assert await called("Look around", TOOLS[1]) == {"commands": ["pwd", "ls -l"]}


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("42", "what it says is: 42. Set"),
        ("42\n\nFiles for the user:\n- plot-1.png (3.0 kB)\n\n[A note.]", "what it says is: 42. Set"),
        ("a  1\nb  2", "what it says is:\n\na  1\nb  2\n\nSet"),
        ("Error: the tool is off on this server: because.", "the tool is off on this server: because."),
    ],
)
async def test_it_says_what_the_code_said(output: str, said: str) -> None:
    chunks = await asked(
        PromptMessage("user", "What is 6 * 7?"),
        PromptMessage("assistant", "", calls=(PromptCall("call_1", "code_interpreter", "{}"),)),
        PromptMessage("tool", output, call_id="call_1"),
        tools=TOOLS,
    )
    text = "".join("".join(chunk.parts) for chunk in chunks if isinstance(chunk, TextDelta))
    assert said in text
    assert text.startswith("I am the demo model of projectdavid: a script, not a mind.")


async def test_the_demo_model_is_there_and_stays() -> None:
    provider = DemoProvider(0)
    with pytest.raises(ModelError, match="is part of the platform") as caught:
        await provider.delete("assistant")
    assert caught.value.code == "invalid_request"
    assert await provider.models() == ["assistant"]
