"""Modules and functions stay small enough to be read at once, and each module says what it is."""

import ast

from tests.architecture.modules import modules

MODULE_LINES = 400
FUNCTION_LINES = 50

LONG_MODULES: dict[str, str] = {}
"""Modules that may be longer, each with its reason."""
LONG_FUNCTIONS: dict[str, str] = {}
"""The same of functions: `engine/run.py:name`."""


def test_every_module_has_a_docstring() -> None:
    assert [module.name for module in modules() if not ast.get_docstring(module.tree)] == []


def test_modules_are_short() -> None:
    lengths = {module.name: len(module.text.splitlines()) for module in modules()}
    assert {name for name, lines in lengths.items() if lines > MODULE_LINES} == set(LONG_MODULES)


def test_functions_are_short() -> None:
    long = {
        f"{module.name}:{function.name}"
        for module in modules()
        for function in module.functions()
        if _lines(function) > FUNCTION_LINES
    }
    assert long == set(LONG_FUNCTIONS)


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or 0) - function.lineno + 1
