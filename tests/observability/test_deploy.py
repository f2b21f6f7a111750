"""The alert rules and the dashboard use metrics that exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from projectdavid.instruments.server_metrics import ServerMetrics

FOLDER = Path(__file__).parents[2] / "deploy/observability"
NAMES = re.compile(r"\b((?:projectdavid|process)_[a-z_]+)")


def exported() -> set[str]:
    """All names of samples of a page."""
    metrics = list(ServerMetrics().registry.read())
    parts = {f"{one.name}_{part}" for one in metrics if one.kind == "histogram" for part in ("bucket", "sum", "count")}
    return parts | {one.name for one in metrics if one.kind != "histogram"}


@pytest.mark.parametrize("name", ["alerts.yml", "dashboard.json"])
def test_every_metric_that_a_file_names_is_exported(name: str) -> None:
    used = set(NAMES.findall((FOLDER / name).read_text("utf-8")))
    assert len(used) > 8
    assert used <= exported()


def test_the_panels_of_the_dashboard_have_ids_and_titles_of_their_own() -> None:
    panels = json.loads((FOLDER / "dashboard.json").read_text("utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus is not installed")
def test_promtool_accepts_the_alert_rules() -> None:
    command = ["promtool", "check", "rules", str(FOLDER / "alerts.yml")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "11 rules found" in found.stdout
