"""Traces and metrics over OTLP, as a collector receives them."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from anyio.lowlevel import checkpoint

from projectdavid.composition.app import create_app
from projectdavid.composition.bootstrap import assemble
from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.instruments.server_metrics import ServerMetrics
from projectdavid.instruments.span_names import CONTENT, SPANS
from projectdavid.instruments.spans import derive_span_id, derive_trace_id, parse_traceparent
from projectdavid.ports import queries
from projectdavid.settings import Settings
from tests.fakes.hooks import receiving, with_outputs
from tests.fakes.shared_store import SharedStore
from tests.observability.collector import Collector, Received, collecting
from tests.observability.pages import read_page
from tests.server.conftest import Clock, clock, serving
from tests.server.script import player
from tests.server.talking import WEATHER, Caller, Json, ok
from tests.server.test_tool_registry import Weather
from tests.timeouts import EVENT_TIMEOUT, wait_until

pytestmark = pytest.mark.anyio
__all__ = ["clock"]

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLER = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
MARK = "xyzzy"
"""A text of the user, which must not leave the server."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def traced(tmp_path: Path, collector: Collector, **settings: object) -> EmbeddedPlatform:
    """The settings of a server that exports to the collector."""
    given = {"sandbox": "off", "tools": {"weather": Weather()}, "otlp_endpoint": collector.url, **settings}
    return serving(tmp_path, **given)


def run_of(server: EmbeddedPlatform, model: str, status: str = "completed", **headers: str) -> Json:
    """A run that has ended."""
    with Caller(server.base_url, "", server.api_key) as user:
        assistant = user.assistant(model=model, name=MARK, instructions=MARK, tools=[{"type": "weather"}])
        thread = user.thread(f"Hi {MARK}")
        body = {"assistant_id": assistant["id"], "thread_id": thread["id"]}
        run = ok(user.post("/v1/runs", json=body, headers=headers))
        user.until(run, status)
        return {**run, "user": ok(user.get("/v1/auth/validate-key"))["user_id"]}


def of_run(collector: Collector, run: Json, number: int) -> dict[str, list[Received]]:
    """The spans of a run by the first word of their names, once there are so many of them."""
    found: list[Received] = []

    def are_there() -> bool:
        found[:] = [span for span in collector.spans if span.attributes.get("projectdavid.run.id") == run["id"]]
        return len(found) >= number

    wait_until(are_there)
    assert len(found) == number
    return {name: [one for one in found if one.name.split()[0] == name] for name in {s.name.split()[0] for s in found}}


def test_a_run_is_one_tree_under_the_span_of_the_caller(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, collector) as server:
        run = run_of(server, "scripted/caller", **CALLER)
        spans = of_run(collector, run, 4)
    [request] = collector.named("POST /v1/runs")
    [agent], [tool], chats = spans["invoke_agent"], spans["execute_tool"], spans["chat"]
    assert {span.trace_id for span in (request, agent, tool, *chats)} == {TRACE}
    assert (request.kind, request.parent_id) == ("server", SPAN)
    assert (agent.kind, agent.parent_id) == ("internal", request.span_id)
    assert agent.span_id == derive_span_id(run["id"], "invoke_agent")
    assert {span.parent_id for span in (tool, *chats)} == {agent.span_id}
    assert {span.kind for span in chats} == {"client"}
    first, second = sorted(chats, key=lambda span: span.start)
    assert agent.start <= first.start <= first.end <= tool.start <= tool.end <= second.start <= second.end <= agent.end
    assert not [span for span in collector.spans if span.is_error]


def test_spans_have_the_attributes_of_the_conventions_and_no_content(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, collector) as server:
        run = run_of(server, "scripted/caller", **CALLER)
        spans = of_run(collector, run, 4)
        key = server.api_key
    agent, tool = spans["invoke_agent"][0].attributes, spans["execute_tool"][0].attributes
    chat = min(spans["chat"], key=lambda span: span.start)
    assert chat.name == "chat caller"
    assert chat.attributes.pop("gen_ai.response.time_to_first_chunk", 0) >= 0
    assert chat.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "scripted",
        "gen_ai.conversation.id": run["thread_id"],
        "gen_ai.request.model": "caller",
        "gen_ai.request.stream": True,
        "gen_ai.response.finish_reasons": ["tool_calls"],
        "gen_ai.usage.input_tokens": 20,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 0,
        "projectdavid.run.id": run["id"],
    }
    assert (tool["gen_ai.operation.name"], tool["gen_ai.tool.name"]) == ("execute_tool", "get_weather")
    assert (tool["projectdavid.tool.outcome"], tool["projectdavid.tool.effect"]) == ("ok", "read")
    assert (agent["gen_ai.agent.id"], agent["user.id"]) == (run["assistant_id"], run["user"])
    assert (agent["projectdavid.run.status"], agent["projectdavid.run.turns"]) == ("completed", 2)
    sent = b"".join(collector.bodies)
    for secret in (MARK, key, "Oslo", "They said"):
        assert secret.encode() not in sent
    assert collector.resources[0]["service.name"] == "projectdavid"
    assert collector.resources[0]["service.instance.id"]


