"""Draw sentences at random from docstrings, comments, messages and docs: a sample of the project's language.

`python scripts/sentences.py SEED COUNT` prints COUNT sentences with their places; a seed draws the same
ones from the same texts. The generated half of the SDK (`client/_sync`) is left out.
"""

import argparse
import ast
import io
import random
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GENERATED = ROOT / "src" / "projectdavid" / "client" / "_sync"

_FENCE = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
_PRAGMA = re.compile(r"#\s*(noqa|type:|pyright|ruff|fmt|!)")
_CODE = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|UNION|import|def)\b|\(\?[P:=!<]|[\\{}]{2}|</")
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`'\"(])|\n\s*\n|\s*\n(?=\s*(?:[#|*-]|[\w, ]+: ))|\s+\|\s+|\b(?:Args|Raises):")
_WORD = re.compile(r"[A-Za-z]{2,}")


@dataclass(frozen=True, slots=True)
class Text:
    """A docstring, a block of comments, a string or a page, with the place of its first line."""

    place: str
    content: str


def list_texts() -> Iterator[Text]:
    """Yield the texts of the package, the README and the docs."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        if GENERATED not in path.parents:
            yield from _python_texts(path)
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        page = _FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), path.read_text("utf-8"))
        for paragraph in re.finditer(r"(?:.+\n?)+", page):
            number = page.count("\n", 0, paragraph.start()) + 1
            yield Text(f"{path.relative_to(ROOT).as_posix()}:{number}", paragraph[0])


def split_sentences(text: str) -> list[str]:
    """Split a text into sentences of at least four words, each on one line."""
    found = (" ".join(part.strip("|*# ").split()) for part in _END.split(text))
    return [sentence for sentence in found if len(_WORD.findall(sentence)) > 3 and not _CODE.search(sentence)]


def _python_texts(path: Path) -> Iterator[Text]:
    name, source = path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
    yield from _comments(name, source)
    joined: set[ast.AST] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "{...}" for part in node.values]
            joined.update(node.values)
            yield Text(f"{name}:{node.lineno}", "".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in joined:
            yield Text(f"{name}:{node.lineno}", node.value)


def _comments(name: str, source: str) -> Iterator[Text]:
    """Yield the comments, consecutive lines together."""
    start, last, lines = 0, 0, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or _PRAGMA.match(token.string):
            continue
        if token.start[0] != last + 1 and lines:
            yield Text(f"{name}:{start}", " ".join(lines))
            lines = []
        start, last = start if lines else token.start[0], token.start[0]
        lines.append(token.string.lstrip("# "))
    if lines:
        yield Text(f"{name}:{start}", " ".join(lines))


def main() -> None:
    """Print a sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int)
    chosen = parser.parse_args()
    sentences = sorted({(text.place, one) for text in list_texts() for one in split_sentences(text.content)})
    sample = random.Random(chosen.seed).sample(sentences, chosen.count)  # noqa: S311 - no secret depends on it
    sys.stdout.write("".join(f"{place}  {sentence}\n" for place, sentence in sample))


if __name__ == "__main__":
    main()
