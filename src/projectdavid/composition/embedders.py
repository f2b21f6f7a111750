"""Builds the embedder and the reranker from the settings."""

from projectdavid.adapters.embedders.model_files import BUILT_IN, has_built_in
from projectdavid.adapters.embedders.onnx import OnnxEmbedder
from projectdavid.adapters.providers.openai_compatible.embedder import OpenAIEmbedder
from projectdavid.adapters.providers.openai_compatible.reranker import OpenAIReranker
from projectdavid.ports.embedder import Embedder
from projectdavid.ports.reranker import Reranker
from projectdavid.settings import ProviderSettings, Settings

LOCAL = "local"
OFF = "off"


def embedder_of(settings: Settings) -> Embedder | None:
    """Build the embedder; None if files are only searched by words.

    The default is the built-in model, if it is installed.

    Raises:
        ValueError: the setting names no provider, or the model is not installed.
    """
    wanted = settings.embedding_model or (f"{LOCAL}/{BUILT_IN}" if has_built_in() else OFF)
    if wanted == OFF:
        return None
    prefixes = {"query": settings.embedding_query_prefix, "document": settings.embedding_document_prefix}
    local, _, name = wanted.partition("/")
    if local == LOCAL and name:
        return OnnxEmbedder(name, prefixes)
    where, provider, model = _parse_name(settings, "embedding_model", wanted, LOCAL)
    return OpenAIEmbedder(
        name=where,
        base_url=provider.base_url,
        api_key=provider.key(),
        headers=provider.headers,
        model=model,
        dimensions=settings.embedding_dimensions,
        prefixes=prefixes,
    )


def reranker_of(settings: Settings) -> Reranker | None:
    """Build the reranker; None if results keep the order of the search.

    Raises:
        ValueError: the setting names no provider.
    """
    if not settings.rerank_model:
        return None
    where, provider, model = _parse_name(settings, "rerank_model", settings.rerank_model)
    return OpenAIReranker(
        name=where, base_url=provider.base_url, api_key=provider.key(), headers=provider.headers, model=model
    )


def _parse_name(settings: Settings, setting: str, value: str, *others: str) -> tuple[str, ProviderSettings, str]:
    """Split a setting into its provider and its model."""
    providers = settings.all_providers()
    name, _, model = value.partition("/")
    if not model or name not in providers:
        known = ", ".join((*providers, *others))
        raise ValueError(f"{setting} is '{value}': expected PROVIDER/MODEL, with one of {known}")
    if providers[name].kind != "openai":
        raise ValueError(f"{setting} is '{value}': expected a provider of kind 'openai', not '{providers[name].kind}'")
    return name, providers[name], model
