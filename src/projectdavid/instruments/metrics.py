"""Counters, gauges and histograms in memory. A sample costs well below a microsecond and takes no lock.

All samples come from the event loop; other threads only read. Each metric has a bounded number of series: values of
labels beyond it are counted as `other`, so no caller can make a metric grow.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

Labels = tuple[str, ...]
"""The values of the labels of one series, in the order of the metric's label names."""
Kind = Literal["counter", "gauge", "histogram"]

MAX_SERIES = 500
MAX_VALUE = 100
"""Maximum characters of a label value."""
OTHER = "other"


class Metric:
    """Base class: a name, a description, names of labels, and series by the values of these labels."""

    kind: Kind

    def __init__(self, name: str, text: str, labels: Sequence[str] = (), *, limit: int = MAX_SERIES) -> None:
        self.name = name
        self.text = text
        self.labels = tuple(labels)
        self._limit = limit

    def _bounded(self, values: Labels, known: int) -> Labels:
        """Return the values of a new series, or those of the series that counts the rest."""
        if len(values) != len(self.labels):
            raise TypeError(f"The metric '{self.name}' has {len(self.labels)} labels, not {len(values)}.")
        return values if known < self._limit else (OTHER,) * len(values)


class _NumberMetric(Metric):
    def __init__(self, name: str, text: str, labels: Sequence[str] = (), *, limit: int = MAX_SERIES) -> None:
        super().__init__(name, text, labels, limit=limit)
        self._values: dict[Labels, float] = {} if labels else {(): 0.0}

    def add(self, amount: float = 1.0, *labels: str) -> None:
        """Add an amount to a series."""
        values = self._values
        if labels not in values:
            labels = self._bounded(labels, len(values))
        values[labels] = values.get(labels, 0.0) + amount

    def series(self) -> list[tuple[Labels, float]]:
        """Return a copy of all series."""
        return list(self._values.items())


class Counter(_NumberMetric):
    """A number that only grows."""

    kind = "counter"


class Gauge(_NumberMetric):
    """A number that grows and shrinks."""

    kind = "gauge"

    def set(self, value: float, *labels: str) -> None:
        """Set the value of a series."""
        if labels not in self._values:
            labels = self._bounded(labels, len(self._values))
        self._values[labels] = value


class HistogramSeries:
    """The samples of one series: their number per bucket, and their sum. The last bucket has no upper bound."""

    __slots__ = ("counts", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.total = 0.0


class Histogram(Metric):
    """A distribution over buckets; `bounds` are their inclusive upper bounds."""

    kind = "histogram"

    def __init__(
        self, name: str, text: str, bounds: Sequence[float], labels: Sequence[str] = (), *, limit: int = MAX_SERIES
    ) -> None:
        super().__init__(name, text, labels, limit=limit)
        self.bounds = tuple(bounds)
        self._series: dict[Labels, HistogramSeries] = {} if labels else {(): self._empty()}

    def _empty(self) -> HistogramSeries:
        return HistogramSeries(len(self.bounds) + 1)

    def observe(self, value: float, *labels: str) -> None:
        """Add a sample. Negative values, as after a change of the clock, count as 0."""
        series = self._series.get(labels)
        if series is None:
            labels = self._bounded(labels, len(self._series))
            series = self._series.setdefault(labels, self._empty())
        value = max(value, 0.0)
        series.counts[bisect_left(self.bounds, value)] += 1
        series.total += value

    def series(self) -> list[tuple[Labels, tuple[int, ...], float]]:
        """Return a copy of all series: the labels, the number of samples per bucket, and the sum."""
        return [(labels, tuple(one.counts), one.total) for labels, one in list(self._series.items())]


AnyMetric = Counter | Gauge | Histogram


class KnownNames:
    """Names that callers choose, such as those of models, as values of a label.

    Only names that were `admitted` are shown, at most `limit` of them, and each with at most 100 characters.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._names: dict[str, str] = {}

    def admit(self, name: str) -> str:
        """Admit a name, and return its label."""
        if name not in self._names:
            if len(self._names) >= self._limit:
                return OTHER
            self._names[name] = name if len(name) <= MAX_VALUE else f"{name[: MAX_VALUE - 1]}…"
        return self._names[name]

    def label(self, name: str) -> str:
        """Return the label of a name: itself if it was admitted, otherwise `other`."""
        return self._names.get(name, OTHER)


class MetricRegistry:
    """Metrics in the order of their declaration, and functions that update gauges before they are read."""

    def __init__(self) -> None:
        self._metrics: dict[str, AnyMetric] = {}
        self._refreshers: list[Callable[[], None]] = []

    def add(self, metric: AnyMetric) -> None:
        """Add a metric.

        Raises:
            ValueError: its name is taken.
        """
        if metric.name in self._metrics:
            raise ValueError(f"Two metrics are named '{metric.name}'.")
        self._metrics[metric.name] = metric

    def refresh_with(self, refresh: Callable[[], None]) -> None:
        """Call `refresh` before each reading."""
        self._refreshers.append(refresh)

    def read(self) -> Iterator[AnyMetric]:
        """Yield all metrics, up to date."""
        for refresh in self._refreshers:
            refresh()
        yield from self._metrics.values()
