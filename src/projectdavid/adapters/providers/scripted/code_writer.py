"""Writes the code of the demo model: derives it from a question by rules, and computes nothing itself."""

import ast
import json
import re

_NAMES = ("sin", "cos", "tan", "exp", "log", "sqrt", "pi")
_FORMULA = re.compile(rf"(?:\d+(?:\.\d+)?|\b(?:x|{'|'.join(_NAMES)})\b|\*\*|[-+*/^()]|[ ])+")
_NUMBER = r"-?\d+(?:\.\d+)?|pi"
_RANGE = re.compile(rf"\bfrom ({_NUMBER}) to ({_NUMBER})")
_CSV = re.compile(r"[\w.-]+\.csv\b")
_QUOTED = re.compile(r"`([^`]+)`")
_NOTES = re.compile(r"\n\n(?:Files for the user:|\[).*", re.DOTALL)

_CURVE = """\
from numpy import {names}
from matplotlib import pyplot

x = linspace({start}, {end}, 1001)
y = {formula}
pyplot.plot(x, y)
pyplot.title({title})
pyplot.grid()
print(f"the area under {formula} from {start} to {end} is {{trapezoid(y, x):.4f}}")
"""
_TABLE = """\
import pandas
from matplotlib import pyplot

data = pandas.read_csv({name})
groups = data.select_dtypes(exclude="number").columns
table = data.groupby(groups[0]).sum(numeric_only=True) if len(groups) else data.describe()
table.to_csv({summary})
table.plot.bar(title={title})
pyplot.tight_layout()
table
"""
_WORDS = """\
# Nothing to compute here, so count the words.
words = {question}.split()
print(f"your message has {{len(words)}} words")
"""


def python_for(question: str) -> str:
    """Return Python code for a question about a CSV file, a curve, or a calculation."""
    if found := _CSV.search(question):
        name = found[0]
        return _TABLE.format(
            name=_to_literal(name),
            title=_to_literal(name),
            summary=_to_literal(f"{name.removesuffix('.csv')}_summary.csv"),
        )
    formula = _find_formula(question)
    if formula is None:
        return _WORDS.format(question=_to_literal(question))
    used = [name for name in _NAMES if re.search(rf"\b{name}\b", formula)]
    if not re.search(r"\bx\b", formula):
        return (f"from math import {', '.join(used)}\n\n" if used else "") + f"{formula}\n"
    limits = _RANGE.search(question)
    start, end = limits.groups() if limits else ("0", "10")
    used += {"linspace", "trapezoid"} | ({"pi"} & {start, end} - {*used})
    return _CURVE.format(
        names=", ".join(sorted(used)), start=start, end=end, formula=formula, title=_to_literal(formula)
    )


def commands_for(question: str) -> list[str]:
    """Return shell commands for a question: those between backticks, or `pwd` and `ls -l`."""
    return _QUOTED.findall(question) or ["pwd", "ls -l"]


def summarize_output(output: str) -> str:
    """Return what the code printed, without the list of files and the notes after it."""
    return _NOTES.sub("", output).strip()


def _find_formula(question: str) -> str | None:
    """Return the longest part of a text that can be computed."""
    parts = (found[0].strip().rstrip("+-*/^( ").replace("^", "**") for found in _FORMULA.finditer(question))
    return max(filter(_is_formula, parts), key=len, default=None)


def _is_formula(text: str) -> bool:
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    return any(isinstance(node, ast.BinOp | ast.Call) for node in ast.walk(tree))


def _to_literal(value: str) -> str:
    """Return a text as a Python literal."""
    return json.dumps(value, ensure_ascii=False)
