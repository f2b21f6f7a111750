"""The embedder and the reranker that the settings want; part of the bootstrap, which knows the plugs."""

from projectdavid.embedders.sentences import SentenceEmbedder
from projectdavid.ports.embedder import Embedder
from projectdavid.ports.reranker import Reranker
from projectdavid.providers.openai_compatible.embedding import OpenAIEmbedder
from projectdavid.providers.openai_compatible.reranking import OpenAIReranker
from projectdavid.server.settings import ProviderSettings, Settings

LOCAL = "local"


def embedder_of(settings: Settings) -> Embedder | None:
    """The embedder; None: files are searched by words alone.

    Raises:
        ValueError: the setting names no provider, or what it wants is not installed.
    """
    if not settings.embedding_model:
        return None
    prefixes = {"query": settings.embedding_query_prefix, "document": settings.embedding_document_prefix}
    local, _, name = settings.embedding_model.partition("/")
    if local == LOCAL and name:
        return SentenceEmbedder(name, prefixes)
    where, provider, model = _named(settings, "embedding_model", settings.embedding_model, LOCAL)
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
    """The reranker; None: results stay in the order of the search.

    Raises:
        ValueError: the setting names no provider.
    """
    if not settings.rerank_model:
        return None
    where, provider, model = _named(settings, "rerank_model", settings.rerank_model)
    return OpenAIReranker(
        name=where, base_url=provider.base_url, api_key=provider.key(), headers=provider.headers, model=model
    )


def _named(settings: Settings, setting: str, value: str, *others: str) -> tuple[str, ProviderSettings, str]:
    """The provider that a setting names, and its model."""
    providers = settings.all_providers()
    name, _, model = value.partition("/")
    if not model or name not in providers:
        known = ", ".join((*providers, *others))
        raise ValueError(f"{setting} is '{value}': expected PROVIDER/MODEL, with one of {known}")
    return name, providers[name], model
