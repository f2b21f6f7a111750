"""`/metrics`: what is counted, who can read it, and that callers cannot make it grow."""

import shutil
import subprocess
from pathlib import Path

import httpx2
import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.instruments.exposition import OPEN_METRICS, TEXT, render_metrics
from projectdavid.instruments.metrics import Counter, Gauge, Histogram, KnownNames
from projectdavid.instruments.server_metrics import ServerMetrics
from tests.observability.pages import OPEN_METRICS as WANTS_OPEN_METRICS
from tests.observability.pages import MetricsPage, read_page
from tests.server.conftest import serving
from tests.server.talking import Caller, ok
from tests.timeouts import EVENT_TIMEOUT, wait_until

ADMIN_ONLY, NO_KEY = 403, 401


def test_a_run_is_counted_with_its_turn_its_tokens_and_its_commits(user: Caller, stranger: httpx2.Client) -> None:
    before = read_page(stranger)
    user.until(user.run("scripted/cacher"), "action_required")
    after = read_page(stranger)

    def grown(name: str, **labels: str) -> float:
        return after.value(name, **labels) - before.value(name, **labels)

    model = "scripted/cacher"
    assert grown("runs_created_total") == 1
    assert grown("run_start_delay_seconds_count") == 1
    assert grown("model_turn_seconds_count", model=model, outcome="ok") == 1
    assert grown("time_to_first_token_seconds_count", model=model) in (0, 1)  # a call of a function has no entries
    kinds = {"input": 100, "cached": 64, "output": 20, "reasoning": 12}
    assert {kind: grown("tokens_total", model=model, kind=kind) for kind in kinds} == kinds
    assert grown("store_commit_seconds_count") == grown("store_commit_groups_count") > 0
    assert grown("http_requests_total", route="/v1/runs", method="POST", status="2xx") == 1
    assert grown("http_request_seconds_count", route="/v1/runs", method="POST") == 1
    assert after.value("runs_open", status="requires_action") >= 0  # the store is read every few seconds


def test_runs_are_counted_by_their_end_and_errors_by_their_code(user: Caller, stranger: httpx2.Client) -> None:
    user.until(user.run("scripted/hello"), "completed")
    user.until(user.run("scripted/broken"), "failed")
    page = read_page(stranger)
    assert page.value("runs_ended_total", status="completed", error="") >= 1
    assert page.value("runs_ended_total", status="failed", error="server_error") == 1
    assert page.value("model_errors_total", code="server_error") >= 1
    assert page.value("time_to_first_token_seconds_count", model="scripted/hello") >= 1


def test_calls_of_platform_tools_are_counted_by_tool_and_outcome(user: Caller, stranger: httpx2.Client) -> None:
    store = user.store(user.upload(b"The moon is made of rock."))
    user.read(store)
    resources = {"file_search": {"vector_store_ids": [store["id"]]}}
    assistant = user.assistant(model="scripted/citer", tools=[{"type": "file_search"}], tool_resources=resources)
    run = ok(user.post("/v1/runs", json={"assistant_id": assistant["id"], "thread_id": user.thread("moon?")["id"]}))
    user.until(run, "completed")
    page = read_page(stranger)
    assert page.value("tool_calls_total", tool="file_search", outcome="ok") == 1
    assert page.value("tool_seconds_count", tool="file_search") == 1
    assert page.value("ingest_files_total", outcome="completed") == 1
    assert page.value("ingest_seconds_count") == 1


def test_streams_are_counted_while_they_are_read(user: Caller, stranger: httpx2.Client) -> None:
    run = user.run("scripted/silent")
    with user.stream("GET", f"/v1/runs/{run['id']}/events") as response:
        chunks = response.iter_raw()  # its end would close the response
        next(chunks)
        assert read_page(stranger).value("streams_open") == 1
    wait_until(lambda: read_page(stranger).value("streams_open") == 0)
    ok(user.post(f"/v1/runs/{run['id']}/cancel"))


def test_queues_are_read_from_the_store(user: Caller, stranger: httpx2.Client) -> None:
    run = user.run("scripted/silent")
    wait_until(lambda: read_page(stranger).value("runs_open", status="in_progress") >= 1)
    page = read_page(stranger)
    assert {queue: page.value("queue_depth", queue=queue) for queue in ("runs", "ingest", "outbox")} == {
        "runs": 0,
        "ingest": 0,
        "outbox": 0,
    }
    assert 0 <= page.value("lease_oldest_seconds", queue="runs") < 30
    assert page.value("runs_active") >= 1
    assert page.value("worker_look_age_seconds") >= 0
    ok(user.post(f"/v1/runs/{run['id']}/cancel"))


def test_the_process_is_described_as_prometheus_expects_it(stranger: httpx2.Client) -> None:
    page = read_page(stranger)
    assert page.samples[("process_resident_memory_bytes", frozenset())] > 10_000_000
    assert page.samples[("process_cpu_seconds_total", frozenset())] > 0
    assert page.samples[("process_open_fds", frozenset())] > 3
    assert page.value("disk_free_bytes") > 0
    wait_until(lambda: read_page(stranger).value("event_loop_lag_seconds_count") > 0)


