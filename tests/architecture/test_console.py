"""The console keeps its bounds: types of the API, packages that it ships, size, and no way to HTML strings."""

import json
import re
from pathlib import Path

import pytest

from tests.architecture.modules import load_script

console = load_script("console")

MAX_PACKAGES = 130
MAX_FIRST_LOAD = 170_000
MAX_SIGN_IN = 90_000
LATER = {"screen": 90_000, "Chart": 25_000, "highlight": 60_000, "MarkdownBlocks": 60_000}
"""Bytes of the terminal, of charts, of the colors of code and of Markdown."""
FORBIDDEN = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|rehype-raw|document\.write|\beval\(")
LICENSES = {"MIT", "ISC", "0BSD", "Unlicense", "BSD-3-Clause", "BSD-2-Clause", "Apache-2.0"}
SOURCES = [path for path in (console.CONSOLE / "src").rglob("*.ts*") if path != console.TYPES]


def shipped_packages() -> dict[str, dict[str, str]]:
    """The packages of the lock that are not only for the build."""
    packages = json.loads((console.CONSOLE / "package-lock.json").read_text("utf-8"))["packages"]
    return {name: package for name, package in packages.items() if name and not package.get("dev")}


def test_the_types_of_the_api_are_generated_from_its_description() -> None:
    assert console.find_difference() is None


def test_the_console_ships_few_packages_with_permissive_licenses() -> None:
    packages = shipped_packages()
    assert len(packages) <= MAX_PACKAGES
    assert {package["license"] for package in packages.values()} <= LICENSES


def test_the_lock_names_no_path_of_a_machine() -> None:
    for lock in (console.CONSOLE / "package-lock.json", console.CONSOLE / "schema/package-lock.json"):
        assert not re.search(r'"(?:file|link|/)[:/]', lock.read_text("utf-8"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(console.CONSOLE).as_posix())
def test_no_source_makes_html_from_text(path: Path) -> None:
    assert FORBIDDEN.findall(path.read_text("utf-8")) == []


def find_first(*names: str) -> set[Path]:
    """The files that the page of the sign-in loads, and the chunks of these names, which later pages load."""
    index = console.DIST / "index.html"
    if not index.is_file():
        pytest.skip("The console is not built: run make console.")
    found = {console.DIST / name for name in re.findall(r'"/(assets/[^"]+\.(?:js|css))"', index.read_text("utf-8"))}
    for name in names:
        chunks = {path for suffix in ("js", "css") for path in console.DIST.glob(f"assets/{name}-*.{suffix}")}
        assert chunks != set(), name
        found |= chunks
    return found


def measure(paths: set[Path]) -> dict[str, int]:
    """Bytes of files as gzip compresses them."""
    return {path.name: path.with_name(f"{path.name}.gz").stat().st_size for path in paths}


@pytest.mark.parametrize(
    ("chunks", "bound", "most_files"), [((), MAX_SIGN_IN, 5), (("shell",), MAX_FIRST_LOAD, 6)], ids=["sign-in", "start"]
)
def test_the_first_load_is_small(chunks: tuple[str, ...], bound: int, most_files: int) -> None:
    sizes = measure(find_first(*chunks))
    assert sum(sizes.values()) <= bound, sizes
    assert len(sizes) <= most_files, sizes


def test_a_conversation_loads_within_the_bound_of_the_first_load() -> None:
    sizes = measure(find_first("shell", "play", "SplitPage", "useRun", "uploads"))
    assert sum(sizes.values()) <= MAX_FIRST_LOAD, sizes


@pytest.mark.parametrize(("chunk", "bound"), LATER.items())
def test_what_few_pages_need_is_loaded_later(chunk: str, bound: int) -> None:
    sizes = measure(find_first(chunk) - find_first())
    assert 0 < sum(sizes.values()) <= bound, sizes
