"""The codes of errors of the native API that stand in the source, found by reading it."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import projectdavid
from projectdavid.api.http import validation_errors
from projectdavid.api.http.errors import CONFLICTS
from projectdavid.ports import queries

SOURCE = Path(projectdavid.__file__).parent
SERVER = ("api", "composition", "security", "services")
"""The packages that answer requests."""
DIALECT = SOURCE / "api/openai"
"""Has codes of its own."""
ANSWERED_OTHERWISE = {"open_run_exists", "last_admin_exists", "ticket_exists"}
"""Their routes say `run_open`, `last_admin` and `invalid_token` instead."""


def calls(folders: Sequence[str], *names: str) -> Iterator[ast.Call]:
    """The calls of functions and classes with one of these names, with a first argument."""
    for path in sorted(path for folder in folders for path in (SOURCE / folder).rglob("*.py")):
        if DIALECT in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Name) and node.func.id in names:
                yield node


def texts(found: Iterator[ast.Call]) -> set[str]:
    """Their first arguments, where those are texts."""
    firsts = (call.args[0] for call in found)
    return {first.value for first in firsts if isinstance(first, ast.Constant) and isinstance(first.value, str)}


def answered() -> set[tuple[int, str]]:
    """The status and code of every error that the server answers with."""
    built = {
        "error.code": texts(calls(["engine"], "InputRefused")),
        "told.code": {"invalid_value", "invalid_body", *validation_errors.CODES.values()},
        "exceeded.code": texts(calls([""], "LimitExceeded")) | used_up(),
        "f'{kind}_exists'": {f"{kind}_exists" for kind in texts(calls(SERVER, "UniqueClash"))} - ANSWERED_OTHERWISE,
    }
    pairs = {(404, f"{kind}_not_found") for kind in texts(calls(SERVER, "missing_error", "RowMissing")) | sought()}
    for call in calls(SERVER, "ApiError"):
        status, code = call.args[:2]
        # A status that is a variable is that of the framework's own errors.
        number = status.value if isinstance(status, ast.Constant) else 400
        found = {code.value} if isinstance(code, ast.Constant) else built[ast.unparse(code)]
        conflicts = CONFLICTS if ast.unparse(code) == "error.code" else frozenset[str]()
        pairs |= {(409 if one in conflicts else int(str(number)), str(one)) for one in found}
    return pairs


def sought() -> set[str]:
    """The kinds of objects that routes look for."""
    seconds = (call.args[1] for call in calls(SERVER, "find"))
    return {getattr(queries, second.attr).name for second in seconds if isinstance(second, ast.Attribute)}


def failed() -> set[str]:
    """The code of every failure of a run."""
    said = texts(calls([""], "ModelError", "RunFailure", "failure"))
    return {text for text in said if text.isidentifier()} | used_up()


def used_up() -> set[str]:
    """The codes of what a run may use up by the day."""
    return {
        argument.value
        for path in sorted((SOURCE / "runtime").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "_used_up"
        for argument in node.args[:1]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }
