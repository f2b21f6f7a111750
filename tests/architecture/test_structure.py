"""Names and sizes stay within the bounds that CONTRIBUTING.md sets; `scripts/structure.py` counts them."""

from functools import cache
from typing import Any

import pytest

from tests.architecture.modules import load_script

SHARES = {
    "modules-ing": ("modules", 0.02),
    "participles": ("functions", 0.02),
    "one-word-classes": ("classes", 0.15),
    "undocumented": ("public", 0.05),
}
"""The largest share of each figure, of the number of all."""


@cache
def _report() -> Any:
    return load_script("structure").count()


@pytest.mark.parametrize("figure", SHARES)
def test_the_share_of_names_that_break_a_rule_stays_within_its_bound(figure: str) -> None:
    total, bound = SHARES[figure]
    places, counted = _report().places[figure], getattr(_report(), total)
    assert len(places) <= bound * (len(counted) if isinstance(counted, list) else counted), places


def test_no_class_name_is_used_in_two_packages() -> None:
    assert _report().places["shared-classes"] == []


def test_no_modules_import_one_another() -> None:
    assert _report().places["cycles"] == []


@pytest.mark.parametrize(
    ("name", "participle"),
    [("told", True), ("_shown", True), ("listed", True), ("read", False), ("embed", False), ("is_told", False)],
)
def test_bare_participles_are_recognized(name: str, participle: bool) -> None:
    assert load_script("structure").is_participle(name) is participle
