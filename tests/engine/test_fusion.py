"""Several rankings become one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projectdavid.engine.fusion import fused

RANKINGS = st.lists(st.lists(st.integers(0, 20), unique=True, max_size=12), max_size=4)


def test_what_is_first_everywhere_has_the_score_one():
    assert fused([["a", "b"], ["a", "c"]])[0] == ("a", pytest.approx(1.0))


def test_what_both_find_comes_before_what_one_finds():
    assert [one for one, _ in fused([["a", "b"], ["c", "b"]])] == ["b", "a", "c"]


def test_one_ranking_stays_as_it_is():
    assert [one for one, _ in fused([[3, 1, 2]])] == [3, 1, 2]


@given(RANKINGS)
def test_everything_is_there_once_with_a_score_between_nothing_and_one(rankings: list[list[int]]):
    result = fused(rankings)
    assert sorted(one for one, _ in result) == sorted({one for ranking in rankings for one in ranking})
    assert all(0 < score <= 1 + 1e-9 for _, score in result)
    assert [score for _, score in result] == sorted((score for _, score in result), reverse=True)
