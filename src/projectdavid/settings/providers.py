"""Settings of providers: servers of models and their protocols, and the prices of their models."""

import os
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from projectdavid.protocol.base import NO_CONTROL

ProfileName = Literal[
    "generic",
    "openai",
    "azure",
    "anthropic",
    "gemini",
    "mistral",
    "deepseek",
    "ollama",
    "vllm",
    "llamacpp",
    "lmstudio",
    "openrouter",
]
"""Families of servers with a known profile."""
ProviderKind = Literal["openai", "anthropic", "gemini", "openai_responses", "ollama"]
"""Protocols: chat completions, or that of a vendor."""
BASE_URLS: dict[ProviderKind, str] = {
    "anthropic": "https://api.anthropic.com/v1",
    "gemini": "https://generativelanguage.googleapis.com/v1beta",
    "openai_responses": "https://api.openai.com/v1",
    "ollama": "http://127.0.0.1:11434",
}
"""Addresses of the vendors."""
_CHAT_ONLY = ("profile", "max_tokens_field")
"""Settings of servers with the chat-completions protocol."""


class CapabilitySettings(BaseModel):
    """Capabilities of a provider's models, if the operator knows better than the server reports."""

    model_config = ConfigDict(extra="forbid")

    tools: bool | None = None
    """False: functions are not sent, and the run reports it."""
    images: bool | None = None
    """False: images are omitted, and the run reports it."""
    reasoning: bool | None = None
    """False: `reasoning_effort` is not sent."""
    parallel_calls: bool | None = None
    """Shown by `projectdavid models`."""


class ProviderTimeouts(BaseModel):
    """Timeouts of a provider, in seconds."""

    model_config = ConfigDict(extra="forbid")

    connect: Annotated[float, Field(gt=0, le=3600)] = 10
    """For name resolution, connection and TLS."""
    idle: Annotated[float, Field(gt=0, le=86_400)] | None = None
    """Without a byte; by default the setting `model_idle_timeout`."""


ModelText = Annotated[str, Field(pattern=NO_CONTROL)]
"""A model's name, on one line."""


class ProviderSettings(BaseModel):
    """A server of models."""

    model_config = ConfigDict(extra="forbid")

    kind: ProviderKind = "openai"
    """The protocol of the server: chat completions (`openai`), or that of the vendor."""
    base_url: str
    """The base URL, up to and including `/v1` or, for `kind` `ollama`, without it; by default that of the vendor,
    for a `kind` other than `openai`."""
    api_key: SecretStr | None = None
    """The API key."""
    api_key_env: str | None = None
    """The environment variable that contains the key, so no file has to."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Sent with every request."""
    profile: ProfileName | None = None
    """The family of its server; by default detected from the address."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Fields added to every request to a model, over those of the protocol: `{"chat_template_kwargs": {...}}`."""
    omit: list[str] = Field(default_factory=list)
    """Fields that are never sent to it."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    """The field of a request that limits the generated tokens."""
    context_window: Annotated[int, Field(ge=256)] | None = None
    """Context window of its models, unless `context_windows` names one."""
    capabilities: CapabilitySettings = CapabilitySettings()
    """Capabilities of its models."""
    timeouts: ProviderTimeouts = ProviderTimeouts()
    """Timeouts of its requests."""
    proxy: str | None = None
    """The URL of an HTTP proxy; empty for none; by default HTTPS_PROXY or HTTP_PROXY applies."""

    retry_for: Annotated[float, Field(ge=0, le=86_400)] | None = None
    """Seconds that a run waits while the provider is not ready; by default the setting `retry_seconds`."""

    @model_validator(mode="before")
    @classmethod
    def _add_base_url(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("base_url") is None and given.get("kind") in BASE_URLS:
            return {**given, "base_url": BASE_URLS[given["kind"]]}
        return given

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        """Reject settings that do not apply to the protocol."""
        wrong = [name for name in _CHAT_ONLY if self.kind != "openai" and getattr(self, name) is not None]
        if wrong:
            raise ValueError(f"'{wrong[0]}' applies to kind 'openai' only, not to '{self.kind}'")
        return self

    def key(self) -> str | None:
        """The key, from either source."""
        if self.api_key is not None:
            return self.api_key.get_secret_value()
        return os.environ.get(self.api_key_env) if self.api_key_env else None


class PriceSettings(BaseModel):
    """Price of a million tokens of a model, in a currency of the operator's choice."""

    prompt: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Of prompt tokens."""
    completion: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Of completion tokens."""
    cached: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Of prompt tokens read from the provider's cache; by default the same as `prompt`."""
    written: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Of prompt tokens written to the provider's cache; by default the same as `prompt`."""
