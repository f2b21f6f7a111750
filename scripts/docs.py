"""Writes the generated parts of `docs/*.md`: what the code says about itself, so that the pages cannot drift from it.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`. `python scripts/docs.py` writes all of them; with
`--check` it writes nothing and fails where a page differs.
"""

import ast
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from projectdavid import settings
from projectdavid.client import errors
from projectdavid.engine import run as engine
from projectdavid.instruments import span_names
from projectdavid.instruments.server_metrics import ServerMetrics
from projectdavid.protocol import events
from projectdavid.protocol.statuses import status_to_wire
from projectdavid.settings import providers

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs"
PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
COMMAND = re.compile(r"^ {2}([a-z][a-z-]*)(?: {2,}|$)", re.MULTILINE)

DEFAULTS = {"data": "`~/.local/share/projectdavid`"}


def main() -> int:
    """Write or check; the exit code."""
    made = {path: filled(path.read_text("utf-8")) for path in sorted(PAGES.glob("*.md"))}
    different = [path for path, text in made.items() if path.read_text("utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in different:
            sys.stderr.write(f"{path.relative_to(ROOT)} is not what python scripts/docs.py makes\n")
        return 1 if different else 0
    for path in different:
        path.write_text(made[path], "utf-8")
    return 0


def filled(page: str) -> str:
    """A page with its generated parts made anew."""
    return PART.sub(lambda part: f"{part[1]}{PARTS[part[2]]()}\n{part[3]}", page)


def diagram() -> str:
    """The life of a run, from the table that decides it."""
    name = status_to_wire
    lines = [f"    [*] --> {status}" for status in (engine.RunStatus.QUEUED, engine.RunStatus.PENDING)]
    for status in engine.RunStatus:
        following = [after for after in engine.RunStatus if after in engine.TRANSITIONS[status]]
        lines += [f"    {name(status)} --> {name(after)}" for after in following] or [f"    {status} --> [*]"]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def event_table() -> str:
    """Every event, with what it holds beside `type` and `run_id`."""
    return table(
        ("`type`", "Fields", "What it says"),
        [
            (f"`{name}`", "<br>".join(_fields(kind)), inspect.cleandoc(kind.__doc__ or ""))
            for name, kind in events.EVENTS.items()
        ],
    )


def _fields(kind: type[BaseModel]) -> Iterator[str]:
    schema = kind.model_json_schema()
    for name, field in schema["properties"].items():
        if name not in ("type", "run_id", "position", "at"):
            yield f"`{name}`: {_shape(field)}"


def _shape(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_shape(branch) for branch in field["anyOf"])
    if "$ref" in field:
        return "object"
    if "enum" in field and len(field["enum"]) < 5:
        return " or ".join(f"`{value}`" for value in field["enum"])
    return str(field["type"])


def error_tree() -> str:
    """The errors that the SDK raises."""
    rows = [
        (f"`{kind.__name__}`", f"`{kind.__mro__[1].__name__}`", inspect.cleandoc(kind.__doc__ or ""))
        for kind in _below(errors.ProjectDavidError)
    ]
    return table(("Class", "Is a", "Raised when"), rows)


def _below(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _below(child)


def setting_table() -> str:
    """Every setting of the server."""
    rows = [
        (f"`{name}`", f"`PROJECTDAVID_{name.upper()}`", kind, default, meaning)
        for name, kind, default, meaning in _settings(settings.Settings)
    ]
    return table(("Setting", "In the environment", "Type", "Default", "Meaning"), rows)


def provider_table() -> str:
    """The fields of one provider."""
    parts = {
        "": providers.ProviderSettings,
        "capabilities.": providers.CapabilitySettings,
        "timeouts.": providers.ProviderTimeouts,
    }
    rows = [(f"`{part}{name}`", *rest) for part, model in parts.items() for name, *rest in _settings(model)]
    return table(("Field", "Type", "Default", "Meaning"), rows)


def metric_table() -> str:
    """Every metric of a server."""
    rows = [
        (f"`{one.name}`", one.kind, ", ".join(f"`{label}`" for label in one.labels), f"{one.text}.")
        for one in ServerMetrics().registry.read()
    ]
    return table(("Metric", "Type", "Labels", "Meaning"), rows)


def span_table() -> str:
    """Every span with its attributes."""
    rows = [
        (f"`{name}`", "<br>".join(f"`{one}`{' (content)' * (one in span_names.CONTENT)}" for one in attributes))
        for name, attributes in span_names.SPANS.items()
    ]
    return table(("Span", "Attributes"), rows)


def _settings(model: type[BaseModel]) -> Iterator[tuple[str, str, str, str]]:
    schema = model.model_json_schema()
    texts = docstrings(sys.modules[model.__module__], model.__name__)
    for name, field in schema["properties"].items():
        if name in schema.get("required", ()):
            default = "required"
        elif name in DEFAULTS:
            default = DEFAULTS[name]
        else:
            nothing = "$ref" in field or field.get("default") in (None, {}, [])
            default = "" if nothing else f"`{field['default']}`"
        yield name, _bounded(field), default, texts[name]


def _bounded(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return _bounded(next(branch for branch in field["anyOf"] if branch.get("type") != "null"))
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    nested = "$ref" in field or field.get("type") == "object"
    kind = "path" if field.get("format") == "path" else "map" if nested else field["type"]
    bounds = [f"from {field['minimum']:g}"] if "minimum" in field else []
    bounds += [f"above {field['exclusiveMinimum']:g}"] if "exclusiveMinimum" in field else []
    bounds += [f"to {field['maximum']:g}"] if "maximum" in field else []
    return " ".join([kind, *bounds])


def docstrings(module: ModuleType, name: str) -> dict[str, str]:
    """What stands under the fields of a class."""
    tree = ast.parse(inspect.getsource(module))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    texts: dict[str, str] = {}
    for field, below in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            texts[ast.unparse(field.target)] = inspect.cleandoc(str(below.value.value))
    return texts


def commands() -> str:
    """The help of every command, as it prints it."""
    os.environ.update(TYPER_USE_RICH="0", COLUMNS="100")
    from projectdavid.cli.app import run  # not above: its libraries look at the environment when they are imported

    parts = [
        f"##{'#' * (len(words) > 1)} `{' '.join(['projectdavid', *words])}`\n\n```text\n{text}\n```"
        for words, text in _helps(run, [])
    ]
    return "\n\n".join(parts)


def _helps(run: Callable[[list[str]], int], words: list[str]) -> Iterator[tuple[list[str], str]]:
    with redirect_stdout(StringIO()) as printed:
        run([*words, "--help"])
    text = "\n".join(line.rstrip() for line in printed.getvalue().strip("\n").splitlines())
    yield words, text
    for name in COMMAND.findall(text.partition("\nCommands:\n")[2]):
        yield from _helps(run, [*words, name])


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    cells = [heads, ("---",) * len(heads), *rows]
    lines = (" | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in row) for row in cells)
    return "\n".join(f"| {line} |" for line in lines)


PARTS: dict[str, Callable[[], str]] = {
    "states": diagram,
    "events": event_table,
    "sdk-errors": error_tree,
    "settings": setting_table,
    "provider-settings": provider_table,
    "metrics": metric_table,
    "spans": span_table,
    "commands": commands,
}

if __name__ == "__main__":
    sys.exit(main())