def test_a_thousand_users_threads_and_names_add_no_series(admin: Caller, server: EmbeddedPlatform) -> None:
    stranger = httpx2.Client(base_url=server.base_url, timeout=EVENT_TIMEOUT)
    with stranger, Caller(server.base_url, "", server.api_key) as user:
        user.thread()
        ok(admin.post("/v1/users", json={}))
        for path in ("/v1/threads/thread_0", "/none/0"):
            user.get(path)
        user.until(user.run("scripted/hello"), "completed")
        read_page(stranger)  # a page with its own request
        before = read_page(stranger)
        for number in range(1000):
            ok(admin.post("/v1/users", json={"full_name": f"user {number}"}))
            thread = ok(user.post("/v1/threads"))
            assert user.get(f"/v1/threads/thread_{number}").status_code == 404
            assert user.get(f"/none/{number}").status_code == 404
            assert thread["id"] not in before.text
        after = read_page(stranger)
        assert not after.samples.keys() - before.samples.keys()
        requests = {"route": "/v1/threads", "method": "POST", "status": "2xx"}
        assert after.value("http_requests_total", **requests) - before.value("http_requests_total", **requests) == 1000


def test_names_of_models_that_never_replied_have_no_series(user: Caller, stranger: httpx2.Client) -> None:
    user.until(user.run("scripted/broken"), "failed")
    page = read_page(stranger)
    assert "scripted/broken" not in page.text
    assert page.value("model_turn_seconds_count", model="other", outcome="error") >= 1


def test_a_metric_counts_what_exceeds_its_series_as_other() -> None:
    counter = Counter("c_total", "A counter", ("route",), limit=3)
    for number in range(10):
        counter.add(1, f"route {number}")
    assert dict(counter.series()) == {("route 0",): 1, ("route 1",): 1, ("route 2",): 1, ("other",): 7}
    names = KnownNames(2)
    assert [names.admit(name) for name in ("a", "b" * 300, "c", "a")] == ["a", "b" * 99 + "…", "other", "a"]
    assert [names.label(name) for name in ("a", "c")] == ["a", "other"]


def test_a_metric_refuses_labels_that_it_does_not_have() -> None:
    with pytest.raises(TypeError, match="has 1 labels, not 2"):
        Gauge("g", "A gauge", ("queue",)).set(1, "a", "b")


def test_samples_stand_in_the_bucket_of_their_bound() -> None:
    histogram = Histogram("h", "A histogram", (0.1, 1))
    for value in (-1, 0.1, 0.5, 1, 2):
        histogram.observe(value)
    assert histogram.series() == [((), (2, 2, 1), 3.6)]


@pytest.mark.parametrize("media_type", [TEXT, OPEN_METRICS])
def test_odd_labels_are_escaped_in_both_formats(media_type: str) -> None:
    counter = Counter("c_total", 'A "counter" \\ with\nlines', ("name",))
    odd = 'a"b\\c\nd\ud800 {}=,'
    counter.add(2, odd)
    page = MetricsPage(
        httpx2.Response(200, content=render_metrics([counter], media_type), headers={"content-type": media_type})
    )
    assert page.samples == {("c_total", frozenset({("name", odd.replace("\ud800", "?"))})): 2}


def test_prometheus_gets_open_metrics_if_it_asks_for_it(stranger: httpx2.Client) -> None:
    plain, opened = read_page(stranger), read_page(stranger, **WANTS_OPEN_METRICS)
    assert opened.text.endswith("# EOF\n")
    assert {name for name, _ in plain.samples} <= {name for name, _ in opened.samples}


def test_other_machines_need_a_key_of_an_admin_or_the_token(
    stranger: httpx2.Client, user: Caller, admin: Caller, server: EmbeddedPlatform
) -> None:
    far = {"x-forwarded-for": "203.0.113.7"}
    assert stranger.get("/metrics").status_code == 200
    assert stranger.get("/metrics", headers=far).status_code == NO_KEY
    assert user.get("/metrics", headers=far).status_code == ADMIN_ONLY
    assert admin.get("/metrics", headers=far).status_code == 200
    for token, status in (("a secret token", 200), ("a secret toke", NO_KEY), ("é", NO_KEY)):
        given = {**far, "authorization": f"Bearer {token}".encode()}
        assert stranger.get("/metrics", headers=given).status_code == status
    assert "a secret token" not in stranger.get("/metrics").text


@pytest.mark.parametrize(("mode", "near", "far"), [("key", NO_KEY, NO_KEY), ("open", 200, 200), ("off", 404, 404)])
def test_the_setting_says_who_can_read_metrics(mode: str, near: int, far: int, tmp_path: Path) -> None:
    with serving(tmp_path, sandbox="off", metrics=mode) as server, httpx2.Client(base_url=server.base_url) as client:
        assert client.get("/metrics").status_code == near
        assert client.get("/metrics", headers={"forwarded": "for=203.0.113.7"}).status_code == far


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus is not installed")
def test_promtool_finds_nothing_to_improve(stranger: httpx2.Client) -> None:
    for page in (read_page(stranger).text, render_metrics(ServerMetrics().registry.read()).decode()):
        found = subprocess.run(
            ["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False
        )
        assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
