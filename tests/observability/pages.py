"""Pages of metrics, parsed with the library of Prometheus."""

import httpx2
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open_metrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

OPEN_METRICS = {"accept": "application/openmetrics-text; version=1.0.0, text/plain;q=0.5"}


class MetricsPage:
    """The samples of a page."""

    def __init__(self, response: httpx2.Response) -> None:
        assert response.status_code == 200, response.text
        self.text = response.text
        is_open = response.headers["content-type"].startswith("application/openmetrics-text")
        parse = parse_open_metrics if is_open else parse_text
        self.families: dict[str, Metric] = {one.name: one for one in parse(response.text)}
        self.samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """The value of a sample with these labels; 0 without one."""
        return self.samples.get((f"projectdavid_{name}", frozenset(labels.items())), 0.0)

    def series(self, name: str) -> int:
        """The number of samples with a name."""
        return sum(1 for found, _ in self.samples if found == f"projectdavid_{name}")


def read_page(client: httpx2.Client, **headers: str) -> MetricsPage:
    """The page as it is now."""
    return MetricsPage(client.get("/metrics", headers=headers))
