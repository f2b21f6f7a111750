"""The demo."""

import json
import re
import shutil
from pathlib import Path

import httpx2
import pytest

from tests.cli.processes import finished, upstream

pytestmark = pytest.mark.slow


def test_it_goes_the_whole_way_without_key_or_network(tmp_path: Path) -> None:
    done = finished("demo", home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    parts = [
        "The server",
        "http://127.0.0.1:",
        "An assistant",
        "model demo/assistant",
        "A thread",
        "What is the weather like in Lisbon?",
        "get_weather(city='Lisbon')",
        '{"city":"Lisbon","sky":"sunny","celsius":24}',
        "it answered:",
        "completed",
        "Stored messages",
        "Mathy",
        "with code_interpreter",
        "the assistant runs:",
        "linspace(0, 3",
        "the area under x**2 from 0 to 3 is 9.0000",
        "a file: plot-1.png (image/png",
        "its plot: ",
        "Librarian",
        "with file_search over terms.md",
        "Batteries wear out, and are covered for twelve months only. 【",
        "†terms.md】 terms.md, line 3: 'Batteries wear out, and are covered for twelve months only.'",
        "Next steps",
        "projectdavid serve",
    ]
    at = 0
    for part in parts:
        at = done.stdout.find(part, at)
        assert at >= 0, f"{part!r} is missing or too early"
    (plot,) = re.findall(r"its plot: (.*)", done.stdout)
    assert Path(plot).read_bytes().startswith(b"\x89PNG\r\n"), "it keeps the picture, and says where"
    shutil.rmtree(Path(plot).parent)
    assert not list(tmp_path.iterdir()), "it keeps nothing else"


def test_its_facts_are_there_as_json(tmp_path: Path) -> None:
    done = finished("demo", "--json", "--data", "kept", home=tmp_path)
    told = json.loads(done.stdout)
    assert (done.returncode, told["status"]) == (0, "completed")
    assert told["tool_calls"] == [{"name": "get_weather", "arguments": {"city": "Lisbon"}}]
    assert [message["role"] for message in told["messages"]] == ["user", "tool", "assistant"]
    assert "The run streams" in done.stderr
    assert (tmp_path / "kept" / "projectdavid.db").exists()
    assert "9.0000" in told["math"]["answer"]
    assert told["math"]["plots"] == ["kept/plot-1.png"]
    quote = "Batteries wear out, and are covered for twelve months only."
    assert told["files"]["citations"] == [{"filename": "terms.md", "line": 3, "quote": quote}]


@pytest.mark.parametrize("model", [None, "openai/fake-model"])
def test_a_model_that_does_not_call_the_function_is_no_failure(
    tmp_path: Path, provider: str, model: str | None
) -> None:
    variables = {"OPENAI_BASE_URL": provider} | ({"PROJECTDAVID_DEMO_MODEL": model} if model else {})
    done = finished("demo", home=tmp_path, environment=variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert "model openai/fake-model" in done.stdout
    assert "Hello from the fake model." in done.stdout
    assert "answered without calling the function" in done.stdout
    assert "The model drew nothing." in done.stdout
    assert "The model cited nothing." in done.stdout


def test_without_a_sandbox_the_model_is_told_why_and_what_to_do(tmp_path: Path) -> None:
    done = finished("demo", home=tmp_path, environment={"PROJECTDAVID_SANDBOX_LEVEL": "vm"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "at least vm is required" in done.stdout
    assert "The model drew nothing." in done.stdout


def test_ollama_is_asked_where_it_is_named(tmp_path: Path, provider: str) -> None:
    host = provider.removeprefix("http://").removesuffix("/v1")
    done = finished("demo", home=tmp_path, environment={"OLLAMA_HOST": host})
    assert done.returncode == 0
    assert "model ollama/fake-model" in done.stdout


def test_a_key_alone_is_not_spent_unasked(tmp_path: Path) -> None:
    done = finished("demo", home=tmp_path, environment={"OPENAI_API_KEY": "sk-mine"})
    assert done.returncode == 0
    assert "model demo/assistant" in done.stdout


def test_a_provider_that_is_not_there_is_the_reason_of_the_failure(tmp_path: Path) -> None:
    nowhere = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    done = finished("demo", home=tmp_path, environment=nowhere)
    assert done.returncode == 1
    assert "Connection refused" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: openai (http://127.0.0.1:9/v1) lists no models")


def test_a_run_that_fails_fails_the_demo(tmp_path: Path, provider: str) -> None:
    done = finished("demo", "--model", "nobody/none", home=tmp_path)
    assert done.returncode == 1
    assert "code model_not_found" in done.stderr


def test_a_folder_in_use_is_said_in_a_line(tmp_path: Path, data: Path) -> None:
    done = finished("demo", "--data", str(data), home=tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "in use by another server" in done.stderr


@pytest.mark.parametrize(("arguments", "limit"), [((), 2000), (("--max-completion-tokens", "7"), 7)])
def test_every_run_of_the_demo_bounds_the_tokens_of_the_model(
    tmp_path: Path, arguments: tuple[str, ...], limit: int
) -> None:
    with upstream() as url:
        done = finished("demo", *arguments, home=tmp_path, environment={"OPENAI_BASE_URL": url})
        requests = httpx2.get(f"{url}/requests").json()
    assert (done.returncode, done.stderr) == (0, "")
    assert [request["body"]["max_tokens"] for request in requests] == [limit] * 3
