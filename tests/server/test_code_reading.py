"""Code is read out of the arguments of a call while these are written, wherever they are cut."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projectdavid.api.openai.code_arguments import CodeReader

CODE = 'print("é", \'\\n\')\n# 🙂 \\u0041 \t"'


def read(*parts: str) -> list[str]:
    reader = CodeReader()
    found = [reader.feed(part) for part in parts]
    assert reader.told == len("".join(found))
    return found


@given(
    code=st.text(st.characters(exclude_categories=["Cs"])),
    cuts=st.lists(st.integers(0, 400)),
    ascii_only=st.booleans(),
    more=st.sampled_from(["", " ", ', "why": "x"', "}"]),
)
def test_it_is_the_same_wherever_the_arguments_are_cut(code: str, cuts: list[int], ascii_only: bool, more: str) -> None:
    written = json.dumps({"code": code}, ensure_ascii=ascii_only)[:-1] + more
    parts = [written[start:end] for start, end in pairwise([0, *sorted(cuts), len(written)])]
    assert "".join(parts) == written
    assert "".join(read(*parts)) == code


def test_it_comes_as_it_is_written() -> None:
    written = json.dumps({"code": CODE})
    found = read(*written)
    assert "".join(found) == CODE
    assert max(map(len, found)) == 1, "each character when it is whole"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ('{"query": "x", "code": "y"}', ""),
        ("[1]", ""),
        ("{" + " " * 100, ""),
        ('{"code": 5}', ""),
        ('{"code": "a\nb"}', "a\nb"),
        ('{"code": "a\\x"}', "a"),
        ('{"code": "a\\ud83d and no more of it"}', "a"),
        ('{"code": "a", "code": "b"}', "a"),
    ],
)
def test_what_is_no_such_json_is_left_alone(written: str, code: str) -> None:
    assert "".join(read(*written)) == code
    assert "".join(read(written)) == code
