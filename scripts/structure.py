"""Count the structure of the package: names, sizes, docstrings, import cycles.

`python scripts/structure.py` prints one figure per line; `--list NAME` prints the places that a figure counts.
The generated half of the SDK (`client/_sync`) is left out.
"""

import argparse
import ast
import re
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grimp

SOURCE = Path(__file__).resolve().parent.parent / "src" / "projectdavid"
Function = ast.FunctionDef | ast.AsyncFunctionDef

IRREGULAR = frozenset(
    [
        "begun",
        "born",
        "built",
        "chosen",
        "done",
        "drawn",
        "felt",
        "found",
        "given",
        "gone",
        "grown",
        "held",
        "kept",
        "known",
        "left",
        "lost",
        "made",
        "met",
        "paid",
        "said",
        "seen",
        "sent",
        "shown",
        "spent",
        "spoken",
        "taken",
        "taught",
        "thrown",
        "told",
        "torn",
        "understood",
        "won",
        "written",
    ]
)
"""Past participles that do not end in -ed and are no verbs."""
NOT_PARTICIPLES = frozenset(["feed", "need", "seed", "speed", "embed", "exceed", "proceed"])
"""Verbs that end in -ed."""


@dataclass
class Report:
    """What was counted, with the places that each figure counts."""

    modules: int = 0
    lines: int = 0
    functions: list[int] = field(default_factory=list[int])
    """Lines of each function."""
    classes: int = 0
    places: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    public: int = 0


def count() -> Report:
    """Read every module of the package."""
    report, packages = Report(), defaultdict[str, set[str]](set)
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if name.startswith("client/_sync/"):
            continue
        text = path.read_text("utf-8")
        tree = ast.parse(text)
        report.modules += 1
        report.lines += len(text.splitlines())
        if path.stem.endswith("ing") and path.stem not in {"string", "ring"}:
            report.places["modules-ing"].append(name)
        for node in ast.walk(tree):
            if isinstance(node, Function):
                _count_function(report, name, node)
            elif isinstance(node, ast.ClassDef):
                _count_class(report, name, node)
                packages[node.name].add(_package(name))
            elif isinstance(node, ast.ExceptHandler) and _is_broad(node):
                report.places["broad-excepts"].append(f"{name}:{node.lineno}")
        for place, documented in _public(name, tree):
            report.public += 1
            if not documented:
                report.places["undocumented"].append(place)
    report.places["shared-classes"] = [
        f"{name}: {', '.join(sorted(found))}"
        for name, found in sorted(packages.items())
        if len(found) > 1 and not name.startswith("_")
    ]
    report.places["cycles"] = find_cycles()
    return report


def find_cycles() -> list[str]:
    """Modules that import one another, directly or not."""
    graph = grimp.build_graph("projectdavid", cache_dir=None)
    return sorted(
        f"{one} <-> {other}"
        for one in graph.modules
        for other in graph.find_modules_directly_imported_by(one)
        if one < other and graph.chain_exists(importer=other, imported=one)
    )


def is_participle(name: str) -> bool:
    """True if a function is named by a bare participle, such as `told`."""
    words = name.strip("_").split("_")
    if len(words) > 1:
        return False
    [word] = words
    return word in IRREGULAR or (word.endswith("ed") and len(word) > 4 and word not in NOT_PARTICIPLES)


def _count_function(report: Report, name: str, node: Function) -> None:
    report.functions.append((node.end_lineno or 0) - node.lineno + 1)
    if is_participle(node.name) and not any(_is_property(one) for one in node.decorator_list):
        report.places["participles"].append(f"{name}:{node.lineno} {node.name}")


def _count_class(report: Report, name: str, node: ast.ClassDef) -> None:
    report.classes += 1
    if not node.name.startswith("_") and len(re.findall(r"[A-Z][a-z0-9]*|[A-Z]+(?![a-z])", node.name)) == 1:
        report.places["one-word-classes"].append(f"{name}:{node.lineno} {node.name}")


def _package(name: str) -> str:
    """The package that a class belongs to: the folder, at most two levels deep."""
    return "/".join(name.split("/")[:-1][:2])


def _is_property(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"property", "cached_property"}


def _is_broad(node: ast.ExceptHandler) -> bool:
    names = {one.id for one in ast.walk(node.type) if isinstance(one, ast.Name)} if node.type else {"BaseException"}
    return bool(names & {"Exception", "BaseException"})


def _public(name: str, tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """The public functions, classes and methods, with whether each has a docstring."""
    yield name, ast.get_docstring(tree) is not None
    bodies: list[tuple[str, list[ast.stmt]]] = [("", tree.body)]
    for prefix, body in bodies:
        for node in body:
            if isinstance(node, (*Function.__args__, ast.ClassDef)) and not node.name.startswith("_"):
                yield f"{name}:{node.lineno} {prefix}{node.name}", ast.get_docstring(node) is not None
                if isinstance(node, ast.ClassDef):
                    bodies.append((f"{node.name}.", node.body))


def main() -> None:
    """Print the figures, or the places of one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", metavar="NAME", help="print the places of this figure")
    report, chosen = count(), parser.parse_args().list
    lines = report.places[chosen] if chosen else format_report(report)
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def format_report(report: Report) -> Iterator[str]:
    """One line for each figure."""
    places, sizes = report.places, sorted(report.functions)
    yield f"modules {report.modules}, lines {report.lines}"
    yield f"modules-ing {_share(places['modules-ing'], report.modules)}"
    yield f"participles {_share(places['participles'], len(sizes))}"
    yield f"shared-classes {_share(places['shared-classes'], report.classes)}"
    yield f"one-word-classes {_share(places['one-word-classes'], report.classes)}"
    yield f"functions p95 {statistics.quantiles(sizes, n=20)[-1]:.0f} lines, max {sizes[-1]}"
    yield f"broad-excepts {len(places['broad-excepts'])}"
    yield f"cycles {len(places['cycles'])}"
    yield f"undocumented {_share(places['undocumented'], report.public)}"


def _share(places: Sequence[str], total: int) -> str:
    return f"{len(places)} of {total} ({len(places) / total:.1%})"


if __name__ == "__main__":
    main()
