"""All metrics of a server. Their names and labels are a promise to dashboards: `docs/observability.md` lists them."""

from typing import TypeVar

from projectdavid.instruments.metrics import AnyMetric, Counter, Gauge, Histogram, KnownNames, MetricRegistry

PREFIX = "projectdavid_"
MODELS = 100
"""Maximum number of models that have series of their own."""
FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
FIRST_TOKEN = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LONG = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
WAITS = (1, 2, 5, 10, 30, 60, 300, 1800)
REQUESTS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30)
GROUPS = (1, 2, 5, 10, 50, 100, 500)
M = TypeVar("M", bound=AnyMetric)


class ServerMetrics:
    """The metrics of one server process."""

    def __init__(self) -> None:
        self.registry = MetricRegistry()
        self.models = KnownNames(MODELS)
        self._add_requests()
        self._add_runs()
        self._add_models()
        self._add_queues()
        self._add_storage()
        self._add_process()

    def _add_requests(self) -> None:
        self.requests = self._counter(
            "http_requests_total", "Requests by route template, method and class of status", "route", "method", "status"
        )
        self.request_seconds = self._histogram(
            "http_request_seconds", "Seconds until the response started", REQUESTS, "route", "method"
        )
        self.streams_open = self._gauge("streams_open", "Event streams that clients read now")

    def _add_runs(self) -> None:
        self.runs_created = self._counter("runs_created_total", "Runs created")
        self.runs_ended = self._counter(
            "runs_ended_total", "Runs ended, by status and code of the error", "status", "error"
        )
        self.run_start_delay = self._histogram(
            "run_start_delay_seconds", "Seconds from the creation of a run until a worker claimed it", WAITS
        )
        self.run_recoveries = self._counter("run_recoveries_total", "Runs claimed after their worker lost the lease")
        self.turns_repeated = self._counter(
            "turns_repeated_total", "Model calls repeated because their worker stopped during the reply"
        )
        self.runs_open = self._gauge("runs_open", "Open runs of all processes, by status", "status")
        self.runs_active = self._gauge("runs_active", "Runs that this process executes")
        self.look_age = self._gauge("worker_look_age_seconds", "Seconds since this process last looked for runs")
        self.tool_calls = self._counter(
            "tool_calls_total", "Calls of platform tools, by tool and outcome", "tool", "outcome"
        )
        self.tool_seconds = self._histogram("tool_seconds", "Seconds of a call of a platform tool", LONG, "tool")

    def _add_models(self) -> None:
        self.first_token = self._histogram(
            "time_to_first_token_seconds",
            "Seconds from the request to a model until its first output",
            FIRST_TOKEN,
            "model",
        )
        self.model_turns = self._histogram(
            "model_turn_seconds", "Seconds of a model call, by model and outcome", LONG, "model", "outcome"
        )
        self.tokens = self._counter("tokens_total", "Tokens of model calls, by model and kind", "model", "kind")
        self.cost = self._counter("cost_total", "Costs of model calls, in the currency of the prices", "model")
        self.model_errors = self._counter("model_errors_total", "Failed model calls, by code of the error", "code")

    def _add_queues(self) -> None:
        self.queue_depth = self._gauge("queue_depth", "Entries of a queue that wait, over all processes", "queue")
        self.queue_oldest = self._gauge(
            "queue_oldest_seconds", "Age of the oldest entry of a queue that waits and is due", "queue"
        )
        self.lease_oldest = self._gauge(
            "lease_oldest_seconds", "Seconds since the least recently extended lease was extended", "queue"
        )
        self.deliveries = self._counter("deliveries_total", "Attempts to deliver a webhook, by outcome", "outcome")
        self.ingested = self._counter("ingest_files_total", "Attempts to ingest a file, by outcome", "outcome")
        self.ingest_seconds = self._histogram("ingest_seconds", "Seconds of an attempt to ingest a file", LONG)

    def _add_storage(self) -> None:
        self.commit_seconds = self._histogram("store_commit_seconds", "Seconds of a commit of the store", FAST)
        self.commit_groups = self._histogram("store_commit_groups", "Groups of writes in one commit", GROUPS)
        self.free_bytes = self._gauge("store_free_bytes", "Bytes of the database that compaction would free")
        self.disk_free = self._gauge("disk_free_bytes", "Free bytes of the file system of the data folder")
        self.sandbox_sessions = self._gauge("sandbox_sessions", "Sandbox sessions of this process")

    def _add_process(self) -> None:
        self.loop_lag = self._histogram(
            "event_loop_lag_seconds", "Seconds by which timers of the event loop were late", FAST
        )
        self.spans_exported = self._counter("spans_exported_total", "Spans that the collector accepted")
        self.spans_dropped = self._counter("spans_dropped_total", "Spans that were dropped or rejected")
        self.build = self._gauge("build_info", "Version of the server; always 1", "version")
        self.resident_bytes = self._add(Gauge("process_resident_memory_bytes", "Resident memory of the process"))
        self.open_fds = self._add(Gauge("process_open_fds", "Open file descriptors of the process"))
        self.cpu_seconds = self._add(Counter("process_cpu_seconds_total", "CPU seconds of the process"))
        self.start_time = self._add(Gauge("process_start_time_seconds", "Start of the process in Unix seconds"))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return self._add(Counter(PREFIX + name, text, labels))

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return self._add(Gauge(PREFIX + name, text, labels))

    def _histogram(self, name: str, text: str, bounds: tuple[float, ...], *labels: str) -> Histogram:
        return self._add(Histogram(PREFIX + name, text, bounds, labels))

    def _add(self, metric: M) -> M:
        self.registry.add(metric)
        return metric

    def observe_commit(self, seconds: float, groups: int) -> None:
        """Record a commit of the store, and the number of groups in it."""
        self.commit_seconds.observe(seconds)
        self.commit_groups.observe(groups)
