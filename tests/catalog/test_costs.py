"""The cost of an answer with tokens read from and written to a cache is that of the vendor's published prices."""

from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest

from projectdavid.adapters.model_catalog.lookup import load_shipped
from projectdavid.composition.model_providers import models_of
from projectdavid.engine.deltas import MILLION, TokenUsage
from projectdavid.settings import PriceSettings, ProviderSettings, Settings
from tests.fakes.vendors import VENDOR_WIRES
from tests.fakes.vendors.scenes import Counts, FakeAnswer, VendorWire
from tests.providers.vendors.talking import reply_of

MODELS = {
    "anthropic": ("claude-opus-4-5", "claude-haiku-4-5", "claude-sonnet-4-5-20250929"),
    "gemini": ("gemini-2.5-flash", "gemini-2.5-pro"),
    "openai_responses": ("gpt-5", "gpt-5-mini-2025-08-07"),
}
PUBLISHED = {"anthropic": "anthropic", "gemini": "google", "openai_responses": "openai"}
PROMPTS = (1, 999, 123_456)
SHARES = ((0, 0), (1, 0), (0, 1), (1, 1))
ANSWERS = (0, 17, 60_001)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The vendors at their own addresses."""
    return Settings(data=tmp_path, providers={kind: ProviderSettings(kind=kind) for kind in MODELS})  # pyright: ignore


def test_the_cost_is_that_of_the_published_prices(settings: Settings) -> None:
    models, shipped, counted = models_of(settings, {}), load_shipped(), 0
    for kind, names in MODELS.items():
        known = shipped.providers[PUBLISHED[kind]].models
        for name, prompt, share, answer in product(names, PROMPTS, SHARES, ANSWERS):
            entry = known.get(name) or known[name.removesuffix("-2025-08-07")]
            assert entry.prompt is not None
            assert entry.completion is not None
            read, written = share[0] * (prompt // 3), share[1] * (prompt // 2)
            fresh = prompt - read - written
            dear = ((fresh, entry.prompt), (answer, entry.completion))
            cheap = ((read, entry.cached or entry.prompt), (written, entry.written or entry.prompt))
            exact = sum((Decimal(tokens) * Decimal(str(price)) for tokens, price in (*dear, *cheap)), Decimal())
            cost = models.cost(f"{kind}/{name}", TokenUsage(prompt, answer, cached_tokens=read, written_tokens=written))
            assert cost is not None
            assert abs(Decimal(cost) - exact) <= 1  # a millionth of a dollar
            counted += 1
    assert counted >= 200


def test_a_vendor_charges_more_for_what_it_writes_to_its_cache(settings: Settings) -> None:
    price = models_of(settings, {}).price("anthropic/claude-opus-4-5")
    assert price is not None
    assert (price.prompt, price.cached, price.written, price.completion) == (5.0, 0.5, 6.25, 25.0)


def test_a_configured_price_can_have_a_price_for_the_cache(tmp_path: Path) -> None:
    price = PriceSettings(prompt=1, completion=2, cached=0.5, written=4)
    models = models_of(Settings(data=tmp_path, prices={"demo/assistant": price}), {})
    usage = TokenUsage(MILLION * 3, MILLION, cached_tokens=MILLION, written_tokens=MILLION)
    assert models.cost("demo/assistant", usage) == (1 + 0.5 + 4 + 2) * MILLION


@pytest.mark.anyio
@pytest.mark.parametrize("wire", VENDOR_WIRES, ids=lambda wire: wire.kind)
async def test_adapters_report_what_was_read_and_written(wire: VendorWire) -> None:
    usage = (await reply_of(wire, *wire.events(FakeAnswer(text=("a",), counts=Counts(1000, 600, 300, 20, 10))))).usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (1000, 20)
    assert usage.cached_tokens == (600 if "cached" in wire.reports else 0)
    assert usage.written_tokens == (300 if "written" in wire.reports else 0)
