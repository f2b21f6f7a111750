"""Providers from environment variables that other programs use as well."""

import os

from pydantic import SecretStr

from projectdavid.settings.ollama import ollama_url
from projectdavid.settings.providers import BASE_URLS, ProviderKind, ProviderSettings

VENDOR_KEYS: tuple[tuple[ProviderKind, tuple[str, ...]], ...] = (
    ("anthropic", ("ANTHROPIC_API_KEY",)),
    ("gemini", ("GEMINI_API_KEY", "GOOGLE_API_KEY")),
)
"""Vendors, which are also the names of their providers, and the variables with their keys."""


def read_environment_providers() -> dict[str, ProviderSettings]:
    """Return the providers that the environment defines, by name."""
    found: dict[str, ProviderSettings] = {}
    base_url, key = os.environ.get("OPENAI_BASE_URL"), os.environ.get("OPENAI_API_KEY")
    if base_url or key:
        found["openai"] = ProviderSettings(
            base_url=base_url or "https://api.openai.com/v1", api_key=SecretStr(key) if key else None
        )
    if ollama := os.environ.get("OLLAMA_HOST") or os.environ.get("OLLAMA_BASE_URL"):
        found["ollama"] = ProviderSettings(base_url=ollama_url(ollama))
    for kind, variables in VENDOR_KEYS:
        if vendor_key := next(filter(None, map(os.environ.get, variables)), None):
            found[kind] = ProviderSettings(kind=kind, base_url=BASE_URLS[kind], api_key=SecretStr(vendor_key))
    return found
