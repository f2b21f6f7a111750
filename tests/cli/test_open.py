"""`projectdavid open`: the link into the console."""

import webbrowser
from pathlib import Path

import httpx2
import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.cli.conftest import Command
from tests.server.consoles import build_console


def test_the_link_signs_in_once_as_the_user_or_the_admin(
    lonely: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    platform = EmbeddedPlatform(tmp_path / "data", console=True, console_folder=build_console(tmp_path / "dist"))
    platform.start()
    try:
        links = [lonely("open", "--print").out.strip(), lonely("open", "--json", "--admin").json["url"]]
        monkeypatch.setattr(webbrowser, "open", opened.append)  # returns None: no browser
        nowhere = lonely("open")
        assert (nowhere.code, nowhere.out.strip()) == (0, opened[0])
        for link, is_admin in zip([*links, *opened], (False, True, False), strict=True):
            address, _, code = link.partition("/#code=")
            assert address == platform.base_url
            made = httpx2.post(f"{address}/v1/auth/exchange", json={"code": code}).json()
            headers = {"x-api-key": made["plain_key"]}
            who = httpx2.get(f"{address}/v1/auth/validate-key", headers=headers).json()
            assert who["is_admin"] is is_admin
    finally:
        platform.stop()


def test_a_server_without_a_console_is_reported(command: Command) -> None:
    assert "has no web console" in command("open", "--print").error
