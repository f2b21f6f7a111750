"""Builds the instruments from the settings, and sends metrics to a collector."""

import asyncio
import os

from projectdavid.adapters.telemetry.otlp import OtlpExporter
from projectdavid.instruments.server_metrics import ServerMetrics
from projectdavid.instruments.telemetry import Telemetry, TraceOptions
from projectdavid.services.platform import Platform
from projectdavid.settings import Settings

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
CAPTURE_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
EXPORT_TIMEOUT = 10.0
"""Seconds for one export, with its repetitions."""


def telemetry_of(settings: Settings) -> Telemetry:
    """Build the instruments of a process.

    Raises:
        ValueError: a collector is configured, but the libraries for it are not installed.
    """
    metrics, endpoint = ServerMetrics(), settings.otlp_endpoint or os.environ.get(ENDPOINT)
    if not endpoint:
        return Telemetry(metrics)
    headers = {name: value.get_secret_value() for name, value in settings.otlp_headers.items()}
    content = settings.trace_content or os.environ.get(CAPTURE_CONTENT, "").lower() == "true"
    options = TraceOptions(settings.trace_ratio, content, settings.trace_requests)
    return Telemetry(metrics, OtlpExporter(endpoint, headers, EXPORT_TIMEOUT, metrics), options)


async def send_metrics(platform: Platform) -> None:
    """Send the metrics to the collector at regular intervals, until cancelled."""
    telemetry = platform.telemetry
    while telemetry.is_tracing:
        await platform.gauges.refresh()
        series = [(metric, [*metric.series()]) for metric in telemetry.metrics.registry.read()]
        telemetry.exporter.emit_metrics(series, platform.clock())
        await asyncio.sleep(platform.settings.otlp_metrics_seconds)
