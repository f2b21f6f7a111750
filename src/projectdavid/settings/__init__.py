"""The operator's settings, from flags, environment, `.env`, and `config.toml` in the data folder, in that order."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, PrivateAttr, Secret, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from projectdavid.runtime.quota import OwnerLimits
from projectdavid.settings.environment import read_environment_providers
from projectdavid.settings.providers import ModelText, PriceSettings, ProfileName, ProviderSettings
from projectdavid.settings.sources import SourceName, SourceRecorder, take_record

__all__ = ["PriceSettings", "ProfileName", "ProviderSettings", "Settings", "default_data"]


def default_data() -> Path:
    """Return the data folder: `PROJECTDAVID_DATA`, else the user's default."""
    if chosen := os.environ.get("PROJECTDAVID_DATA"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base).expanduser() / "projectdavid"


def alias_choices(name: str, old: str) -> AliasChoices:
    """Return the names under which a setting is read: its own, and its former one."""
    return AliasChoices(name, old)


Origin = Annotated[str, Field(pattern=r"^(\*|[a-z][a-z0-9+.-]*://[^/\s?#*@A-Z]+)$")]
"""The origin of a page as browsers send it, in lower case and without a path; or `*` for all."""
Stored = Annotated[int, Field(ge=0, le=10**15)]
"""A storage limit of a user."""
DatabaseUrl = Secret[Annotated[str, Field(pattern=r"^postgres(ql)?://")]]
BusUrl = Secret[Annotated[str, Field(pattern=r"^(nats|tls)://")]]
SecretKey = Secret[Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]]


