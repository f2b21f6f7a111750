"""What docs/models.md says of families and of the catalog."""

import json
import re
from typing import get_args

import msgspec

from projectdavid.adapters.model_catalog import CatalogDocument
from projectdavid.adapters.model_catalog.lookup import load_shipped
from projectdavid.adapters.providers.openai_compatible.profiles import PROFILES, detect_profile
from projectdavid.protocol.models import ModelCapabilities, ModelInfo
from projectdavid.settings import ProfileName
from tests.docs.pages import ROOT, blocks, named, read, rows, section

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
