"""OpenTelemetry of the framework, which otherwise checks for it on every request."""

import os
from typing import Any


def telemetry_settings() -> Any:
    """Return FastAPI's `telemetry`: off, unless the environment configures OpenTelemetry."""
    wanted = any("OTEL_" in name for name in os.environ)
    return {"tracing": wanted, "metrics": wanted, "logs": wanted}