def test_every_span_and_attribute_is_listed(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, collector, trace_content=True) as server:
        run = run_of(server, "scripted/caller", **CALLER)
        of_run(collector, run, 4)
    listed = {name.split()[0]: attributes for name, attributes in SPANS.items()}
    for span in collector.spans:
        known = listed["{method}" if span.kind == "server" else span.name.split()[0]]
        assert span.attributes.keys() <= set(known), span.name


def test_content_is_recorded_if_the_setting_says_so(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, collector, trace_content=True) as server:
        spans = of_run(collector, run_of(server, "scripted/caller"), 4)
    found = {name: value for group in spans.values() for span in group for name, value in span.attributes.items()}
    assert found.keys() >= CONTENT
    assert MARK in found["gen_ai.input.messages"]
    assert found["gen_ai.tool.call.arguments"] == '{"city": "Oslo"}'
    assert found["gen_ai.tool.call.result"] == "rain in Oslo"


def test_a_failed_run_and_its_call_are_errors_whatever_the_ratio(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, collector, trace_ratio=0, trace_requests=False) as server:
        run_of(server, "scripted/hello")
        run = run_of(server, "scripted/broken", "failed")
        [agent] = of_run(collector, run, 1)["invoke_agent"]
    assert (agent.is_error, agent.attributes["error.type"]) == (True, "server_error")
    assert (agent.trace_id, agent.parent_id) == (derive_trace_id(run["id"]), "")
    assert collector.spans == [agent]


def test_the_caller_s_decision_not_to_sample_is_kept(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, collector) as server:
        run_of(server, "scripted/hello", traceparent=f"00-{TRACE}-{SPAN}-00")
        run = run_of(server, "scripted/hello")
        of_run(collector, run, 2)
    assert TRACE not in {span.trace_id for span in collector.spans}


BAD = {
    "upper case": f"00-{TRACE.upper()}-{SPAN}-01",
    "no trace": f"00-{'0' * 32}-{SPAN}-01",
    "no span": f"00-{TRACE}-{'0' * 16}-01",
    "another version": f"ff-{TRACE}-{SPAN}-01",
    "more than it should be": f"00-{TRACE}-{SPAN}-01-" + "a" * 10_000,
    "empty": "",
}


@pytest.mark.parametrize("value", BAD.values(), ids=BAD.keys())
def test_an_invalid_trace_context_is_ignored(value: str) -> None:
    assert parse_traceparent(value) is None


def test_a_request_with_an_invalid_or_repeated_context_works(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, collector) as server, httpx2.Client(base_url=server.base_url) as client:
        key = ("x-api-key", server.api_key)
        for given in ([("traceparent", BAD["no trace"])], [("traceparent", CALLER["traceparent"])] * 2):
            assert client.get("/v1/threads", headers=[key, *given]).status_code == 200
        wait_until(lambda: len(collector.named("GET /v1/threads")) == 2)
    assert {span.parent_id for span in collector.named("GET /v1/threads")} == {""}


def test_metrics_are_sent_as_well(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, collector, otlp_metrics_seconds=1, otlp_headers={"x-token": "sesame"}) as server:
        run_of(server, "scripted/hello")
        wait_until(lambda: has_points(collector, "projectdavid_runs_ended_total"))
        wait_until(lambda: has_points(collector, "projectdavid_time_to_first_token_seconds"))
    names = {metric.name for metric in ServerMetrics().registry.read()}
    assert collector.metrics.keys() == names
    ended = collector.metrics["projectdavid_runs_ended_total"].sum
    assert (ended.is_monotonic, ended.data_points[0].as_double) == (True, 1)
    histogram = collector.metrics["projectdavid_time_to_first_token_seconds"].histogram.data_points[0]
    assert sum(histogram.bucket_counts) == histogram.count == 1
    assert {headers["x-token"] for headers in collector.headers} == {"sesame"}


def has_points(collector: Collector, name: str) -> bool:
    metric = collector.metrics.get(name)
    return metric is not None and bool(metric.sum.data_points or metric.histogram.data_points)


def test_a_collector_that_hangs_or_fails_delays_no_run(tmp_path: Path, collector: Collector) -> None:
    collector.is_open.clear()
    with traced(tmp_path, collector) as server:
        run_of(server, "scripted/hello")  # completes although nothing can be sent
        collector.status = 400
        collector.is_open.set()
        with httpx2.Client(base_url=server.base_url, timeout=EVENT_TIMEOUT) as client:
            wait_until(lambda: read_page(client).value("spans_dropped_total") > 0)
    assert collector.spans == []


