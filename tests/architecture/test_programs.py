"""A program that a test needs is never missed in silence."""

import pytest

from tests.programs import require_programs


@pytest.mark.parametrize(("strict", "outcome"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)])
def test_a_missing_program_skips_the_test_and_fails_it_in_ci(
    monkeypatch: pytest.MonkeyPatch, strict: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("TEST_REQUIRE_PROGRAMS", strict)
    with pytest.raises(outcome, match=r"This test needs jq, node\. Install it .*: apt-get install jq nodejs"):
        require_programs("jq", "node")


def test_programs_that_are_there_are_no_reason_to_skip() -> None:
    require_programs()
    require_programs("git")
