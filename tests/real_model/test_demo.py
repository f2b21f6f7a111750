"""`projectdavid demo` with a real model whose answers are long."""

import json
from pathlib import Path

import pytest

from tests.cli.processes import finished
from tests.real_model.model_server import LONG, ModelServer

pytestmark = [pytest.mark.slow, pytest.mark.real_model]


def test_the_demo_ends_where_its_limit_is_though_the_model_writes_on(model_server: ModelServer, tmp_path: Path) -> None:
    model_server.start(LONG)
    model_server.wait_until_ready()
    environment = {"OPENAI_BASE_URL": model_server.url}
    done = finished("demo", "--json", "--max-completion-tokens", "8", home=tmp_path, environment=environment)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert [part["status"] for part in (facts, facts["math"], facts["files"])] == ["incomplete"] * 3
    assert done.stderr.count("The run ended at 8 tokens.") == 3
