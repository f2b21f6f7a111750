"""The text formats of Prometheus: the classic one, version 0.0.4, and OpenMetrics 1.0.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/ and the OpenMetrics specification.
"""

import math
from collections.abc import Iterable, Iterator

from projectdavid.instruments.metrics import AnyMetric, Histogram, Labels

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_TEXT_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})


def choose_format(accept: str) -> str:
    """Return the media type for an `Accept` header: OpenMetrics if it is named, otherwise the classic format."""
    return OPEN_METRICS if "application/openmetrics-text" in accept else TEXT


def render_metrics(metrics: Iterable[AnyMetric], media_type: str = TEXT) -> bytes:
    """Render metrics in one of the two formats."""
    is_open = media_type == OPEN_METRICS
    lines = [line for metric in metrics for line in _render_metric(metric, is_open=is_open)]
    end = "# EOF\n" if is_open else ""
    return ("\n".join([*lines, end]) if lines else end).encode()


def _render_metric(metric: AnyMetric, *, is_open: bool) -> Iterator[str]:
    family = metric.name
    if is_open and metric.kind == "counter":  # the family's name has no suffix, its samples have one
        family = family.removesuffix("_total")
    yield f"# HELP {family} {metric.text.translate(_TEXT_ESCAPES)}"
    yield f"# TYPE {family} {metric.kind}"
    if isinstance(metric, Histogram):
        yield from _render_histogram(metric)
        return
    for labels, value in metric.series():
        yield f"{metric.name}{_render_labels(metric.labels, labels)} {_render_number(value)}"


def _render_histogram(metric: Histogram) -> Iterator[str]:
    bounds = [*(repr(float(bound)) for bound in metric.bounds), "+Inf"]  # OpenMetrics wants `1.0`, not `1`
    for labels, counts, total in metric.series():
        count = 0
        for bound, samples in zip(bounds, counts, strict=True):
            count += samples
            yield f"{metric.name}_bucket{_render_labels((*metric.labels, 'le'), (*labels, bound))} {count}"
        shown = _render_labels(metric.labels, labels)
        yield f"{metric.name}_sum{shown} {_render_number(total)}"
        yield f"{metric.name}_count{shown} {count}"


def _render_labels(names: Labels, values: Labels) -> str:
    pairs = ",".join(
        f'{name}="{value.encode(errors="replace").decode().translate(_ESCAPES)}"'
        for name, value in zip(names, values, strict=True)
    )
    return f"{{{pairs}}}" if pairs else ""


def _render_number(value: float) -> str:
    if math.isinf(value) or math.isnan(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    return str(int(value)) if value == int(value) and abs(value) < 1 << 53 else repr(value)
