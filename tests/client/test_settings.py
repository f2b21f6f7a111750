"""Where the address and the key come from, and where the key does not go."""

import json
import ssl
import stat
from pathlib import Path
from typing import Any

import pytest

from projectdavid import Entity, MissingAPIKeyError
from projectdavid.client.settings import credentials_path, find_target


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty data directory."""
    return {"PROJECTDAVID_DATA": str(tmp_path)}


def store(environ: dict[str, str], **credentials: Any) -> None:
    path = credentials_path(environ)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(credentials))


def found(environ: dict[str, str], base_url: str | None = None, api_key: str | None = None) -> tuple[str, str]:
    target = find_target(base_url, api_key, environ)
    return target.base_url, target.api_key


def test_arguments_come_before_the_environment_and_that_before_the_file(environ: dict[str, str]) -> None:
    store(environ, base_url="http://file:1", api_key="file")
    assert found(environ) == ("http://file:1", "file")
    environ |= {"ENTITIES_BASE_URL": "http://entities:1", "ENTITIES_API_KEY": "entities"}
    assert found(environ) == ("http://entities:1", "entities")
    environ |= {"PROJECTDAVID_BASE_URL": "http://ours:1", "PROJECTDAVID_API_KEY": "ours"}
    assert found(environ) == ("http://ours:1", "ours")
    assert found(environ, "http://argument:1/", "argument") == ("http://argument:1", "argument")


def test_without_anything_else_the_server_is_on_this_machine(environ: dict[str, str]) -> None:
    assert found(environ, api_key="k") == ("http://127.0.0.1:9000", "k")
    store(environ, api_key="file")
    assert found(environ) == ("http://127.0.0.1:9000", "file")
    assert found(environ, "http://127.0.0.1:9000/") == ("http://127.0.0.1:9000", "file")


def test_without_a_key_the_error_says_what_to_do(environ: dict[str, str]) -> None:
    for kind in (MissingAPIKeyError, ValueError):
        with pytest.raises(kind, match=r"pass api_key=\.\.\., set PROJECTDAVID_API_KEY, or start a server"):
            found(environ)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "http://127.0.0.1:9001",
        "https://127.0.0.1:9000",
        "http://localhost:9000",
        "http://evil.example",
        "http://127.0.0.1:9000@evil.example",
        "http://127.0.0.1:9000.evil.example",
        "http://127.0.0.1:9000/other",
    ],
)
@pytest.mark.parametrize("stored_url", ["http://127.0.0.1:9000", None])
def test_the_file_s_key_is_not_sent_to_another_server(
    environ: dict[str, str], elsewhere: str, stored_url: str | None
) -> None:
    store(environ, base_url=stored_url, api_key="secret")
    for variable in ("PROJECTDAVID_BASE_URL", "ENTITIES_BASE_URL"):
        with pytest.raises(ValueError) as caught:
            found(environ | {variable: elsewhere})
        assert "secret" not in str(caught.value)
    with pytest.raises(ValueError):
        found(environ, elsewhere)
    if "@" not in elsewhere and ":9000." not in elsewhere:
        assert found(environ, elsewhere, "own")[1] == "own"


@pytest.mark.parametrize("same", ["http://127.0.0.1:9000/", "HTTP://127.0.0.1:9000", " http://127.0.0.1:9000 "])
def test_the_same_server_may_be_written_differently(environ: dict[str, str], same: str) -> None:
    store(environ, base_url="http://127.0.0.1:9000", api_key="file")
    assert found(environ, same)[1] == "file"


def test_the_usual_port_may_be_left_out(environ: dict[str, str]) -> None:
    store(environ, base_url="https://david.example", api_key="file")
    assert found(environ, "https://David.example:443")[1] == "file"


def test_a_key_of_the_caller_goes_where_the_file_says(environ: dict[str, str]) -> None:
    store(environ, base_url="http://file:1", api_key="file")
    assert found(environ, api_key="own") == ("http://file:1", "own")


def test_empty_variables_are_no_variables(environ: dict[str, str]) -> None:
    store(environ, base_url="http://file:1", api_key="file")
    assert found(environ | {"PROJECTDAVID_BASE_URL": "", "PROJECTDAVID_API_KEY": ""}) == ("http://file:1", "file")


@pytest.mark.parametrize("text", ["{", "[]", '"x"', b"\xff"])
def test_a_file_that_cannot_be_read_is_named(environ: dict[str, str], text: str | bytes) -> None:
    path = credentials_path(environ)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(MissingAPIKeyError, match=r"credentials\.json"):
        found(environ)
    assert found(environ, "http://x", "k") == ("http://x", "k"), "it is not read where it is not needed"


def test_the_file_is_looked_for_in_three_places(tmp_path: Path) -> None:
    environ = {"XDG_DATA_HOME": "/share"}
    assert credentials_path({}) == Path.home() / ".local/share/projectdavid/credentials.json"
    assert credentials_path(environ) == Path("/share/projectdavid/credentials.json")
    assert credentials_path(environ | {"PROJECTDAVID_DATA": "/data"}) == Path("/data/credentials.json")
    assert credentials_path(environ | {"PROJECTDAVID_CREDENTIALS": "/c.json"}) == Path("/c.json")


@pytest.mark.parametrize("url", ["127.0.0.1:9000", "ftp://x", "http://", "http://u:p@x", "http://x?a=1", "x"])
def test_an_address_that_is_none_is_refused(environ: dict[str, str], url: str) -> None:
    with pytest.raises(ValueError, match="the base URL should look like"):
        found(environ, url, "k")


@pytest.mark.parametrize("key", [" ", "a\nb", "ea_…"])
def test_a_key_that_no_header_carries_is_refused_without_being_shown(environ: dict[str, str], key: str) -> None:
    with pytest.raises(MissingAPIKeyError, match="empty or contains invalid"):
        found(environ, "http://x", key)


def test_the_client_reads_the_environment_of_the_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PROJECTDAVID_BASE_URL", "ENTITIES_BASE_URL", "PROJECTDAVID_API_KEY", "ENTITIES_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"base_url": "http://127.0.0.1:9", "api_key": "file"}))
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    monkeypatch.setenv("PROJECTDAVID_CREDENTIALS", str(path))
    with Entity() as client:
        assert client.base_url == "http://127.0.0.1:9"
        assert repr(client) == "Entity('http://127.0.0.1:9')"


def test_a_proxy_of_the_environment_does_not_see_what_stays_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with Entity("http://127.0.0.1:9000", "k") as near, Entity("http://david.example", "k") as far:
        assert not near._transport._http.trust_env
        assert far._transport._http.trust_env


def test_certificates_are_checked_and_only_loaded_where_they_are_needed(environ: dict[str, str]) -> None:
    for url in ("https://127.0.0.1:9000", "http://david.example", "https://david.example"):
        assert find_target(url, "k", environ).trust() is True
    nobody = find_target("http://127.0.0.1:9000", "k", environ).trust()
    assert isinstance(nobody, ssl.SSLContext)
    assert (nobody.verify_mode, nobody.check_hostname, nobody.cert_store_stats()["x509_ca"]) == (
        ssl.CERT_REQUIRED,
        True,
        0,
    )
