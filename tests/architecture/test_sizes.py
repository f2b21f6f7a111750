"""Modules and functions stay small enough to be read at once, and each module says what it is."""

import ast

import pytest

from tests.architecture.modules import Module, modules

MODULE_LINES = 300
FUNCTION_LINES = 50

LONG_MODULES: dict[str, str] = {}
"""Modules that may be longer, each with its reason."""
LONG_FUNCTIONS: dict[str, str] = {}
"""The same of functions: `engine/run.py:name`."""


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_a_module_is_small_and_says_what_it_is(module: Module) -> None:
    assert ast.get_docstring(module.tree), "it has no docstring"
    if module.name not in LONG_MODULES:
        assert len(module.text.splitlines()) <= MODULE_LINES
    long = {function.name: _lines(function) for function in module.functions() if _lines(function) > FUNCTION_LINES}
    assert {name: lines for name, lines in long.items() if f"{module.name}:{name}" not in LONG_FUNCTIONS} == {}


def test_the_exceptions_are_needed() -> None:
    by_name = {module.name: module for module in modules()}
    for name in LONG_MODULES:
        assert len(by_name[name].text.splitlines()) > MODULE_LINES, name
    for place in LONG_FUNCTIONS:
        name, _, function = place.partition(":")
        assert any(one.name == function and _lines(one) > FUNCTION_LINES for one in by_name[name].functions()), place


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or 0) - function.lineno + 1
