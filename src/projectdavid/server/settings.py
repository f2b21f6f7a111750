"""What an operator may choose, from flags, environment, `.env`, and `config.toml` in the data folder, in that order."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from projectdavid.protocol.base import NO_CONTROL
from projectdavid.runtime.quota import Allowance


def default_data() -> Path:
    """The data folder: `PROJECTDAVID_DATA`, else the user's own."""
    if chosen := os.environ.get("PROJECTDAVID_DATA"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base).expanduser() / "projectdavid"


Stored = Annotated[int, Field(ge=0, le=10**15)]
"""A limit of what a user stores."""


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
"""The families of servers whose ways are known."""


class CapabilitySettings(BaseModel):
    """What the models of a provider can do, if the operator knows better than the server says."""

    model_config = ConfigDict(extra="forbid")

    tools: bool | None = None
    """False: functions are not sent, and the run says so."""
    images: bool | None = None
    """False: images are left out, and the run says so."""
    reasoning: bool | None = None
    """False: `reasoning_effort` is not sent."""
    parallel_calls: bool | None = None
    """Shown by `projectdavid models`."""


class ProviderTimeouts(BaseModel):
    """How long a provider is waited for, in seconds."""

    model_config = ConfigDict(extra="forbid")

    connect: Annotated[float, Field(gt=0, le=3600)] = 10
    """For name resolution, connection and TLS."""
    idle: Annotated[float, Field(gt=0, le=86_400)] | None = None
    """Without a byte; by default the setting `idle_timeout`."""


ModelText = Annotated[str, Field(pattern=NO_CONTROL)]
"""The name of a model, in one line."""


class ProviderSettings(BaseModel):
    """A server that speaks the chat-completions protocol."""

    model_config = ConfigDict(extra="forbid")

    base_url: str
    """Up to and including `/v1`."""
    api_key: SecretStr | None = None
    """The key that it wants."""
    api_key_env: str | None = None
    """The environment variable that holds the key, so that no file has to."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Sent with every request."""
    profile: ProfileName | None = None
    """The family of its server; by default detected from the address."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Fields added to every request to a model, over those of the protocol: `{"chat_template_kwargs": {...}}`."""
    omit: list[str] = Field(default_factory=list)
    """Fields that are never sent to it."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    """The field in which it takes the most tokens that a model may write."""
    context_window: Annotated[int, Field(ge=256)] | None = None
    """Tokens that its models take, where `context_windows` does not name one."""
    capabilities: CapabilitySettings = CapabilitySettings()
    """What its models can do."""
    timeouts: ProviderTimeouts = ProviderTimeouts()
    """How long it is waited for."""
    proxy: str | None = None
    """The URL of an HTTP proxy; empty: none; by default what HTTPS_PROXY or HTTP_PROXY names for the address."""

    retry_for: Annotated[float, Field(ge=0, le=86_400)] | None = None
    """Seconds for which a run waits while it is not ready; by default the setting `retry_seconds`."""

    def key(self) -> str | None:
        """The key, from wherever it is."""
        if self.api_key is not None:
            return self.api_key.get_secret_value()
        return os.environ.get(self.api_key_env) if self.api_key_env else None


class PriceSettings(BaseModel):
    """What a million tokens of a model cost, in whatever currency the operator thinks."""

    prompt: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Of those that it reads."""
    completion: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Of those that it writes."""
    cached: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Of those that it reads from its provider's cache; by default the same as `prompt`."""


