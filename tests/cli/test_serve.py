"""The server as a command."""

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest

import projectdavid
from projectdavid import Entity
from tests.cli.conftest import Command
from tests.cli.processes import COMMAND, PATIENCE, finished, started, stopped

pytestmark = pytest.mark.slow
STARTING = f"Starting Project David {projectdavid.__version__} ..."
FREE = "19009"
"""A port outside the range from which the system takes those of clients."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator["Popen[str]"]:
    with started(COMMAND, "serve", "--port", "0", "--data", "data", "--json", home=tmp_path) as process:
        yield process


def _line(process: "Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_stops_gently(server: "Popen[str]", tmp_path: Path, number: int) -> None:
    told = json.loads(_line(server))
    file = tmp_path / "data" / "credentials.json"
    assert (told["credentials"], told["pid"]) == (str(file), server.pid)
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["base_url"] == told["url"]
    with Entity(told["url"], json.loads(file.read_text())["api_key"]) as client:
        assert client.health().status == "ok"
    assert told["openai_base_url"] == f"{told['url']}/openai/v1"
    code, _, errors = stopped(server, number)
    assert (code, errors.splitlines()) == (0, [STARTING, "stopped"])


def test_for_people_it_prints_the_address_the_files_the_models_and_the_next_step(tmp_path: Path) -> None:
    provider = {"OPENAI_BASE_URL": "http://me:secret@127.0.0.1:9/v1"}
    with started(COMMAND, "serve", "--port", "0", "--data", "data", home=tmp_path, environment=provider) as process:
        lines = [_line(process) for _ in range(7)]
        assert stopped(process)[0] == 0
    shown = "".join(lines)
    assert lines[0].startswith("Project David ")
    assert "http://127.0.0.1:" in lines[0]
    assert "/openai/v1  (the OPENAI_BASE_URL of programs" in lines[2]
    assert "data/credentials.json" in shown
    assert "openai at http://127.0.0.1:9/v1 (default), demo" in shown
    assert "secret" not in shown
    assert lines[-1].endswith(f"PROJECTDAVID_DATA={tmp_path / 'data'} projectdavid chat\n")


def test_a_second_server_on_the_same_port_or_folder_says_so_in_a_line(server: "Popen[str]", tmp_path: Path) -> None:
    port = json.loads(_line(server))["url"].rpartition(":")[2]
    same_port = finished("serve", "--port", port, "--data", "other", home=tmp_path)
    same_folder = finished("serve", "--port", "0", "--data", "data", home=tmp_path)
    for second, said in ((same_port, f"port {port} is already in use on 127.0.0.1"), (same_folder, "data is in use")):
        assert (second.returncode, second.stdout) == (1, "")
        starting, line = second.stderr.splitlines()
        assert starting == STARTING
        assert line.startswith("error: ")
        assert said in line
        assert "--port" in line or "--data" in line


def test_a_signal_that_comes_early_stops_it_as_gently(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from projectdavid.cli import server_process
read = server_process.read_settings
def read_and_signal(**flags):
    os.kill(os.getpid(), signal.SIGTERM)
    return read(**flags)
server_process.read_settings = read_and_signal
from projectdavid.cli import main
main()
"""
    command = (sys.executable, "-c", program, "serve", "--port", "0", "--data", "data")
    with started(*command, home=tmp_path) as process:
        out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert errors.endswith("stopped\n")
    assert out.startswith("Project David ")


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (["--port", "0", "--data", "/proc/nowhere"], {}, "/proc/nowhere"),
        (["--port", "0", "--data", "file/below"], {}, "file/below"),
        (["--host", "192.0.2.1"], {}, "cannot listen on 192.0.2.1:9000"),
        (["--host", "host.invalid"], {}, "cannot listen on host.invalid"),
        (["--log-level", "loud"], {}, "unknown log level loud"),
        (["--port", "0"], {"PROJECTDAVID_MAX_RUNS": "many"}, "max_runs"),
        (["--port", "0"], {"PROJECTDAVID_PROVIDERS": "{"}, "providers"),
        (["--port", "0"], {"PROJECTDAVID_DEFAULT_PROVIDER": "nobody"}, "'nobody'"),
        (["--port", "0"], {"PROJECTDAVID_MODEL_ALIASES": '{"gpt-4o": "nobody/llama"}'}, "'nobody/llama'"),
        (["--port", FREE], {"OPENAI_BASE_URL": f"http://localhost:{FREE}/openai/v1"}, "is this server itself"),
    ],
)
def test_what_keeps_it_from_starting_is_one_line(
    lonely: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    variables: dict[str, str],
    said: str,
) -> None:
    (tmp_path / "file").touch()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    outcome = lonely("serve", *arguments)
    assert said in outcome.error
    assert "Next: " in outcome.error
    assert outcome.out == ""


def test_a_broken_configuration_file_is_named(lonely: Command, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "config.toml").write_text("port = ")
    assert "data/config.toml" in lonely("serve", "--data", "data").error


def test_it_says_that_it_starts_before_it_imports_the_server(tmp_path: Path) -> None:
    program = """
import sys
class Refused:
    def find_spec(self, name, path=None, target=None):
        if name in ("fastapi", "uvicorn", "projectdavid.composition.serve"):
            raise RuntimeError(name)
sys.meta_path.insert(0, Refused())
from projectdavid.cli import main
main()
"""
    with started(sys.executable, "-c", program, "serve", "--port", "0", home=tmp_path) as process:
        _, errors = process.communicate(timeout=PATIENCE)
    assert errors.startswith(f"{STARTING}\n")
    assert "RuntimeError" in errors