def test_a_webhook_is_a_span_of_its_run_and_its_receiver_gets_the_context(tmp_path: Path, collector: Collector) -> None:
    loopback = {"outbound_allow": ["127.0.0.1"], "outbound_allow_http": True}
    with receiving() as hooks, traced(tmp_path, collector, **loopback) as server:
        hooks.answer = with_outputs(lambda _: "rain")
        with Caller(server.base_url, "", server.api_key) as user:
            assistant = user.assistant(model="scripted/caller", tools=[WEATHER], webhook_url=f"{hooks.url}?{MARK}=1")
            body = {"assistant_id": assistant["id"], "thread_id": user.thread("Hi")["id"]}
            run = ok(user.post("/v1/runs", json=body, headers=CALLER))
            user.until(run, "completed")
        spans = of_run(collector, run, 4)
        [got] = hooks.got
    [webhook], [agent] = spans["POST"], spans["invoke_agent"]
    assert (webhook.name, webhook.kind, webhook.trace_id) == ("POST webhook", "client", TRACE)
    assert webhook.parent_id == agent.span_id
    assert {name.lower(): value for name, value in got.headers.items()}["traceparent"] == (
        f"00-{TRACE}-{webhook.span_id}-01"
    )
    assert webhook.attributes.pop("projectdavid.delivery.id") == got.event["id"]
    assert webhook.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
        "projectdavid.run.id": run["id"],
        "projectdavid.delivery.attempt": 1,
    }
    assert MARK.encode() not in b"".join(collector.bodies)


def test_a_retried_webhook_has_a_trace_of_its_own_with_a_link_to_the_run(tmp_path: Path, collector: Collector) -> None:
    loopback = {"outbound_allow": ["127.0.0.1"], "outbound_allow_http": True}
    with receiving() as hooks, traced(tmp_path, collector, **loopback) as server:
        statuses = iter([500])
        hooks.answer = lambda _: (next(statuses, 204), {}, b"")
        with Caller(server.base_url, "", server.api_key) as user:
            events = ["run.completed"]
            assistant = user.assistant(model="scripted/hello", webhook_url=hooks.url, webhook_events=events)
            body = {"assistant_id": assistant["id"], "thread_id": user.thread("Hi")["id"]}
            run = ok(user.post("/v1/runs", json=body, headers=CALLER))
            user.until(run, "completed")
            wait_until(lambda: len(collector.named("POST webhook")) == 1)
            [delivery] = ok(user.get("/v1/webhooks/deliveries", params={"run_id": run["id"]}))["data"]
            ok(user.post(f"/v1/webhooks/deliveries/{delivery['id']}/redeliver"))
        wait_until(lambda: len(collector.named("POST webhook")) == 2)
    first, second = collector.named("POST webhook")
    assert (first.trace_id, first.attributes["error.type"]) == (TRACE, "500")
    assert (second.trace_id, second.parent_id) == (derive_trace_id(second.attributes["projectdavid.delivery.id"]), "")
    assert second.links == (derive_span_id(run["id"], "invoke_agent"),)


async def test_a_model_call_whose_process_died_is_told_as_interrupted_in_the_same_trace(
    tmp_path: Path, collector: Collector, clock: Clock
) -> None:
    settings = Settings(data=tmp_path, host="127.0.0.1", sandbox="off", otlp_endpoint=collector.url)
    store = SharedStore(tmp_path / "david.db", clock)
    run = await begin_silent_run(settings, store, clock)
    clock.now += 60  # its lease has expired
    platform = await assemble(settings, {"scripted": player()}, clock, store=SharedStore(tmp_path / "david.db", clock))
    app = create_app(platform)
    async with app.router.lifespan_context(app):
        while platform.telemetry.metrics.turns_repeated.series() != [((), 1.0)]:
            await checkpoint()
        while not collector.named("chat scripted/silent"):
            await checkpoint()
    [broken] = collector.named("chat scripted/silent")
    assert (broken.is_error, broken.attributes["error.type"]) == (True, "interrupted")
    assert broken.trace_id == TRACE
    assert broken.parent_id == derive_span_id(run["id"], "invoke_agent")
    assert platform.telemetry.metrics.run_recoveries.series() == [((), 1.0)]


async def begin_silent_run(settings: Settings, store: SharedStore, clock: Clock) -> Json:
    """A run whose model has begun to answer when its process dies."""
    app = create_app(platform := await assemble(settings, {"scripted": player()}, clock, store=store))
    key = httpx2.Response(200, text=settings.credentials.read_text()).json()["api_key"]
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://here", headers={"x-api-key": key}) as client,
    ):
        assistant = ok(await client.post("/v1/assistants", json={"model": "scripted/silent"}))
        thread = ok(await client.post("/v1/threads"))
        said = {"thread_id": thread["id"], "content": "Hi"}
        ok(await client.post("/v1/messages", json=said))
        body = {"assistant_id": assistant["id"], "thread_id": thread["id"]}
        run = ok(await client.post("/v1/runs", json=body, headers=CALLER))
        while await platform.store.one(queries.JOURNAL_LAST, run=1, kinds='["content"]') is None:
            await checkpoint()
        store.die()
    return run