class Settings(BaseSettings):
    """Every setting; in the environment each has the prefix `PROJECTDAVID_`."""

    model_config = SettingsConfigDict(
        env_prefix="PROJECTDAVID_", env_file=".env", extra="ignore", env_nested_delimiter="__", frozen=True
    )

    data: Path = Field(default_factory=default_data)
    """The folder of the database, the files, the secret and the credentials file."""
    host: str = "127.0.0.1"
    """The address to listen on; only this machine reaches the default one."""
    port: Annotated[int, Field(ge=0, le=65535)] = 9000
    """0 takes any free port."""
    log_level: str = "warning"
    """What is logged, to standard error: `debug`, `info`, `warning` or `error`."""
    providers: dict[str, ProviderSettings] = Field(default_factory=dict)
    """Providers by name, besides those that OPENAI_BASE_URL, OPENAI_API_KEY and OLLAMA_HOST make."""
    default_provider: str | None = None
    """Who serves bare model names; by default the first that is configured."""
    model_aliases: dict[ModelText, ModelText] = Field(default_factory=dict)
    """Names that programs use, and the models that answer to them: `{"gpt-4o": "ollama/llama3.1"}`."""
    context_window: Annotated[int, Field(ge=256)] = 128_000
    """Tokens that a model takes if nothing else says it: not `context_windows`, its provider or the model catalog."""
    context_windows: dict[ModelText, int] = Field(default_factory=dict)
    """Tokens that single models take, by name, with or without the provider."""
    retry_seconds: Annotated[float, Field(ge=0, le=86_400)] = 120.0
    """For how long a run waits for a provider that is not ready: it loads a model, is started again, or limits us."""
    prices: dict[ModelText, PriceSettings] = Field(default_factory=dict)
    """What a million tokens of single models cost, by name, with or without the provider."""
    catalog_prices: bool = True
    """Whether models that `prices` does not name have the prices of the model catalog, in US dollars."""
    catalog_file: Path | None = None
    """A file with newer or further models than the model catalog of the package: one that `projectdavid models \
update` wrote, or the `api.json` of models.dev."""
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Requests of each user, where the user has no limit of their own; so for the next three."""
    concurrent_runs: Annotated[int, Field(ge=1)] | None = 1000
    """Runs of each user that are not over."""
    tokens_per_day: Annotated[int, Field(ge=1)] | None = None
    """Tokens of each user, read and written, from midnight to midnight (UTC)."""
    money_per_day: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Money of each user, in the currency of the prices; a model without a price is not held by it."""
    storage_bytes: Stored = 20 * 1024**3
    """Bytes of the files of each user, parts of uploads included; this limit and the next eleven also give way to one \
of the user's own."""
    stored_files: Stored = 20_000
    """Files of each user."""
    generated_bytes: Stored = 10 * 1024**3
    """Bytes of those files that tools made: of what code in sandboxes wrote."""
    generated_files: Stored = 10_000
    """Files that tools made."""
    vector_stores: Stored = 10_000
    """Vector stores of each user."""
    files_per_vector_store: Stored = 10_000
    """Files in each vector store."""
    vector_store_bytes: Stored = 20 * 1024**3
    """Bytes of text in the vector stores of each user; a file counts in every store that it is in."""
    assistants: Stored = 10_000
    """Assistants of each user."""
    threads: Stored = 1_000_000
    """Threads of each user."""
    messages_per_thread: Stored = 100_000
    """Messages in each thread, calls of tools and their outputs included."""
    open_uploads: Stored = 100
    """Uploads in parts of each user that are neither completed nor cancelled."""
    active_keys: Stored = 100
    """API keys of each user that are not revoked."""
    run_seconds: Annotated[float, Field(gt=0)] = 3600
    """How long a run may take, the waiting for its caller included."""
    openai_run_seconds: Annotated[float, Field(gt=0)] = 600
    """The same of runs that are made in the OpenAI dialect; never more than `run_seconds`."""
    action_seconds: Annotated[float, Field(gt=0)] | None = None
    """How long a run waits for its caller to answer calls, where the run does not say; by default until its own end."""
    max_turns: Annotated[int, Field(ge=1)] = 50
    """Model turns of one run."""
    max_runs: Annotated[int, Field(ge=1)] = 512
    """Runs at work at once; one user has at most half of them at work."""
    max_body: Annotated[int, Field(ge=1024)] = 2 * 1024 * 1024
    """Bytes of a request's body, except for files and for what `max_large_body` bounds."""
    max_large_body: Annotated[int, Field(ge=1024)] = 32 * 1024 * 1024
    """Bytes of a body that may carry images or vectors: of messages, of threads and runs with messages, of chunks \
with their vectors."""
    max_file: Annotated[int, Field(ge=1)] = 512 * 1024 * 1024
    """Bytes of a file."""
    max_head: Annotated[int, Field(ge=1024)] = 64 * 1024
    """Bytes of a request's line and headers."""
    max_headers: Annotated[int, Field(ge=10)] = 100
    """Headers of a request."""
    head_timeout: Annotated[float, Field(gt=0)] = 20
    """Seconds that a client has to send them."""
    max_idle_connections: Annotated[int, Field(ge=1)] = 1024
    """Connections that are open without a request; the oldest is closed when there are more."""
    disk_reserve_mb: Annotated[int, Field(ge=0, le=4096)] = 16
    """Disk space that is set aside beside the database, so that users can delete when the disk is full; 0: none."""
    trash_days: Annotated[float, Field(gt=0)] = 7
    """How long bytes that no file has any more, as after a crash or a restore, are kept before they are deleted."""
    public_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None
    """Where users reach the server, in links to files and to terminals; by default the address that it listens on."""
    keep_alive: Annotated[float, Field(gt=0)] = 15
    """Seconds between two signs of life on a silent stream."""
    idle_timeout: Annotated[float, Field(gt=0)] = 300
    """Seconds that a model may be silent."""
    drain_seconds: Annotated[float, Field(ge=0)] = 5
    """How long a stopping server waits for its runs; what is unfinished goes on after the next start."""

    outbound_allow: list[str] = Field(default_factory=list)
    """Hosts and networks that requests to URLs of users may go to although they are not on the internet: a name, \
`*.corp.example`, `10.1.0.0/16`, or any with one port (`hooks.internal:8080`)."""
    outbound_allow_http: bool = False
    """Whether such a URL may be plain http, which everybody on the way can read."""
    webhook_timeout: Annotated[float, Field(gt=0, le=60)] = 20
    """Seconds that the receiver of a webhook has to answer."""
    webhook_hours: Annotated[float, Field(gt=0)] = 24
    """How long after an event a webhook that failed is tried again."""
    viewer_timeout: Annotated[float, Field(gt=0)] = 10
    """Seconds after which a viewer of a terminal is cut off who does not read what it is sent."""
    viewer_origins: list[str] = Field(default_factory=list)
    """Origins whose pages may watch terminals, besides the server's own: `https://app.example.com`, or `*` for all."""
    webhook_log_days: Annotated[float, Field(gt=0)] = 30
    """How long the log keeps what was delivered or given up."""

    embedding_model: str | None = None
    """The model that lets files be searched by meaning, too: `openai/text-embedding-3-small`, where `openai` is a \
provider, or `local/` and the name or the folder of a sentence-transformers model. By default search is by words."""
    embedding_dimensions: Annotated[int, Field(ge=1, le=8192)] | None = None
    """Numbers of a vector, for models that let one choose."""
    embedding_query_prefix: str = ""
    """What a model wants to stand before a query, such as `search_query: `."""
    embedding_document_prefix: str = ""
    """What it wants to stand before the text of a file."""
    rerank_model: str | None = None
    """A model that puts what was found in a better order, such as `jina/jina-reranker-v3`: a provider that has \
`/rerank`, and its model. By default there is none."""

    web_search: Literal["searxng", "brave", "tavily", "exa"] | None = None
    """The engine of the tool `web_search`; by default the one whose variable is set: SEARXNG_URL, BRAVE_API_KEY, \
TAVILY_API_KEY or EXA_API_KEY."""
    web_search_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None
    """Where the engine is; SearXNG is always somebody's own."""
    web_search_key: SecretStr | None = None
    """The key that it wants."""

    sandbox: Literal["local", "off"] = "local"
    """Where the code of `code_interpreter` and the commands of `computer` run: isolated on this machine, or nowhere."""
    sandbox_level: Literal["landlock", "namespaces", "gvisor", "vm"] = "namespaces"
    """The least isolation; where it cannot be had, the two tools are off and say what to do."""
    sandbox_ahead: bool = True
    """Whether the sandbox gets ready when the server starts; else with the first call that needs it."""
    sandbox_python: Path | None = None
    """The Python of code in the sandbox, with the libraries installed there; by default the server's own."""
    sandbox_uid: Annotated[int, Field(ge=1)] = 310_000
    """The user that sandboxes run as where the server itself is root."""
    sandbox_sessions: Annotated[int, Field(ge=1, le=4096)] = 32
    """Sessions at once; further calls wait, and idle sessions make room."""
    sandbox_sessions_per_user: Annotated[int, Field(ge=1, le=4096)] = 8
    """Sessions at once of each user."""
    sandbox_wait: Annotated[float, Field(ge=0)] = 60
    """Seconds that a call waits for a session."""
    sandbox_seconds: Annotated[float, Field(gt=0)] = 120
    """Seconds that a call may take before it is interrupted."""
    sandbox_idle_minutes: Annotated[float, Field(gt=0)] = 20
    """How long a session without calls keeps what it holds."""
    sandbox_memory_mb: Annotated[int, Field(ge=64)] = 1024
    """Memory of a session, its files included."""
    sandbox_disk_mb: Annotated[int, Field(ge=1)] = 256
    """Files of a session in `/mnt/data`."""
    sandbox_processes: Annotated[int, Field(ge=8)] = 128
    """Processes and threads of a session."""
    sandbox_egress: dict[str, list[str]] = Field(default_factory=dict)
    """Hosts that the shells of assistants may reach, by the assistant's id, or `*` for all others: a name, \
`*.example.com`, an address or a network, or any with one port. Nothing by default."""
    sandbox_connections: Annotated[int, Field(ge=1, le=65_536)] = 256
    """Connections at once from all sandboxes to the hosts of `sandbox_egress`; each needs an open file."""
    sandbox_connections_per_user: Annotated[int, Field(ge=1, le=65_536)] = 64
    """Connections at once of each user; a user also never holds more than are still free for all others."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, environment, `.env`, then `config.toml` in the data folder."""
        chosen: Any = init_settings().get("data")
        file = Path(chosen or default_data()) / "config.toml"
        toml = TomlConfigSettingsSource(settings_cls, toml_file=file)
        return init_settings, env_settings, dotenv_settings, file_secret_settings, toml

    @property
    def database(self) -> Path:
        """The one file."""
        return self.data / "projectdavid.db"

    @property
    def blobs(self) -> Path:
        """The folder of the bytes of files."""
        return self.data / "blobs"

    @property
    def index(self) -> Path:
        """The file in which vector stores are searched; made anew from the others where it is lost."""
        return self.data / "index.db"

    @property
    def trash(self) -> Path:
        """The folder of blobs that no file has any more, until `trash_days` are over."""
        return self.data / "trash"

    @property
    def secret(self) -> Path:
        """The file of the server's secret."""
        return self.data / "secret.key"

    @property
    def catalog(self) -> Path:
        """The file that `projectdavid models update` writes."""
        return self.data / "catalog.json.gz"

    @property
    def credentials(self) -> Path:
        """The file that `Entity()` reads."""
        return self.data / "credentials.json"

    def allowance(self) -> Allowance:
        """What a user may use who has no limits of their own."""
        return Allowance(**{name: getattr(self, name) for name in Allowance.__struct_fields__})

    def all_providers(self) -> dict[str, ProviderSettings]:
        """The named providers, and those that the usual variables of the environment make."""
        found: dict[str, ProviderSettings] = {}
        base_url, key = os.environ.get("OPENAI_BASE_URL"), os.environ.get("OPENAI_API_KEY")
        if base_url or key:
            found["openai"] = ProviderSettings(
                base_url=base_url or "https://api.openai.com/v1", api_key=SecretStr(key) if key else None
            )
        if ollama := os.environ.get("OLLAMA_HOST") or os.environ.get("OLLAMA_BASE_URL"):
            found["ollama"] = ProviderSettings(base_url=_ollama(ollama))
        return {**found, **self.providers}


def _ollama(host: str) -> str:
    """`OLLAMA_HOST` may be `0.0.0.0`, `host:11434` or a URL."""
    url = host.rstrip("/") if "://" in host else f"http://{host}"
    scheme, _, rest = url.partition("://")
    name, slash, path = rest.partition("/")
    name = name.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - what listens everywhere is reached here
    if ":" not in name and scheme == "http":
        name = f"{name}:11434"
    url = f"{scheme}://{name}{slash}{path}"
    return url if url.endswith("/v1") else f"{url}/v1"