class Settings(BaseSettings):
    """All settings; their environment variables have the prefix `PROJECTDAVID_`."""

    model_config = SettingsConfigDict(
        env_prefix="PROJECTDAVID_",
        env_prefix_target="all",
        env_file=".env",
        extra="ignore",
        env_nested_delimiter="__",
        frozen=True,
    )

    _sources: dict[SourceName, frozenset[str]] = PrivateAttr(default_factory=dict[SourceName, frozenset[str]])

    data: Path = Field(default_factory=default_data)
    """The folder of the database, the files, the secret and the credentials file."""
    host: str = "127.0.0.1"
    """The address to listen on; the default is only reachable from this machine."""
    port: Annotated[int, Field(ge=0, le=65535)] = 9000
    """The port; 0 selects any free port."""
    role: Literal["all", "api", "worker"] = "all"
    """What this process does: answer requests (`api`), work on runs, files and webhooks (`worker`), or both.
    Processes with different roles share a PostgreSQL database.
    """
    database_url: DatabaseUrl | None = None
    """A PostgreSQL database, `postgresql://user:password@host/database`, that processes share; by default a file of
    SQLite in the data folder, for a single process.
    """
    database_pool: Annotated[int, Field(ge=1, le=100)] = 8
    """Connections of this process for reads from PostgreSQL; it opens up to seven more for other uses."""
    bus_url: BusUrl | None = None
    """A NATS server, `nats://host:4222`, that carries hints between processes; by default PostgreSQL does."""
    blobs_url: Annotated[str, Field(pattern=r"^s3://")] | None = None
    """A bucket for the bytes of files, `s3://bucket/prefix`, of S3 or a compatible service; by default a folder in the
    data folder. Its keys and region are read from the usual variables, such as AWS_ACCESS_KEY_ID, unless the next four
    settings name them.
    """
    s3_endpoint: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None
    """The URL of a compatible service."""
    s3_region: str | None = None
    """The region of the bucket."""
    s3_access_key_id: str | None = None
    """The access key."""
    s3_secret_access_key: SecretStr | None = None
    """The secret of the access key."""
    secret_key: SecretKey | None = None
    """The secret that signs keys, links and tickets, as 64 hexadecimal digits; the same in all processes that share a
    database. By default the file `secret.key` in the data folder.
    """
    log_level: str = "warning"
    """The log level, for standard error: `debug`, `info`, `warning` or `error`."""
    log_format: Literal["text", "json"] = "text"
    """The format of log lines: for people, or a JSON object a line, with the ids of the request and the run."""
    access_log: bool = False
    """Whether each request is logged: its method, route template, status and duration, never its path or query."""
    metrics: Literal["loopback", "key", "open", "off"] = "loopback"
    """Who can read `/metrics`: programs on this machine, and others with an admin's key or `metrics_token`; everyone
    only with one of these; everyone; or the path does not exist.
    """
    metrics_token: SecretStr | None = None
    """A token for `/metrics`, for a Prometheus that must not have an API key."""
    otlp_endpoint: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None
    """The URL of an OpenTelemetry collector (OTLP over HTTP), which gets traces and metrics; by default that of the
    variable OTEL_EXPORTER_OTLP_ENDPOINT. Needs the extra `telemetry`.
    """
    otlp_headers: dict[str, SecretStr] = Field(default_factory=dict)
    """Headers of requests to the collector; by default those of OTEL_EXPORTER_OTLP_HEADERS."""
    otlp_metrics_seconds: Annotated[float, Field(ge=1, le=3600)] = 30
    """Seconds between two exports of metrics to the collector."""
    trace_ratio: Annotated[float, Field(ge=0, le=1)] = 1
    """The share of traces that is exported; a trace of the caller decides for itself, and failed runs are exported
    always.
    """
    trace_requests: bool = True
    """Whether requests have spans, in addition to runs, model calls, tool calls and webhooks."""
    trace_content: bool = False
    """Whether spans contain prompts, answers, and arguments and results of tools, in plain text."""
    providers: dict[str, ProviderSettings] = Field(default_factory=dict)
    """Providers by name, in addition to those from OPENAI_BASE_URL, OPENAI_API_KEY, OLLAMA_HOST,
    ANTHROPIC_API_KEY, GEMINI_API_KEY and GOOGLE_API_KEY."""
    default_provider: str | None = None
    """The provider of model names without a prefix; by default the first configured one."""
    model_aliases: dict[ModelText, ModelText] = Field(default_factory=dict)
    """Aliases of models: `{"gpt-4o": "ollama/llama3.1"}`."""
    context_window: Annotated[int, Field(ge=256)] = 128_000
    """Context window of a model, in tokens, unless `context_windows`, the provider or the model catalog knows it."""
    context_windows: dict[ModelText, int] = Field(default_factory=dict)
    """Context windows of single models, in tokens, by name, with or without the provider."""
    retry_seconds: Annotated[float, Field(ge=0, le=86_400)] = 120.0
    """Seconds that a run waits for a provider that is not ready: it loads a model, restarts, or limits requests."""
    prices: dict[ModelText, PriceSettings] = Field(default_factory=dict)
    """Prices of a million tokens of single models, by name, with or without the provider."""
    catalog_prices: bool = True
    """Whether models without an entry in `prices` have the prices of the model catalog, in US dollars."""
    catalog_file: Path | None = None
    """A file that extends the model catalog: from `projectdavid models update`, or the `api.json` of models.dev."""
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Requests per user and minute; this and the next three are defaults for users without limits of their own."""
    concurrent_runs: Annotated[int, Field(ge=1)] | None = 1000
    """Open runs per user."""
    tokens_per_day: Annotated[int, Field(ge=1)] | None = None
    """Tokens per user and day (UTC), prompt and completion."""
    money_per_day: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Costs per user and day (UTC), in the currency of the prices; models without a price are not limited."""
    storage_bytes: Stored = 20 * 1024**3
    """Bytes of files per user, with parts of uploads; a user's own limits replace this and the next eleven."""
    stored_files: Stored = 20_000
    """Files per user."""
    generated_bytes: Stored = 10 * 1024**3
    """Bytes of files that tools created per user, such as files that code in sandboxes wrote."""
    generated_files: Stored = 10_000
    """Files that tools created per user."""
    vector_stores: Stored = 10_000
    """Vector stores per user."""
    files_per_vector_store: Stored = 10_000
    """Files per vector store."""
    vector_store_bytes: Stored = 20 * 1024**3
    """Bytes of text in the vector stores of each user; a file counts in every store that contains it."""
    assistants: Stored = 10_000
    """Assistants per user."""
    threads: Stored = 1_000_000
    """Threads per user."""
    messages_per_thread: Stored = 100_000
    """Messages per thread, including tool calls and their outputs."""
    open_uploads: Stored = 100
    """Uploads in parts per user that are neither completed nor cancelled."""
    active_keys: Stored = 100
    """API keys per user that are not revoked."""
    run_seconds: Annotated[float, Field(gt=0)] = 3600
    """Maximum seconds of a run, including the time it waits for its caller."""
    openai_run_seconds: Annotated[float, Field(gt=0)] = 600
    """The same for runs of the OpenAI dialect; at most `run_seconds`."""
    action_seconds: Annotated[float, Field(gt=0)] | None = None
    """Seconds that a run waits for its caller's outputs, unless the run sets it; by default until its end."""
    approval_seconds: Annotated[float, Field(ge=1, le=31_536_000)] = 86_400
    """Seconds that a run waits for decisions on approvals, unless its assistant sets it; its own time stands still."""
    max_turns: Annotated[int, Field(ge=1)] = 50
    """Model turns per run."""
    max_runs: Annotated[int, Field(ge=1)] = 512
    """Runs executed concurrently; one user can have at most half of them."""
    lease_seconds: Annotated[float, Field(ge=1, le=600)] = 30
    """Seconds after which another process takes over the work of one that died."""
    max_body: Annotated[int, Field(ge=1024)] = 2 * 1024 * 1024
    """Bytes of a request body, except files and bodies limited by `max_large_body`."""
    max_large_body: Annotated[int, Field(ge=1024)] = 32 * 1024 * 1024
    """Bytes of a body that can contain images, long texts or vectors: of assistants, threads, messages, runs, outputs
    of calls, batches of files, and chunks with their vectors.
    """
    max_file: Annotated[int, Field(ge=1)] = 512 * 1024 * 1024
    """Bytes per file."""
    max_head: Annotated[int, Field(ge=1024)] = 64 * 1024
    """Bytes of a request's line and headers."""
    max_headers: Annotated[int, Field(ge=10)] = 100
    """Headers per request."""
    head_timeout: Annotated[float, Field(gt=0)] = 20
    """Seconds in which a client must send them."""
    body_timeout: Annotated[float, Field(gt=0)] = 60
    """Seconds without data from the client within a body."""
    connection_idle_timeout: Annotated[float, Field(gt=0)] = 180
    """Seconds that an idle connection is kept open after a response. A proxy in front of the server must close its
    connections sooner: most keep them for 60 to 120 seconds.
    """
    max_idle_connections: Annotated[int, Field(ge=1)] = 1024
    """Idle connections; beyond this number, the oldest is closed."""
    disk_reserve_mb: Annotated[int, Field(ge=0, le=4096)] = 16
    """Megabytes of disk space reserved beside the database, so users can delete when the disk is full; 0 for none."""
    trash_days: Annotated[float, Field(gt=0)] = 7
    """Days that bytes without a file, as after a crash or a restore, are kept before they are deleted."""
    public_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None
    """The public URL of the server, for links to files and terminals; by default the address it listens on."""
    cors_origins: list[Origin] = Field(default_factory=list)
    """Origins whose pages can use the API from a browser: `https://app.example.com`, or `*` for all."""
    stream_keep_alive: Annotated[
        float, Field(gt=0, validation_alias=alias_choices("stream_keep_alive", "keep_alive"))
    ] = 15
    """Seconds between keep-alives on an idle stream."""
    model_idle_timeout: Annotated[
        float, Field(gt=0, validation_alias=alias_choices("model_idle_timeout", "idle_timeout"))
    ] = 300
    """Seconds without data from a model."""
    drain_seconds: Annotated[float, Field(ge=0)] = 5
    """Seconds that a stopping server waits for its runs; unfinished ones continue after the next start."""
    console: bool = True
    """Whether the server has the web console at `/`. A server inside another program never has it."""
    drain_notice_seconds: Annotated[float, Field(ge=0, le=3600)] = 0
    """Seconds that a stopping server still accepts requests while `/health/ready` returns 503, for load balancers."""

    outbound_allow: list[str] = Field(default_factory=list)
    """Private targets that users' URLs can reach: a name, `*.corp.example`, `10.1.0.0/16`, or `hooks.internal:8080`."""
    outbound_allow_http: bool = False
    """Whether users' URLs can be plain http, which is not encrypted."""
    webhook_timeout: Annotated[float, Field(gt=0, le=60)] = 20
    """Seconds in which the receiver of a webhook must respond."""
    webhook_hours: Annotated[float, Field(gt=0)] = 24
    """Hours after an event during which a failed webhook is retried."""
    viewer_timeout: Annotated[float, Field(gt=0)] = 10
    """Seconds after which a terminal viewer is disconnected if it does not read."""
    relay_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Port on which a process sends its terminals to the other processes of a shared database; by default it does not,
    and they cannot be watched through others. It needs no TLS and no access from outside: tickets are signed with the
    secret, but the output is not encrypted.
    """
    relay_host: str = "127.0.0.1"
    """The address that it listens on."""
    relay_url: Annotated[str, Field(pattern=r"^wss?://[^\s?#/]+$")] | None = None
    """The address at which other processes reach it, such as `ws://10.0.0.5:9201`; by default the one it listens on."""
    viewer_origins: list[str] = Field(default_factory=list)
    """Origins whose pages can watch terminals, besides the server's own: `https://app.example.com`, or `*` for all."""
    webhook_log_days: Annotated[float, Field(gt=0)] = 30
    """Days that the log of finished deliveries is kept."""

    embedding_model: str | None = None
    """The model for semantic file search: `openai/text-embedding-3-small`, where `openai` is a provider;
    `local/minilm`, the built-in model; `local/` and a folder with an ONNX model; or `off`. By default the built-in
    model, if the extra `local-embeddings` is installed; otherwise files are searched by words only.
    """
    embedding_dimensions: Annotated[int, Field(ge=1, le=8192)] | None = None
    """Dimensions of the vectors, for models with a choice."""
    embedding_query_prefix: str = ""
    """Prefix that the model expects before a query, such as `search_query: `."""
    embedding_document_prefix: str = ""
    """Prefix that it expects before the text of a file."""
    rerank_model: str | None = None
    """A model that reranks search results, such as `jina/jina-reranker-v3`; its provider needs `/rerank`."""

    ocr_languages: Annotated[str, Field(pattern=r"^([A-Za-z_]+(\+[A-Za-z_]+)*)?$")] = ""
    """Languages of text in scans and pictures, such as `eng+deu`, recognized with the program tesseract and its
    language data. By default text in pictures is not recognized.
    """

    web_search: Literal["searxng", "brave", "tavily", "exa"] | None = None
    """The engine of the tool `web_search`; by default the one whose variable is set: SEARXNG_URL, BRAVE_API_KEY,
    TAVILY_API_KEY or EXA_API_KEY.
    """
    web_search_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None
    """URL of the engine; required for SearXNG."""
    web_search_key: SecretStr | None = None
    """API key of the engine."""

    sandbox: Literal["local", "off"] = "local"
    """Where `code_interpreter` and `computer` run code and commands: isolated on this machine, or not at all."""
    sandbox_level: Literal["landlock", "namespaces", "gvisor", "vm"] = "namespaces"
    """The minimum isolation; if it is not available, the two tools are off and explain how to enable them."""
    sandbox_ahead: bool = True
    """Whether the sandbox starts with the server, or with the first call that needs it."""
    sandbox_python: Path | None = None
    """The Python for sandboxed code; by default that of `projectdavid sandbox install`, or else the server's own."""
    sandbox_wheels: Path | None = None
    """A folder of wheels that code and commands in the sandbox can install with pip, for their session."""
    sandbox_uid: Annotated[int, Field(ge=1)] = 310_000
    """The user that runs sandboxes if the server runs as root."""
    sandbox_sessions: Annotated[int, Field(ge=1, le=4096)] = 32
    """Concurrent sessions; further calls wait, and idle sessions are ended to make room."""
    sandbox_sessions_per_user: Annotated[int, Field(ge=1, le=4096)] = 8
    """Concurrent sessions per user."""
    sandbox_wait: Annotated[float, Field(ge=0)] = 60
    """Seconds that a call waits for a session."""
    sandbox_seconds: Annotated[float, Field(gt=0)] = 120
    """Timeout of a call in seconds."""
    sandbox_idle_minutes: Annotated[float, Field(gt=0)] = 20
    """Minutes that an idle session keeps its state."""
    sandbox_memory_mb: Annotated[int, Field(ge=64)] = 1024
    """Memory of a session, including its files."""
    sandbox_disk_mb: Annotated[int, Field(ge=1)] = 256
    """Bytes of a session's files in `/mnt/data`."""
    sandbox_processes: Annotated[int, Field(ge=8)] = 128
    """Processes and threads of a session."""
    sandbox_egress: dict[str, list[str]] = Field(default_factory=dict)
    """Hosts that the shells of assistants can reach, by assistant id, or `*` for all others: a name, `*.example.com`,
    an address or a network, each optionally with a port. By default none.
    """
    sandbox_connections: Annotated[int, Field(ge=1, le=65_536)] = 256
    """Open connections from all sandboxes to the hosts of `sandbox_egress`; each needs a file descriptor."""
    sandbox_connections_per_user: Annotated[int, Field(ge=1, le=65_536)] = 64
    """Open connections per user; a user never holds more than are still free for all others."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read flags, environment, `.env`, then `config.toml` in the data folder."""
        chosen: Any = init_settings().get("data")
        file = Path(chosen or default_data()) / "config.toml"
        toml = TomlConfigSettingsSource(settings_cls, toml_file=file)
        record = SourceRecorder(settings_cls)  # last, so it sees the others
        return init_settings, env_settings, dotenv_settings, file_secret_settings, toml, record

    def model_post_init(self, _context: Any, /) -> None:
        """Keep the names that each source had."""
        self._sources = take_record()

    def find_source(self, name: str) -> SourceName:
        """Return where the value of a setting came from: the first source that has it."""
        alias = type(self).model_fields[name].validation_alias
        names = {name, *(map(str, alias.choices) if isinstance(alias, AliasChoices) else ())}
        for source, found in self._sources.items():
            if names & found:
                return source
        return "default"

    @property
    def database(self) -> Path:
        """The database file."""
        return self.data / "projectdavid.db"

    @property
    def blobs(self) -> Path:
        """The folder with the bytes of files."""
        return self.data / "blobs"

    @property
    def index(self) -> Path:
        """The search index of vector stores; rebuilt from the others if it is lost."""
        return self.data / "index.db"

    @property
    def trash(self) -> Path:
        """The folder of blobs without a file, until `trash_days` have passed."""
        return self.data / "trash"

    @property
    def secret(self) -> Path:
        """The file with the server's secret."""
        return self.data / "secret.key"

    @property
    def catalog(self) -> Path:
        """The file written by `projectdavid models update`."""
        return self.data / "catalog.json.gz"

    @property
    def credentials(self) -> Path:
        """The file that `Entity()` reads."""
        return self.data / "credentials.json"

    def allowance(self) -> OwnerLimits:
        """The limits of users without limits of their own."""
        return OwnerLimits(**{name: getattr(self, name) for name in OwnerLimits.__struct_fields__})

    def all_providers(self) -> dict[str, ProviderSettings]:
        """The named providers, and those configured by the usual environment variables."""
        return {**read_environment_providers(), **self.providers}
