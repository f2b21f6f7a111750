"""Tests wait for events, and take how long they wait from one place."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
CALLS = {"timeout", "timeout_at", "wait_for", "fail_after", "move_on_after", "settimeout"}
"""Calls whose last positional argument is a timeout."""
BRIEF = 5.0
"""A timeout shorter than this is there to expire: the test is about what happens then."""
EXCEPTIONS = {
    "outbound/test_limits.py": "a request that is broken off long before",
    "tools/test_code_calls.py": "what is said of a timeout that expired",
    "tools/test_computer_calls.py": "what is said of a timeout that expired",
}


def fixed_timeouts(text: str) -> list[int]:
    """Return the lines on which something is waited for with a fixed timeout."""
    found: list[int] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            values = [keyword.value for keyword in node.keywords if keyword.arg == "timeout"]
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            values += node.args[-1:] if name in CALLS else []
            found += [node.lineno for value in values if _is_long(value)]
    return found


def _is_long(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, int | float) and value.value >= BRIEF


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("async with asyncio.timeout(10):\n    pass", [1]),
        ("\nawait asyncio.wait_for(task, 20)", [2]),
        ("subprocess.run(command, timeout=60)", [1]),
        ("process.communicate(timeout=PROCESS_TIMEOUT)\nasyncio.timeout(0.05)\nnew_run(action_timeout=90)", []),
    ],
)
def test_a_fixed_timeout_is_seen(text: str, lines: list[int]) -> None:
    assert fixed_timeouts(text) == lines


def test_no_test_waits_for_a_fixed_time() -> None:
    found: list[str] = []
    for path in sorted(TESTS.rglob("*.py")):
        name = path.relative_to(TESTS).as_posix()
        if name not in EXCEPTIONS:
            found += [f"{name}:{line}" for line in fixed_timeouts(path.read_text("utf-8"))]
    assert found == [], "use EVENT_TIMEOUT or PROCESS_TIMEOUT of tests/timeouts.py"
