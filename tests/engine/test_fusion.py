"""Several rankings become one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projectdavid.engine.fusion import fuse_rankings

RANKINGS = st.lists(st.dictionaries(st.integers(0, 20), st.floats(0, 100), max_size=30), max_size=4)


def ranking(*names: str) -> dict[str, float]:
    """A short ranking, the best first."""
    return {name: 9.0 - place for place, name in enumerate(names)}


def tail(first: float, step: float) -> dict[str, float]:
    """Forty others, each worse by a step."""
    return {f"other {number}": first - step * number for number in range(40)}


def test_what_is_first_everywhere_has_the_score_one():
    assert fuse_rankings([ranking("a", "b"), ranking("a", "c")])[0] == ("a", pytest.approx(1.0))


def test_what_both_find_comes_before_what_one_finds():
    assert [one for one, _ in fuse_rankings([ranking("a", "b"), ranking("c", "b")])] == ["b", "a", "c"]


def test_one_ranking_stays_as_it_is():
    assert [one for one, _ in fuse_rankings([ranking("c", "a", "b")])] == ["c", "a", "b"]


def test_what_stands_out_in_one_comes_before_what_is_in_the_middle_of_both():
    words = {"exact": 20.0, **tail(3, 0.05)}
    far = dict(zip(reversed(tail(0, 1)), tail(0.7, 0.005).values(), strict=True))  # what is high in one is low here
    vectors = {**far, "exact": 0.1}
    assert fuse_rankings([words, vectors])[0][0] == "exact"
    assert fuse_rankings([vectors, words])[0][0] == "exact"


def test_a_ranking_in_which_all_are_equal_says_little():
    flat = dict.fromkeys(tail(1, 0), 1.0)
    assert fuse_rankings([flat, ranking("meant")])[0][0] == "meant"


@given(RANKINGS)
def test_everything_is_there_once_with_a_score_between_nothing_and_one(given_rankings: list[dict[int, float]]):
    rankings = [dict(sorted(one.items(), key=lambda pair: -pair[1])) for one in given_rankings]
    result = fuse_rankings(rankings)
    assert sorted(one for one, _ in result) == sorted({one for ranking in rankings for one in ranking})
    assert all(0 < score <= 1 + 1e-9 for _, score in result)
    assert [score for _, score in result] == sorted((score for _, score in result), reverse=True)
