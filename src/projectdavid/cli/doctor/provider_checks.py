"""Checks of model providers: address, key, models, context windows, tools."""

import asyncio
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from projectdavid.api.resources.model_facts import known_facts
from projectdavid.cli.configuration import shown_url
from projectdavid.cli.doctor.findings import DoctorFinding, fail, ok, warn
from projectdavid.composition.model_providers import models_of, provider_of
from projectdavid.ports.model import ModelError
from projectdavid.runtime.model_registry import ModelRegistry
from projectdavid.settings import ProviderSettings, Settings

PATIENCE = 10.0
"""Timeout for a provider, in seconds."""
MOST_MODELS = 20
"""The maximum number of models per provider whose properties are checked."""
WRONG_PLACE = frozenset({"model_not_found", "invalid_request", "server_error"})
"""Failures of a server that responds but has no list of models at the address."""


def provider_checks(settings: Settings) -> Iterable[DoctorFinding]:
    """Check the configured providers, their models and model properties."""
    named = settings.all_providers()
    if not named:
        yield warn(
            "providers",
            "none is configured; only demo/assistant is available",
            "set OPENAI_BASE_URL and OPENAI_API_KEY, or OLLAMA_HOST, for the server",
        )
    try:
        models = models_of(settings, {})
    except ValueError as error:
        yield fail("providers", str(error), "correct the setting named in the message")
        return
    yield from asyncio.run(_check_all(models, named))


async def _check_all(models: ModelRegistry, named: dict[str, ProviderSettings]) -> list[DoctorFinding]:
    try:
        found = await asyncio.gather(*(_check(models, name, provider) for name, provider in named.items()))
    finally:
        await models.close()
    return [finding for findings in found for finding in findings]


async def _check(models: ModelRegistry, name: str, settings: ProviderSettings) -> list[DoctorFinding]:
    title, url = f"provider {name}", shown_url(settings.base_url)
    try:
        async with asyncio.timeout(PATIENCE):
            listed = await models.providers[name].models()
    except TimeoutError:
        return [fail(title, f"{url}: no answer in {PATIENCE:g} s", "start it, or correct its address")]
    except ModelError as error:
        return [await _explain(name, settings, error)]
    if not listed:
        right = await _find_v1(name, settings)
        remedy = f"did you mean {right}?" if right else ""
        return [warn(title, "it lists no models", remedy)]
    return [ok(title, f"{url} has {len(listed)} models"), *await _check_facts(models, name, listed)]


async def _explain(name: str, settings: ProviderSettings, error: ModelError) -> DoctorFinding:
    """Return the finding for a provider that does not list its models, with the next step."""
    title, text = f"provider {name}", f"{shown_url(settings.base_url)}: {error}"
    if error.code == "authentication_error":
        return fail(title, text, f"set api_key or api_key_env of the provider '{name}' to a key that it accepts")
    if error.code in WRONG_PLACE and (right := await _find_v1(name, settings)):
        return fail(title, text, f"did you mean {right}? Set its base_url to that")
    return fail(title, text, "start it, or correct its address or key")


async def _find_v1(name: str, settings: ProviderSettings) -> str | None:
    """Return the address with `/v1`, if a list of models is there."""
    base = urlsplit(settings.base_url)
    if settings.kind != "openai" or base.path.rstrip("/").endswith("/v1"):
        return None
    right = base._replace(path=f"{base.path.rstrip('/')}/v1").geturl()
    provider = provider_of(name, settings.model_copy(update={"base_url": right}), PATIENCE)
    try:
        async with asyncio.timeout(PATIENCE):
            return shown_url(right) if await provider.models() else None
    except (ModelError, TimeoutError):
        return None
    finally:
        await provider.close()


async def _check_facts(models: ModelRegistry, name: str, listed: list[str]) -> list[DoctorFinding]:
    some = listed[:MOST_MODELS]
    provider = models.providers[name]
    try:
        async with asyncio.timeout(PATIENCE):
            facts = await asyncio.gather(*(known_facts(models, provider, f"{name}/{one}", one) for one in some))
    except TimeoutError:
        return [warn(f"windows of {name}", f"not known: no answer in {PATIENCE:g} s")]
    return [_windows(name, some, facts), _tools(name, some, facts)]


def _windows(name: str, models: list[str], facts: list[dict[str, Any]]) -> DoctorFinding:
    known = [one for one in facts if one["context_window"]["source"] != "default"]
    title, text = f"windows of {name}", f"known for {len(known)} of {len(models)} models"
    if known:
        return ok(title, text)
    default = facts[0]["context_window"]["value"]
    return warn(title, f"{text}; {default} tokens are assumed", f"set context_window of the provider '{name}'")


def _tools(name: str, models: list[str], facts: list[dict[str, Any]]) -> DoctorFinding:
    values = [one["capabilities"]["tools"]["value"] for one in facts]
    counts = ", ".join(
        f"{values.count(value)} {word}" for value, word in ((True, "yes"), (False, "no"), (None, "unknown"))
    )
    text = f"function calls: {counts}"
    if None in values:
        text += f"; `projectdavid models --probe {name}/{models[values.index(None)]}` finds out"
    return ok(f"tools of {name}", text)
