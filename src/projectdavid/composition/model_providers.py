"""Builds the model providers from the settings."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from urllib.parse import urlsplit

from projectdavid.adapters.model_catalog import ModelCatalog, ProviderCatalog, read_catalog
from projectdavid.adapters.providers.anthropic import AnthropicProvider
from projectdavid.adapters.providers.gemini import GeminiProvider
from projectdavid.adapters.providers.http.vendor_provider import VendorOptions, VendorProvider
from projectdavid.adapters.providers.ollama import OllamaProvider
from projectdavid.adapters.providers.openai_compatible import OpenAICompatible
from projectdavid.adapters.providers.openai_compatible.profiles import (
    PROFILES,
    ServerCapabilities,
    ServerProfile,
    detect_profile,
)
from projectdavid.adapters.providers.openai_responses import ResponsesProvider
from projectdavid.adapters.providers.scripted import DemoProvider
from projectdavid.api.openai.routes import PREFIX
from projectdavid.ports.catalog import CatalogEntry
from projectdavid.ports.model import ModelProvider
from projectdavid.runtime.model_registry import ModelPrice, ModelRegistry, ModelRegistryOptions, UnknownModel
from projectdavid.settings import ProviderSettings, Settings

VENDORS: dict[str, type[VendorProvider]] = {
    one.kind: one for one in (AnthropicProvider, GeminiProvider, ResponsesProvider, OllamaProvider)
}
"""Providers with the protocol of a vendor, by the `kind` of their settings."""


def models_of(settings: Settings, extra: dict[str, ModelProvider]) -> ModelRegistry:
    """Build the registry of models; `extra` are additional providers.

    Raises:
        ValueError: a setting names no provider, a provider is this server, or a catalog file is invalid.
    """
    named = settings.all_providers()
    for name, provider in named.items():
        _check_not_this_server(settings, name, provider.base_url)
    catalog = _read_catalogs(settings)
    providers: dict[str, ModelProvider] = {
        name: provider_of(name, provider, settings.model_idle_timeout, catalog, settings.context_windows)
        for name, provider in named.items()
    }
    providers |= extra
    default = settings.default_provider or next(iter(providers), None)
    providers.setdefault("demo", DemoProvider())
    if default is not None and default not in providers:
        raise ValueError(f"default_provider is '{default}', but only {', '.join(providers)} are configured")
    prices = {
        name: ModelPrice(price.prompt, price.completion, price.cached, price.written)
        for name, price in settings.prices.items()
    }
    options = ModelRegistryOptions(
        context_window=settings.context_window,
        windows=settings.context_windows,
        prices=prices,
        aliases=settings.model_aliases,
        provider_windows={name: one.context_window for name, one in named.items() if one.context_window is not None},
        catalogs=_catalogs(catalog, providers),
        catalog_prices=settings.catalog_prices,
        retry_seconds=settings.retry_seconds,
        provider_retries={name: one.retry_for for name, one in named.items() if one.retry_for is not None},
    )
    models = ModelRegistry(providers, default, options)
    for alias, model in settings.model_aliases.items():
        try:
            models.resolve(alias)
        except UnknownModel:
            known = ", ".join(providers)
            raise ValueError(f"model_aliases maps '{alias}' to '{model}', but only {known} are configured") from None
    return models


def _read_catalogs(settings: Settings) -> ModelCatalog:
    """Read the catalogs. Files of the operator are read now, the shipped one on first use.

    Raises:
        CatalogError: a file is not a catalog.
    """
    files = [settings.catalog] if settings.catalog.exists() else []
    files += [settings.catalog_file] if settings.catalog_file else []
    return ModelCatalog([read_catalog(path) for path in files])


def _catalogs(catalog: ModelCatalog, providers: dict[str, ModelProvider]) -> dict[str, ProviderCatalog]:
    """Return the catalog from the view of each provider."""
    found: dict[str, ProviderCatalog] = {}
    for name, provider in providers.items():
        if isinstance(provider, OpenAICompatible):
            found[name] = catalog.of_provider(provider.base_url, provider.profile.name)
        elif isinstance(provider, VendorProvider):
            found[name] = catalog.of_provider(provider.base_url, provider.catalog_name)
    return found


def _profile_of(settings: ProviderSettings) -> ServerProfile:
    return PROFILES[settings.profile] if settings.profile else detect_profile(settings.base_url)


def provider_of(
    name: str,
    settings: ProviderSettings,
    idle_timeout: float,
    catalog: ModelCatalog | None = None,
    windows: Mapping[str, int] = MappingProxyType({}),
) -> ModelProvider:
    """Build a provider from its settings, completed by its profile, or by the catalog and the configured windows."""
    if settings.kind == "openai":
        return _chat_provider(name, settings, idle_timeout)
    vendor = VENDORS[settings.kind]

    def find_published(model: str) -> CatalogEntry | None:
        return None if catalog is None else catalog.of_provider(settings.base_url, vendor.catalog_name).find(model)

    def find_window(model: str) -> int | None:
        return windows.get(f"{name}/{model}") or windows.get(model) or settings.context_window

    return vendor(
        name=name,
        base_url=settings.base_url,
        api_key=settings.key(),
        headers=settings.headers,
        connect_timeout=settings.timeouts.connect,
        idle_timeout=settings.timeouts.idle or idle_timeout,
        proxy=settings.proxy,
        options=VendorOptions(
            frozenset(settings.omit),
            settings.capabilities.model_dump(exclude_none=True),
            settings.extra_body,
            find_published,
            find_window,
        ),
    )


def _chat_provider(name: str, settings: ProviderSettings, idle_timeout: float) -> OpenAICompatible:
    profile = _profile_of(settings)
    profile = replace(
        profile,
        max_tokens_field=settings.max_tokens_field or profile.max_tokens_field,
        omit=profile.omit | frozenset(settings.omit),
        capabilities=ServerCapabilities(**settings.capabilities.model_dump()),
        extra_body={**profile.extra_body, **settings.extra_body},
    )
    return OpenAICompatible(
        name=name,
        base_url=settings.base_url,
        api_key=settings.key(),
        headers=settings.headers,
        connect_timeout=settings.timeouts.connect,
        idle_timeout=settings.timeouts.idle or idle_timeout,
        profile=profile,
        proxy=settings.proxy,
    )


def _check_not_this_server(settings: Settings, name: str, base_url: str) -> None:
    """Check that a provider is not this server, for example because OPENAI_BASE_URL is set for programs."""
    url = urlsplit(base_url)
    here = {settings.host, "localhost", "127.0.0.1", "::1"}
    if url.hostname in here and url.port == settings.port and url.path.rstrip("/") == PREFIX:
        raise ValueError(
            f"the provider '{name}' is this server itself ({base_url}): set OPENAI_BASE_URL to this address for your"
            " programs only; for the server, unset it or set it to the model server"
        )
