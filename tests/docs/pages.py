"""The pages, and what stands in them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEED = ROOT.parent / "shared" / "seed" / "assistants.md"
GUIDES = sorted((ROOT / "docs").glob("*.md"))
EXAMPLES = [ROOT / "README.md", *GUIDES]
ALL = [*EXAMPLES, ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]

_BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """Something between fences; `mark` is the word behind the language, such as `printed`."""

    page: Path
    line: int
    language: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def read(path: Path) -> str:
    return path.read_text("utf-8")


def blocks(path: Path) -> list[Block]:
    text = read(path)
    return [
        Block(path, text.count("\n", 0, found.start()) + 2, found[1], found[2] or "", found[3])
        for found in _BLOCK.finditer(text)
    ]


def prose(path: Path) -> str:
    """A page without its blocks."""
    return _BLOCK.sub("", read(path))


def section(path: Path, title: str) -> str:
    """What stands under a heading, up to the next heading of its rank or a higher one."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,2}} |\Z)", read(path), re.MULTILINE | re.DOTALL)
    assert found, f"{path.name} has no section {title}"
    return found[2]


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in a text, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines]
    rules = [number for number, row in enumerate(cells) if set("".join(row)) <= set("-: ")]
    return [row for number, row in enumerate(cells) if number not in rules and number + 1 not in rules]


def named(text: str) -> set[str]:
    """What the first cells of the tables in a text name."""
    return {name for row in rows(text) for name in re.findall(r"`([^`]+)`", row[0])}
