"""What the catalog knows of a model holds where neither the settings nor the provider say more."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from projectdavid import Entity
from projectdavid.adapters.model_catalog import CatalogError
from projectdavid.adapters.providers.openai_compatible import OpenAICompatible
from projectdavid.adapters.providers.openai_compatible.profiles import PROFILES, ServerCapabilities
from projectdavid.composition.model_providers import models_of
from projectdavid.settings import PriceSettings, ProviderSettings, Settings
from tests.fakes.scenes import Refuser
from tests.server.conftest import FOREIGN, serving
from tests.server.talking import Caller, ok

OURS = {
    "date": "2026-11-01",
    "source": "the operator",
    "license": "none",
    "providers": {
        "acme": {"hosts": ["127.0.0.1"], "models": {"large": {"window": 4096, "prompt": 100, "completion": 1000}}}
    },
}
THEIRS = {
    "openai": {
        "id": "openai",
        "models": {
            "gpt-5": {
                "id": "gpt-5",
                "tool_call": True,
                "reasoning": True,
                "modalities": {"input": ["text", "image"], "output": ["text"]},
                "limit": {"context": 9000, "output": 100},
                "cost": {"input": 7, "output": 8, "cache_read": 0.5},
            },
            "image-maker": {"limit": {"context": 9000}, "modalities": {"output": ["image"]}},
            "odd": None,
        },
    },
    "stranger": {"models": {}},
}


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def upstream() -> Iterator[str]:
    """The base URL of a model's server in a thread of its own."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Refuser([])) as server:
        yield server.url


def settings(tmp_path: Path, **more: Any) -> Settings:
    openai = ProviderSettings(base_url="https://api.openai.com/v1")
    return Settings(data=tmp_path, providers={"openai": openai}, **more)


def test_a_model_of_a_vendor_has_a_window_and_a_price_without_any_setting(tmp_path: Path) -> None:
    models = models_of(settings(tmp_path, model_aliases={"best": "openai/gpt-5"}), {})
    for name in ("gpt-5", "openai/gpt-5", "best", "gpt-5-2025-08-07"):
        assert models.window(name) == 272_000
        price = models.price(name)
        assert price is not None
        assert (price.prompt, price.completion, price.cached) == (1.25, 10.0, 0.125)
    assert (models.window("gpt-unknown"), models.price("gpt-unknown")) == (128_000, None)


def test_a_cached_price_of_zero_in_the_catalog_is_not_known(tmp_path: Path) -> None:
    price = models_of(settings(tmp_path), {}).price("gpt-3.5-turbo")
    assert price is not None
    assert (price.prompt, price.cached) == (0.5, None)


def test_settings_win_over_the_catalog(tmp_path: Path) -> None:
    chosen = settings(
        tmp_path, context_windows={"gpt-5": 5000}, prices={"gpt-5": PriceSettings(prompt=1, completion=2)}
    )
    models = models_of(chosen, {})
    price = models.price("openai/gpt-5")
    assert price is not None
    assert (models.window("openai/gpt-5"), price.prompt, price.completion) == (5000, 1, 2)


def test_what_the_provider_says_wins_over_the_catalog(tmp_path: Path) -> None:
    models = models_of(settings(tmp_path), {})
    models.windows.discover("openai/gpt-5", 9000)
    assert models.windows.of("openai/gpt-5").source == "provider"
    assert models.window("gpt-5") == 9000


def test_catalog_prices_can_be_turned_off(tmp_path: Path) -> None:
    models = models_of(settings(tmp_path, catalog_prices=False), {})
    assert (models.window("gpt-5"), models.price("gpt-5")) == (272_000, None)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("place", ["setting", "data folder"])
