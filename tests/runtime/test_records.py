"""What the rows of runs and messages hold, also those that older versions wrote."""

from dataclasses import replace

import pytest

from projectdavid.engine.deltas import TokenUsage
from projectdavid.runtime.runs.records import usage_from, usage_json

WHOLE = TokenUsage(100, 20, cached_tokens=64, reasoning_tokens=12)


@pytest.mark.parametrize(
    ("column", "usage"),
    [(None, None), ("[100,20]", TokenUsage(100, 20)), ("[100,20,64,12]", WHOLE), (usage_json(WHOLE), WHOLE)],
)
def test_the_usage_of_a_turn_is_read_as_every_version_wrote_it(column: str | None, usage: TokenUsage | None) -> None:
    assert usage_from(column, None) == usage
    assert usage_from(column, 7) == (None if usage is None else replace(usage, cost=7))
