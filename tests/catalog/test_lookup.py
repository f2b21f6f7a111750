"""Which entry of the model catalog stands for a model: by host and exact name, never by likeness."""

import pytest

from projectdavid.adapters.model_catalog import ModelCatalog
from projectdavid.adapters.model_catalog.lookup import SHIPPED, load_shipped
from projectdavid.adapters.providers.openai_compatible.profiles import detect_profile

OPENAI = "https://api.openai.com/v1"
AZURE = "https://acme.openai.azure.com/openai/v1"
ANTHROPIC = "https://api.anthropic.com/v1"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/openai"
VERTEX = "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/openapi"
MISTRAL = "https://api.mistral.ai/v1"
DEEPSEEK = "https://api.deepseek.com"
ROUTER = "https://openrouter.ai/api/v1"
GROQ = "https://api.groq.com/openai/v1"
GATEWAY = "http://localhost:4000/v1"

KNOWN = [
    (OPENAI, "gpt-5"),
    (OPENAI, "gpt-5-2025-08-07"),
    (OPENAI, "gpt-4o-2024-08-06"),
    (OPENAI, "openai/gpt-5"),
    (OPENAI, "gpt-4.1-mini-2025-04-14"),
    (OPENAI, "o3"),
    (OPENAI, "o3-2025-04-16"),
    (OPENAI, "o4-mini"),
    (AZURE, "gpt-4o"),
    (AZURE, "gpt-5-mini"),
    (AZURE, "gpt-4.1-2025-04-14"),
    (ANTHROPIC, "claude-sonnet-4-5"),
    (ANTHROPIC, "claude-sonnet-4-5-20250929"),
    (ANTHROPIC, "claude-opus-4-6-20260205"),
    (ANTHROPIC, "anthropic/claude-haiku-4-5"),
    (GEMINI, "gemini-2.5-pro"),
    (GEMINI, "models/gemini-2.5-flash"),
    (VERTEX, "google/gemini-2.5-pro"),
    (MISTRAL, "mistral-large-latest"),
    (MISTRAL, "mistral-large-2512"),
    (DEEPSEEK, "deepseek-v4-pro"),
    (ROUTER, "openai/gpt-5"),
    (ROUTER, "anthropic/claude-sonnet-4.5"),
    (ROUTER, "google/gemini-2.5-pro"),
    (GROQ, "openai/gpt-oss-120b"),
    (GROQ, "llama-3.3-70b-versatile"),
]
KNOWN_WITHOUT_PRICE = [
    (ROUTER, "openai/gpt-5:nitro"),
    (ROUTER, "openai/gpt-5:online"),
    (GATEWAY, "gpt-5"),
    (GATEWAY, "openai/gpt-5"),
    (GATEWAY, "anthropic/claude-sonnet-4-5-20250929"),
    ("https://llm.acme.example/v1", "models/gemini-2.5-pro"),
]
UNKNOWN = [
    (OPENAI, "gpt-55"),
    (OPENAI, "gpt-5-turbo"),
    (OPENAI, "GPT-5"),
    (OPENAI, "gpt"),
    (OPENAI, "ft:gpt-4o-2024-08-06:acme::abc"),
    (OPENAI, "claude-sonnet-4-5"),
    (OPENAI, ""),
    (OPENAI, "/"),
    (OPENAI, "gpt-5/"),
    (MISTRAL, "mistral-large-2411-x"),
    (AZURE, "our-deployment"),
    ("http://localhost:11434/v1", "gpt-oss:20b"),
    ("http://localhost:1234/v1", "openai/gpt-oss-20b"),
    ("https://api.openai.com.evil.example/v1", "no-such-model"),
]


def find(base_url: str, model: str) -> object:
    return ModelCatalog().of_provider(base_url, detect_profile(base_url).name).find(model)


@pytest.mark.parametrize(("base_url", "model"), KNOWN)
def test_a_model_is_found_with_its_price_under_every_spelling_of_its_name(base_url: str, model: str) -> None:
    entry = ModelCatalog().of_provider(base_url, detect_profile(base_url).name).find(model)
    assert entry is not None
    assert entry.window is not None
    assert entry.window >= 8192
    assert None not in (entry.prompt, entry.completion, entry.tools, entry.images, entry.reasoning)


@pytest.mark.parametrize(("base_url", "model"), KNOWN_WITHOUT_PRICE)
def test_a_price_is_that_of_the_vendor_s_own_host_and_exact_model_only(base_url: str, model: str) -> None:
    entry = ModelCatalog().of_provider(base_url, detect_profile(base_url).name).find(model)
    assert entry is not None
    assert entry.window is not None
    assert (entry.prompt, entry.cached, entry.completion) == (None, None, None)


@pytest.mark.parametrize(("base_url", "model"), UNKNOWN)
def test_a_name_that_is_only_alike_is_unknown(base_url: str, model: str) -> None:
    assert find(base_url, model) is None


def test_the_date_of_a_model_decides_where_it_is_listed_by_date() -> None:
    dated = ModelCatalog().of_provider(OPENAI, "openai").find("gpt-4o-2024-05-13")
    newest = ModelCatalog().of_provider(OPENAI, "openai").find("gpt-4o")
    assert dated is not None
    assert newest is not None
    assert dated.prompt != newest.prompt


def test_the_same_model_has_the_price_of_the_provider_that_serves_it() -> None:
    prices = {
        base_url: entry.prompt
        for base_url, model in [(GROQ, "openai/gpt-oss-120b"), (ROUTER, "openai/gpt-oss-120b")]
        if (entry := ModelCatalog().of_provider(base_url, "generic").find(model)) is not None
    }
    assert len(set(prices.values())) == 2


def test_the_shipped_file_is_small_and_names_its_date_source_and_license() -> None:
    shipped = load_shipped()
    assert SHIPPED.stat().st_size <= 300_000
    assert shipped.date >= "2026-08-18"
    assert "models.dev" in shipped.source
    assert shipped.license.startswith("MIT License")
    assert "Copyright (c) 2025 models.dev" in shipped.license
    assert len(shipped.providers) >= 30