def test_a_file_of_the_operator_wins_over_the_catalog_of_the_package(
    tmp_path: Path, compress: bool, place: str
) -> None:
    content = json.dumps(THEIRS).encode()
    file = tmp_path / ("catalog.json.gz" if place == "data folder" else "api.json")
    file.write_bytes(gzip.compress(content) if compress else content)
    models = models_of(settings(tmp_path, catalog_file=file if place == "setting" else None), {})
    price = models.price("gpt-5")
    assert price is not None
    assert (models.window("gpt-5"), price.prompt) == (9000, 7)
    assert models.window("gpt-4.1") > 9000, "what the file does not name is known as before"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no JSON",
        b"[]",
        b"{}",
        b'{"acme": {"models": {}}}',
        b'{"providers": []}',
        json.dumps({**OURS, "providers": {"acme": {"models": {"a": {"window": "many"}}}}}).encode(),
        json.dumps({**OURS, "providers": {"acme": {"models": {"a": {"pompt": 1}}}}}).encode(),
        b"\x1f\x8b broken",
        gzip.compress(b"{}", mtime=0)[:-9],
        b"\xff\xfe",
        b"[" * 100_000,
        None,
    ],
)
def test_a_file_that_is_no_catalog_is_refused_at_the_start_by_name(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "api.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CatalogError, match=r"api\.json"):
        models_of(settings(tmp_path, catalog_file=file), {})


def test_a_run_costs_what_the_catalog_says_and_is_bounded_by_it(upstream: str, tmp_path: Path) -> None:
    file = tmp_path / "ours.json"
    file.write_text(json.dumps(OURS), "utf-8")
    acme = OpenAICompatible(name="acme", base_url=upstream, api_key=None)
    with (
        serving(tmp_path / "data", providers={"acme": acme}, catalog_file=file) as server,
        Caller(server.base_url, "", server.api_key) as user,
    ):
        run = user.until(user.run("acme/large"), "completed")
        assert run["warnings"] == []
        today = ok(user.get("/v1/usage"))["today"]
    assert today["unpriced"] is False
    assert today["cost"] > 0


def test_the_catalog_is_not_read_before_it_is_needed(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from projectdavid.adapters.model_catalog import lookup
lookup.SHIPPED = Path("/nowhere")
from projectdavid.composition.model_providers import models_of
from projectdavid.settings import ProviderSettings, Settings
openai = ProviderSettings(base_url="https://api.openai.com/v1")
models_of(Settings(data={str(tmp_path)!r}, providers={{"openai": openai}}), {{}})
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_the_list_of_models_says_what_is_known_and_who_says_it(tmp_path: Path) -> None:
    listed = {"data": [{"id": "gpt-5", "context_length": 9000, "supported_parameters": ["tools"]}, {"id": "other"}]}
    file = tmp_path / "api.json"
    file.write_text(json.dumps(THEIRS), "utf-8")
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Refuser([], {"/v1/models": listed})) as upstream,
    ):
        text_only = replace(PROFILES["openai"], capabilities=ServerCapabilities(images=False))
        acme = OpenAICompatible(name="acme", base_url=upstream.url, api_key=None, profile=text_only)
        with (
            serving(
                tmp_path / "data",
                providers={"acme": acme},
                catalog_file=file,
                context_windows={"other": 5000},
                prices={"acme/other": {"prompt": 1, "completion": 2, "cached": 0.1}},
            ) as server,
            Caller(server.base_url, "", server.api_key) as user,
            Entity(server.base_url, server.api_key) as client,
        ):
            user.until(user.run("acme/gpt-5"), "completed")
            known, other, demo = client.models.list()
            dialect = ok(user.get("/openai/v1/models"))["data"]
    assert (known.context_window.value, known.context_window.source) == (9000, "provider")
    assert (known.max_output_tokens.value, known.max_output_tokens.source) == (100, "catalog")
    facts = known.capabilities
    assert (facts.tools.value, facts.tools.source) == (True, "provider")
    assert (facts.images.value, facts.images.source) == (False, "settings")
    assert (facts.reasoning.value, facts.reasoning.source) == (False, "provider")
    assert (facts.usage.value, facts.usage.source) == (False, "learned")
    assert (facts.parallel_calls.value, facts.parallel_calls.source) == (None, "unknown")
    assert known.price.source == "unknown", "a vendor's price does not apply to a server elsewhere"
    assert (other.context_window.value, other.context_window.source) == (5000, "settings")
    assert (other.price.prompt, other.price.completion, other.price.source) == (1, 2, "settings")
    assert other.price.cached == 0.1
    assert (demo.context_window.value, demo.context_window.source) == (128_000, "default")
    assert all(one.keys() == {"id", "object", "created", "owned_by"} for one in dialect)
