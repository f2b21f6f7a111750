"""What the package shows, and that its sync half is made of its async half."""

import subprocess
import sys
from pathlib import Path

import pytest

import projectdavid
import projectdavid.client
from projectdavid.protocol.events import EVENTS, Event, UnknownEvent

ROOT = Path(__file__).parents[2]


def test_the_public_names_are_those_of_the_client() -> None:
    assert set(projectdavid.__all__) == {*projectdavid.client.__all__, "__version__"}
    for name in projectdavid.client.__all__:
        assert getattr(projectdavid, name) is getattr(projectdavid.client, name)
    assert set(projectdavid.__all__) <= set(dir(projectdavid))


def test_every_event_and_every_error_is_public() -> None:
    errors = {
        name
        for name, value in vars(projectdavid.client.errors).items()
        if isinstance(value, type) and issubclass(value, projectdavid.ProjectDavidError)
    }
    events = {kind.__name__ for kind in (*EVENTS.values(), Event, UnknownEvent)}
    assert errors | events <= set(projectdavid.__all__)
    drawn = projectdavid.client.errors.__doc__ or ""
    assert all(name in drawn for name in errors), "the tree in the docstring is complete"


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'projectdavid' has no attribute 'Nothing'"):
        _ = projectdavid.Nothing  # type: ignore[attr-defined]


def test_importing_the_package_imports_nothing_else() -> None:
    code = (
        "import sys, projectdavid; print(*sorted({'httpx2', 'pydantic', 'projectdavid.client'} & sys.modules.keys()))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == ""


def test_the_client_needs_nothing_of_the_server() -> None:
    code = (
        "import sys\n"
        "from projectdavid import *\n"
        "Entity('http://x', 'k')\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules} & {'fastapi', 'starlette', 'uvicorn', 'msgspec',"
        " 'aiohttp', 'apsw', 'pydantic_settings', 'typer'}))\n"
        "print(*[name for name in sys.modules if name.startswith('projectdavid.') and name.split('.')[1] not in"
        " ('client', 'protocol', 'distribution')])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == []


def test_the_sync_client_is_what_the_script_makes_of_the_async_one() -> None:
    script = ROOT / "scripts" / "unasync.py"
    checked = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
