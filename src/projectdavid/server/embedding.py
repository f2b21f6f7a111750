"""The embedder that the settings want; part of the bootstrap, which knows the plugs."""

from projectdavid.embedders.sentences import SentenceEmbedder
from projectdavid.ports.embedder import Embedder
from projectdavid.providers.openai_compatible.embedding import OpenAIEmbedder
from projectdavid.server.settings import Settings

LOCAL = "local"


def embedder_of(settings: Settings) -> Embedder | None:
    """The embedder; None: files are searched by words alone.

    Raises:
        ValueError: the setting names no provider, or what it wants is not installed.
    """
    if not settings.embedding_model:
        return None
    name, slash, model = settings.embedding_model.partition("/")
    prefixes = {"query": settings.embedding_query_prefix, "document": settings.embedding_document_prefix}
    if name == LOCAL and model:
        return SentenceEmbedder(model, prefixes)
    provider = settings.all_providers().get(name)
    if not slash or not model or provider is None:
        known = ", ".join((*settings.all_providers(), LOCAL))
        raise ValueError(
            f"embedding_model is '{settings.embedding_model}': expected PROVIDER/MODEL, with one of {known}"
        )
    return OpenAIEmbedder(
        name=name,
        base_url=provider.base_url,
        api_key=provider.key(),
        headers=provider.headers,
        model=model,
        dimensions=settings.embedding_dimensions,
        prefixes=prefixes,
    )
