"""What openai-node observes, in the newest releases that run on Node 20."""

from typing import Any

import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.compat.behaviours.expected import NODE
from tests.compat.behaviours.walking import WALKS, observed, walked
from tests.compat.environments import node_folder

pytestmark = pytest.mark.slow
VERSIONS = ("4.104.0", "6.49.0")


@pytest.fixture(scope="module", params=VERSIONS)
def report(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    server: EmbeddedPlatform,
    hasty: EmbeddedPlatform,
) -> dict[str, Any]:
    """What this version observed."""
    packages = node_folder(f"openai@{request.param}")
    folder = tmp_path_factory.mktemp("walk")
    return walked(["node", WALKS / "node" / "main.mjs"], folder, server, hasty, PACKAGES=str(packages))


def test_the_walk_tries_what_is_expected(report: dict[str, Any]) -> None:
    assert report.keys() == NODE.keys()


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.behaviour(name)) for name in NODE])
def test_the_client_observes_the_behaviour(report: dict[str, Any], name: str) -> None:
    assert observed(report, name) == NODE[name]
