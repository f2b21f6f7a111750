"""Settings, commands, options and times in the deployment files are those that the program knows."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from projectdavid.cli.doctor.postgres_checks import OTHER_CONNECTIONS
from projectdavid.settings import Settings
from tests.deploy.files import DEPLOY, OWN, check_command, find_unknown, load, load_all, load_env
from tests.timeouts import PROCESS_TIMEOUT

COMPOSE = load("compose/compose.yaml")[0]
APP = ("migrate", "api", "worker")
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
WORKLOADS = [one for one in load_all("kubernetes/base") if one["kind"] in ("Deployment", "Job")]
TEXTS = [
    path
    for folder in ("compose", "systemd", "kubernetes")
    for path in sorted((DEPLOY / folder).rglob("*"))
    if path.is_file()
]


def read_unit(path: Path) -> dict[str, list[str]]:
    """Return the values of each key in the section of a service."""
    lines = re.findall(r"^(\w+)=(.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {name: [value for key, value in lines if key == name] for name, _ in lines}


def container(workload: dict[str, Any]) -> dict[str, Any]:
    (found,) = workload["spec"]["template"]["spec"]["containers"]
    return found


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_variable_is_a_setting(path: Path) -> None:
    assert find_unknown(OWN.findall(path.read_text("utf-8"))) == set()


COMMANDS = [
    *(COMPOSE["services"][name]["command"] for name in APP),
    *(container(workload)["args"] for workload in WORKLOADS),
    load("kubernetes/sandbox/worker.yaml")[0]["spec"]["template"]["spec"]["containers"][0]["args"],
    *(read_unit(unit)["ExecStart"][0].replace("%i", "9001").split()[1:] for unit in UNITS),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_and_option_exists(command: list[str]) -> None:
    check_command(command)


def test_a_command_with_an_unknown_option_is_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        check_command(["serve", "--no-workers"])


@pytest.mark.parametrize("name", APP)
def test_settings_of_the_compose_file_are_accepted(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    filled = {**load_env("compose/.env.example", commented=True)}
    filled |= {"POSTGRES_PASSWORD": "x", "PROJECTDAVID_SECRET_KEY": "0" * 64, "PROJECTDAVID_S3_SECRET_ACCESS_KEY": "x"}
    environment = filled | COMPOSE["services"][name]["environment"]
    for variable, value in environment.items():
        monkeypatch.setenv(variable, re.sub(r"\$\{(\w+)[^}]*\}", lambda found: filled[found[1]], value))
    settings = Settings(data=tmp_path)
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://projectdavid:x@postgres:5432/projectdavid"
    assert settings.bus_url is not None
    assert settings.blobs_url == "s3://projectdavid"


def test_the_compose_file_has_two_api_processes_and_two_workers_after_migrate() -> None:
    services = COMPOSE["services"]
    assert [services[name]["deploy"]["replicas"] for name in ("api", "worker")] == [2, 2]
    for name in ("api", "worker"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    named = {volume.partition(":")[0] for one in services.values() for volume in one.get("volumes", ())}
    assert {name for name in named if not name.startswith(".")} == set(COMPOSE["volumes"])
    optional = {name: one["profiles"] for name, one in services.items() if "profiles" in one}
    assert optional == {"nats": ["nats"], "s3": ["s3"], "s3-bucket": ["s3"]}
    for service in services.values():
        assert re.search(r":(RELEASE\.)?\d", service["image"].rpartition("/")[2]), "an image without a version"


def test_postgres_has_connections_for_all_processes_of_the_compose_file() -> None:
    services = COMPOSE["services"]
    processes = sum(services[name]["deploy"]["replicas"] for name in ("api", "worker"))
    most = int(re.findall(r"max_connections=(\d+)", " ".join(services["postgres"]["command"]))[0])
    assert most >= processes * (Settings.model_fields["database_pool"].default + OTHER_CONNECTIONS) + 10


def test_every_supervisor_waits_longer_than_a_process_that_stops() -> None:
    for name in APP:
        service = COMPOSE["services"][name]
        assert seconds(service["stop_grace_period"]) > int(service["environment"]["PROJECTDAVID_DRAIN_SECONDS"]) + 10
    drain = int(load_env("systemd/projectdavid.env.example")["PROJECTDAVID_DRAIN_SECONDS"])
    for unit in UNITS:
        if "@" in unit.name:
            service = read_unit(unit)
            assert service["KillMode"] == ["mixed"]
            assert int(service["TimeoutStopSec"][0]) > drain + 10
    (settings,) = load("kubernetes/base/settings.yaml")
    for workload in WORKLOADS:
        if workload["kind"] == "Deployment":
            pod = workload["spec"]["template"]["spec"]
            pause = int(
                container(workload).get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", [0])[-1]
            )
            drain = int(settings["data"]["PROJECTDAVID_DRAIN_SECONDS"])
            assert pod["terminationGracePeriodSeconds"] > pause + drain + 10


def test_the_proxy_does_not_buffer_and_waits_longer_than_a_silent_stream() -> None:
    text = (DEPLOY / "compose/nginx.conf").read_text("utf-8")
    directives = dict(re.findall(r"^\s*(\w+) ([^;{]+);$", text, re.MULTILINE))
    assert directives["proxy_buffering"] == "off"
    assert directives["proxy_http_version"] == "1.1"
    assert seconds(directives["proxy_read_timeout"]) > Settings.model_fields["stream_keep_alive"].default * 2
    assert seconds(directives["keepalive_timeout"]) < Settings.model_fields["connection_idle_timeout"].default
    assert "ip_hash" not in text
    port = COMPOSE["services"]["api"]["command"][-1]
    assert f"server api:{port} " in text


def test_the_image_is_pinned_and_runs_as_an_ordinary_user_with_bubblewrap() -> None:
    text = (DEPLOY / "compose/Dockerfile").read_text("utf-8")
    assert re.search(r"^ARG PYTHON=python:3\.\d+\.\d+-slim-bookworm$", text, re.MULTILINE)
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]
    assert "bubblewrap" in text
    assert "uv sync --frozen" in text
    for name in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE):
        for path in name.split():
            assert (DEPLOY.parent / path).exists()


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda one: one["metadata"]["name"])
def test_pods_have_no_privileges_and_get_all_settings(workload: dict[str, Any]) -> None:
    pod, one = workload["spec"]["template"]["spec"], container(workload)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["enableServiceLinks"] is False, "its variables would begin like those of settings"
    assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert one["securityContext"]["allowPrivilegeEscalation"] is False
    sources = [next(iter(source.values()))["name"] for source in one["envFrom"]]
    assert sources == ["projectdavid", "projectdavid"]
    assert {mount["name"] for mount in one["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    if workload["kind"] == "Deployment":
        port = one["ports"][0]
        assert str(port["containerPort"]) in one["args"]
        for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
            (target,) = (value for key, value in one[probe].items() if key in ("httpGet", "tcpSocket"))
            assert target["port"] == port["name"]


def test_service_and_budgets_select_pods_of_a_deployment() -> None:
    labels = {one["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"] for one in WORKLOADS}
    (service,) = load("kubernetes/base/service.yaml")
    assert service["spec"]["selector"] == {"app.kubernetes.io/component": "api"}
    budgets = load("kubernetes/base/disruption.yaml")
    assert {one["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"] for one in budgets} < labels


def test_every_manifest_is_a_resource_of_its_kustomization() -> None:
    (base,) = load("kubernetes/base/kustomization.yaml")
    files = {path.name for path in (DEPLOY / "kubernetes/base").glob("*.yaml")}
    assert set(base["resources"]) == files - {"kustomization.yaml"}


@pytest.mark.parametrize("folder", ["base", "sandbox"])
def test_kustomize_renders_the_manifests(folder: str) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("only kubectl can render them")
    command = ["kubectl", "kustomize", str(DEPLOY / "kubernetes" / folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PROCESS_TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("kind: Deployment") == 2
    assert ("--no-sandbox" in done.stdout) == (folder == "base")


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_accepts_the_units(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("only systemd can verify them")
    text = unit.read_text("utf-8").replace("/opt/projectdavid/bin/projectdavid", "/bin/true")
    path = tmp_path / unit.name.replace("@", "@9001")
    path.write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PROCESS_TIMEOUT, check=False)
    complaints = [line for line in done.stderr.splitlines() if unit.name.partition("@")[0] in line]
    assert complaints == []
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_are_sections_of_unique_lines(unit: Path) -> None:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(unit.read_text("utf-8"))
    assert set(parser.sections()) - {"Install"} == {"Unit", "Service"}


def test_only_the_worker_can_create_namespaces() -> None:
    worker = read_unit(DEPLOY / "systemd/projectdavid-worker@.service")
    forbidding = {"RestrictNamespaces", "PrivateUsers", "ProtectProc", "ProcSubset", "MemoryDenyWriteExecute"}
    forbidding |= {f"ProtectKernel{what}" for what in ("Logs", "Tunables")} | {"ProtectControlGroups"}
    assert worker.keys() & forbidding == set()
    assert worker["NoNewPrivileges"] == ["yes"]
    assert read_unit(DEPLOY / "systemd/projectdavid-api@.service")["RestrictNamespaces"] == ["yes"]
