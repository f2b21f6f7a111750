"""What openai-python observes, in the newest release of each major version."""

from typing import Any

import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.compat.behaviours.expected import PYTHON
from tests.compat.behaviours.walking import WALKS, observed, walked
from tests.compat.environments import environment

pytestmark = pytest.mark.slow
VERSIONS = ("1.109.1", "2.54.0", "3.54.0")


@pytest.fixture(scope="module", params=VERSIONS)
def report(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    server: EmbeddedPlatform,
    hasty: EmbeddedPlatform,
) -> dict[str, Any]:
    """What this version observed."""
    python = environment(f"openai=={request.param}")
    return walked([python, "-I", WALKS / "python"], tmp_path_factory.mktemp("walk"), server, hasty)


def test_the_walk_tries_what_is_expected(report: dict[str, Any]) -> None:
    assert report.keys() == PYTHON.keys()


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.behaviour(name)) for name in PYTHON])
def test_the_client_observes_the_behaviour(report: dict[str, Any], name: str) -> None:
    assert observed(report, name) == PYTHON[name]
