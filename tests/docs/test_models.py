"""What docs/models.md says of families and of the catalog."""

import json
import re
import tomllib
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from projectdavid.adapters.model_catalog import CatalogDocument
from projectdavid.adapters.model_catalog.lookup import load_shipped
from projectdavid.adapters.providers.openai_compatible.profiles import PROFILES, detect_profile
from projectdavid.composition.model_providers import models_of
from projectdavid.engine.prompt import ModelRequest, PromptMessage
from projectdavid.protocol.models import ModelCapabilities, ModelInfo
from projectdavid.settings import ProfileName, ProviderSettings, Settings
from tests.docs.pages import ROOT, blocks, named, read, rows, section
from tests.fakes.raw import answering
from tests.fakes.vendors import VENDOR_WIRES
from tests.fakes.vendors.scenes import KEY, FakeAnswer, VendorWire
from tests.providers.vendors.talking import chunks_of, fold, head

PAGE = ROOT / "docs/models.md"


def test_every_family_has_its_row() -> None:
    assert named(section(PAGE, "Families of servers")) == set(PROFILES) == set(get_args(ProfileName))


def test_an_address_of_a_row_chooses_its_profile() -> None:
    for profile, chosen, *_ in rows(section(PAGE, "Families of servers")):
        hosts = re.findall(r"`\*?\.?([a-z.]+\.[a-z]+)`", chosen)
        ports = re.findall(r"port (\d+)", chosen)
        for address in (*(f"https://{host}/v1" for host in hosts), *(f"http://localhost:{port}/v1" for port in ports)):
            assert detect_profile(address).name == profile.strip("`"), address


def test_fields_that_a_profile_leaves_out_or_renames_are_named() -> None:
    what = {row[0].strip("`"): row[3] for row in rows(section(PAGE, "Families of servers"))}
    for name, profile in PROFILES.items():
        for field in profile.omit:
            assert f"no `{field}`" in what[name]
        if profile.max_tokens_field != "max_tokens" and name == "openai":
            assert profile.max_tokens_field in what[name]


@pytest.mark.anyio
@pytest.mark.parametrize("wire", VENDOR_WIRES, ids=lambda wire: wire.kind)
async def test_a_model_answers_with_the_settings_of_its_vendor(
    wire: VendorWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pattern = rf'```toml\n([^`]*kind = "{wire.kind}"[^`]*)```'
    (shown,) = re.findall(pattern, section(PAGE, "Protocols of vendors"))
    document = tomllib.loads(shown)
    ((name, provider),) = document["providers"].items()
    monkeypatch.setenv(provider.get("api_key_env", "UNUSED"), KEY)
    assert ProviderSettings(**provider).base_url.startswith("http")
    async with answering(head(wire), *wire.events(FakeAnswer(text=("Hello.",)))) as raw:
        provider["base_url"] = raw.url
        models = models_of(Settings(data=tmp_path, **document), {})
        asked, model = models.resolve(f"{name}/a-model")
        reply = fold(await chunks_of(asked, ModelRequest(model, (PromptMessage("user", "Hi."),))))
        await models.close()
    assert reply.text == "Hello."
    assert not provider.get("api_key_env") or KEY.encode() in raw.requests[0]


def test_every_fact_is_explained() -> None:
    explained = named(section(PAGE, "What is known of a model"))
    assert explained == set(ModelInfo.model_fields) - {"id", "object", "created", "owned_by"}
    text = section(PAGE, "What is known of a model")
    assert all(f"`{name}`" in text for name in ModelCapabilities.model_fields)


def test_the_size_of_the_catalog_is_right() -> None:
    shipped = load_shipped()
    models = sum(len(provider.models) for provider in shipped.providers.values())
    found = re.search(r"about ([\d,]+) models of (\d+) providers", read(PAGE))
    assert found
    assert abs(int(found[1].replace(",", "")) - models) < 100
    assert int(found[2]) == len(shipped.providers)


def test_the_file_that_is_shown_is_a_catalog() -> None:
    (shown,) = [block for block in blocks(PAGE) if block.language == "json"]
    document = msgspec.convert(json.loads(shown.text), CatalogDocument)
    assert document.providers["acme"].models["large"].cached == 0.1
