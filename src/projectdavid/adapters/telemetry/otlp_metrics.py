"""Conversion of metrics to those of the OpenTelemetry SDK."""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING, Any

from projectdavid.instruments.metrics import AnyMetric, Histogram, Labels
from projectdavid.instruments.spans import MetricSeries
from projectdavid.lazy_modules import LazyModule

if TYPE_CHECKING:
    import opentelemetry.sdk.metrics.export as sdk_metrics
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
else:
    sdk_metrics = LazyModule("opentelemetry.sdk.metrics.export")


def build_metrics(
    series: MetricSeries, resource: Resource, scope: InstrumentationScope, started_at: float, now: float
) -> sdk_metrics.MetricsData:
    """Build the metrics of one export: cumulative since `started_at`, as of `now`, in Unix seconds."""
    times = int(started_at * 1e9), int(now * 1e9)
    metrics = [_build_metric(metric, points, times) for metric, points in series]
    scoped = sdk_metrics.ScopeMetrics(scope, metrics, "")
    return sdk_metrics.MetricsData([sdk_metrics.ResourceMetrics(resource, [scoped], "")])


def _build_metric(metric: AnyMetric, series: list[Any], times: tuple[int, int]) -> sdk_metrics.Metric:
    cumulative = sdk_metrics.AggregationTemporality.CUMULATIVE
    unit = "s" if "_seconds" in metric.name else "By" if "_bytes" in metric.name else "1"
    data: Any
    if isinstance(metric, Histogram):
        data = sdk_metrics.Histogram([_build_histogram(metric, one, times) for one in series], cumulative)
    else:
        points = list(starmap(lambda labels, value: _build_number(metric, labels, value, times), series))
        data = sdk_metrics.Sum(points, cumulative, True) if metric.kind == "counter" else sdk_metrics.Gauge(points)
    return sdk_metrics.Metric(metric.name, metric.text, unit, data)


def _build_number(
    metric: AnyMetric, labels: Labels, value: float, times: tuple[int, int]
) -> sdk_metrics.NumberDataPoint:
    return sdk_metrics.NumberDataPoint(dict(zip(metric.labels, labels, strict=True)), *times, value)


def _build_histogram(
    metric: Histogram, series: tuple[Labels, tuple[int, ...], float], times: tuple[int, int]
) -> sdk_metrics.HistogramDataPoint:
    labels, counts, total = series
    attributes = dict(zip(metric.labels, labels, strict=True))
    bounds = [float(bound) for bound in metric.bounds]
    # OpenTelemetry leaves out the smallest and the largest sample if they are infinite in the wrong direction.
    smallest, largest = float("inf"), float("-inf")
    return sdk_metrics.HistogramDataPoint(attributes, *times, sum(counts), total, counts, bounds, smallest, largest)
