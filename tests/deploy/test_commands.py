"""The commands of the deployment files run, against a PostgreSQL server."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from projectdavid import Entity
from tests.deploy.files import ROOT, load, load_env
from tests.postgres_server import PostgresServer
from tests.timeouts import EVENT_TIMEOUT, PROCESS_TIMEOUT

SERVICES = load("compose/compose.yaml")[0]["services"]
SECRET = "5ec2e7" * 10 + "abcd"
PROGRAM = "from projectdavid.cli import main; main()"
HERE = ["--port", "0", "--json"]
"""After the options of a file: ports of containers can be in use on this machine."""


@pytest.fixture
def environment(postgres_url: str, tmp_path: Path) -> dict[str, str]:
    """The variables of the compose file, with a database of the test."""
    filled = load_env("compose/.env.example")
    filled |= {"POSTGRES_PASSWORD": "unused", "PROJECTDAVID_SECRET_KEY": SECRET}
    declared: dict[str, str] = SERVICES["api"]["environment"]
    variables = {
        name: re.sub(r"\$\{(\w+)[^}]*\}", lambda found: filled[found[1]], value) for name, value in declared.items()
    }
    variables |= {"PROJECTDAVID_DATABASE_URL": postgres_url, "PROJECTDAVID_DRAIN_SECONDS": "1"}
    folder = {"HOME": str(tmp_path), "PROJECTDAVID_DATA": str(tmp_path / "data"), "PYTHONPATH": str(ROOT / "src")}
    return {"PATH": "/usr/bin:/bin", "PROJECTDAVID_EMBEDDING_MODEL": "off", **variables, **folder}


def run(command: list[str], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *command],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PROCESS_TIMEOUT,
        check=False,
    )


@contextmanager
def running(command: list[str], environment: dict[str, str], folder: Path) -> Iterator[dict[str, Any]]:
    """Run a server; SIGTERM must end it with code 0."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *command, *HERE], env=environment, cwd=folder, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
            process.send_signal(signal.SIGTERM)
            assert process.wait(EVENT_TIMEOUT) == 0
        finally:
            process.kill()


def test_a_run_through_one_api_process_ends_on_a_worker_and_is_read_through_another(
    environment: dict[str, str], tmp_path: Path
) -> None:
    migrated = run(SERVICES["migrate"]["command"], environment, tmp_path)
    assert migrated.returncode == 0, migrated.stderr
    credentials = json.loads((tmp_path / "data/credentials.json").read_text())
    assert credentials["base_url"] == environment["PROJECTDAVID_PUBLIC_URL"]
    with ExitStack() as stack:
        servers = [
            stack.enter_context(running(SERVICES[name]["command"], environment, tmp_path))
            for name in ("api", "worker")
            for _ in range(2)
        ]
        assert [server["role"] for server in servers] == ["api", "api", "worker", "worker"]
        check_probes([server["url"] for server in servers])
        with (
            Entity(servers[0]["url"], credentials["api_key"]) as one,
            Entity(servers[1]["url"], credentials["api_key"]) as other,
        ):
            assistant = one.assistants.create_assistant(model="demo/assistant")
            thread = one.threads.create_thread()
            result = one.runs.run(assistant, thread, content="Hello")
            assert result.run.status == "completed"
            assert other.runs.retrieve_run(result.run.id).status == "completed"
    assert json.loads((tmp_path / "data/credentials.json").read_text()) == credentials


GRANTS = """
CREATE ROLE clerk LOGIN;
GRANT USAGE ON SCHEMA public, search TO clerk;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public, search TO clerk;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public, search TO clerk;
"""


def test_processes_need_no_right_to_create_tables_after_migrate(
    environment: dict[str, str], tmp_path: Path, postgres_server: PostgresServer
) -> None:
    url = environment["PROJECTDAVID_DATABASE_URL"]
    name = url.rpartition("/")[2]
    assert run(SERVICES["migrate"]["command"], environment, tmp_path).returncode == 0
    postgres_server.execute(GRANTS, database=name)
    environment["PROJECTDAVID_DATABASE_URL"] = url.replace("postgres@", "clerk@")
    key = json.loads((tmp_path / "data/credentials.json").read_text())["api_key"]
    try:
        with (
            running(SERVICES["api"]["command"], environment, tmp_path) as server,
            running(SERVICES["worker"]["command"], environment, tmp_path),
            Entity(server["url"], key) as client,
        ):
            assistant = client.assistants.create_assistant(model="demo/assistant")
            result = client.runs.run(assistant, client.threads.create_thread(), content="Hello")
            assert result.run.status == "completed"
            store = client.vectors.create("Terms")
            (tmp_path / "terms.md").write_text("The warranty lasts two years.")
            client.vectors.add_file(store, tmp_path / "terms.md")
            client.vectors.wait(store)
            assert client.vectors.search(store, "warranty")
            client.vectors.delete(store)
    finally:
        postgres_server.execute("DROP OWNED BY clerk; DROP ROLE clerk", database=name)


def check_probes(urls: list[str]) -> None:
    """Every probe of the manifests is answered by every process."""
    deployments = [load(f"kubernetes/base/{name}.yaml")[0] for name in ("api", "worker")]
    paths = {
        probe["httpGet"]["path"]
        for deployment in deployments
        for probe in deployment["spec"]["template"]["spec"]["containers"][0].values()
        if isinstance(probe, dict) and "httpGet" in probe
    }
    assert paths
    for url in urls:
        for path in paths:
            with urllib.request.urlopen(f"{url}{path}", timeout=EVENT_TIMEOUT) as response:
                assert response.status == 200


@pytest.mark.parametrize("name", ["api", "worker"])
def test_a_process_with_a_role_needs_the_public_url(name: str, environment: dict[str, str], tmp_path: Path) -> None:
    del environment["PROJECTDAVID_PUBLIC_URL"]
    refused = run([*SERVICES[name]["command"], *HERE], environment, tmp_path)
    assert refused.returncode == 1
    assert "set public_url" in refused.stderr


def test_migrate_can_be_repeated(environment: dict[str, str], tmp_path: Path) -> None:
    for _ in range(2):
        assert run(SERVICES["migrate"]["command"], environment, tmp_path).returncode == 0


def test_an_admin_is_recovered_as_in_a_cluster(environment: dict[str, str], tmp_path: Path) -> None:
    assert run(SERVICES["migrate"]["command"], environment, tmp_path).returncode == 0
    other = {**environment, "PROJECTDAVID_DATA": str(tmp_path / "other")}
    recovered = run(["admin", "recover"], other, tmp_path)
    assert recovered.returncode == 0, recovered.stderr
    assert recovered.stdout.startswith("pd_")
