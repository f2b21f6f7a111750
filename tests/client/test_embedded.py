"""The platform inside the process, as the client handles it."""

import asyncio
import gc
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from projectdavid import AsyncEntity, Entity
from projectdavid.composition import embedded


class Platform:
    """Stands in for the real one."""

    made: list["Platform"]

    def __init__(self, path: str | Path, tools: Mapping[str, Any] | None = None) -> None:
        self.path = path
        self.tools = tools
        self.base_url = self.api_key = ""
        self.told: list[str] = []
        self.made.append(self)

    def start(self) -> None:
        self.base_url, self.api_key = "http://127.0.0.1:9", "k"
        self.told.append("start")

    def stop(self) -> None:
        self.told.append("stop")


@pytest.fixture
def platforms(monkeypatch: pytest.MonkeyPatch) -> list[Platform]:
    """The platforms that were made."""
    Platform.made = []
    monkeypatch.setattr(embedded, "EmbeddedPlatform", Platform)
    return Platform.made


def test_the_platform_runs_as_long_as_its_client_is_open(platforms: list[Platform], tmp_path: Path) -> None:
    with Entity.embedded(tmp_path) as client:
        assert client.base_url == "http://127.0.0.1:9"
        assert (platforms[0].path, platforms[0].told) == (tmp_path, ["start"])
    client.close()
    assert platforms[0].told == ["start", "stop"], "it is stopped once"


def test_a_forgotten_client_stops_its_platform(platforms: list[Platform]) -> None:
    client = Entity.embedded("data")
    del client
    gc.collect()
    assert platforms[0].told == ["start", "stop"]


def test_the_async_client_does_not_block_its_loop(platforms: list[Platform], monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    for name in ("start", "stop"):
        plain = getattr(Platform, name)

        def noted(self: Platform, plain: Any = plain) -> None:
            threads.append(threading.current_thread())
            plain(self)

        monkeypatch.setattr(Platform, name, noted)

    async def main() -> None:
        async with await AsyncEntity.embedded("data") as client:
            assert client.base_url == "http://127.0.0.1:9"

    asyncio.run(main())
    assert platforms[0].told == ["start", "stop"]
    assert threading.main_thread() not in threads


def test_a_platform_whose_address_is_none_is_stopped_again(
    platforms: list[Platform], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Platform, "start", lambda self: self.told.append("start"))
    monkeypatch.setattr("projectdavid.client._sync.entity.find_target", lambda *_: (_ for _ in ()).throw(ValueError))
    with pytest.raises(ValueError):
        Entity.embedded("data")
    assert platforms[0].told == ["start", "stop"]


class Missing(ModuleType):
    """A module without a library that it needs."""

    def __init__(self, missing: str) -> None:
        super().__init__("projectdavid.composition.embedded")
        self._missing = missing

    def __getattr__(self, name: str) -> Any:
        raise ModuleNotFoundError(f"No module named '{self._missing}'", name=self._missing)


def test_without_the_server_s_libraries_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "projectdavid.composition.embedded", Missing("uvicorn"))
    with pytest.raises(ImportError, match=r"uvicorn is missing\): in a checkout .*pip install '\.\[server\]'"):
        Entity.embedded("data")


def test_a_fault_of_our_own_is_not_taken_for_a_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "projectdavid.composition.embedded", Missing("projectdavid.nowhere"))
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'projectdavid\.nowhere'"):
        Entity.embedded("data")
