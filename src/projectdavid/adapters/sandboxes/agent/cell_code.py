"""Compiles the code of a run: translates notebook syntax and keeps the value of the last expression."""

import ast
import types
import warnings

from .notebook_syntax import to_python

RESULT = "__result__"
"""The variable that gets the value of the last expression."""
_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def compile_cell(name: str, source: str) -> tuple[types.CodeType, bool]:
    """Return the compiled code, and whether its last expression is displayed, which a semicolon prevents.

    Raises:
        SyntaxError, ValueError: it is neither Python nor notebook syntax.
    """
    source, tree = _parse(name, source)
    last = tree.body[-1] if tree.body else None
    shows = isinstance(last, ast.Expr) and not source.rstrip().endswith(";")
    if isinstance(last, ast.Expr) and shows:
        target = ast.Name(RESULT, ast.Store())
        tree.body[-1] = ast.copy_location(ast.Assign([target], last.value), last)
        ast.fix_missing_locations(tree)
    return compile(tree, name, "exec", _FLAGS, dont_inherit=True), shows


def _parse(name: str, source: str) -> tuple[str, ast.Module]:
    """Return the source as Python, and its syntax tree.

    Raises:
        SyntaxError, ValueError: it is neither Python nor notebook syntax.
    """
    try:
        return source, compile(source, name, "exec", _FLAGS | ast.PyCF_ONLY_AST, dont_inherit=True)
    except SyntaxError:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            translated = to_python(source, _parses)
        if translated == source:
            raise
    return translated, compile(translated, name, "exec", _FLAGS | ast.PyCF_ONLY_AST, dont_inherit=True)


def _parses(source: str) -> bool:
    try:
        compile(source, "", "exec", _FLAGS | ast.PyCF_ONLY_AST, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
