"""Shapes of a slide and their positions, including those inherited from the layout and the master."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from projectdavid.adapters.documents.reader.archives import ZipArchive

A: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
P: Final = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_SHAPES: Final = frozenset(f"{P}{name}" for name in ("sp", "pic", "graphicFrame", "cxnSp", "contentPart"))
_GROUP: Final = f"{P}grpSp"
_CHOICE: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_Place = tuple[int, int, int, int]
"""Left, top, width and height, in units of 1/914400 inch."""


@dataclass(frozen=True, slots=True)
class SlideShape:
    """An element of a slide and its position; None if it has none."""

    element: Any
    place: _Place | None


def shapes(archive: ZipArchive, slide: str) -> list[SlideShape]:
    """Return the shapes of a slide, with groups flattened."""
    inherited = _inherited_places(archive, slide)
    tree = archive.tree(slide).find(f"{P}cSld/{P}spTree")
    return list(_walk(tree, inherited, None)) if tree is not None else []


def sort_shapes(found: Iterable[SlideShape]) -> list[SlideShape]:
    """Sort shapes in reading order: rows from top to bottom, each from left to right.

    Two shapes share a row if the middle of either is within the height of the other. Shapes without a position stay
    after the one before them.
    """
    rows: list[list[tuple[_Place, list[SlideShape]]]] = []
    homeless: list[SlideShape] = []
    placed: list[tuple[_Place, list[SlideShape]]] = []
    for shape in found:
        if shape.place is not None:
            placed.append((shape.place, [shape]))
        elif placed:
            placed[-1][1].append(shape)
        else:
            homeless.append(shape)
    for one in sorted(placed, key=lambda pair: (pair[0][1], pair[0][0])):
        if rows and _is_beside(rows[-1][0][0], one[0]):
            rows[-1].append(one)
        else:
            rows.append([one])
    in_rows = (pair for row in rows for pair in sorted(row, key=lambda pair: pair[0][0]))
    return [*homeless, *(shape for _, group in in_rows for shape in group)]


def placeholder(element: Any) -> str | None:
    """Return the type of a placeholder; None for other shapes."""
    found = element.find(f"{P}nvSpPr/{P}nvPr/{P}ph")
    return None if found is None else found.get("type", "body")


def _is_beside(one: _Place, other: _Place) -> bool:
    return one[1] <= other[1] + other[3] // 2 <= one[1] + one[3] and other[1] <= one[1] + one[3] // 2


def _walk(tree: Any, inherited: dict[tuple[str, str], _Place], group: _Place | None) -> Iterator[SlideShape]:
    for element in tree:
        if element.tag == _GROUP:
            yield from _walk(element, inherited, group or _place(element.find(f"{P}grpSpPr/{A}xfrm")))
        elif element.tag == _CHOICE:
            for choice in element:
                yield from _walk(choice, inherited, group)
                break
        elif element.tag in _SHAPES:
            own = _place(element.find(f"{P}spPr/{A}xfrm")) or _place(element.find(f"{P}xfrm"))
            yield SlideShape(element, group or own or inherited.get(_key(element)))


def _key(element: Any) -> tuple[str, str]:
    found = element.find(f"{P}nvSpPr/{P}nvPr/{P}ph")
    return ("", "") if found is None else (found.get("type", "body"), found.get("idx", ""))


def _inherited_places(archive: ZipArchive, slide: str) -> dict[tuple[str, str], _Place]:
    """Return the positions of placeholders in the master and layout of a slide, by type and index."""
    places: dict[tuple[str, str], _Place] = {}
    layouts = archive.find_related(slide, "slideLayout")[:1]
    masters = [name for layout in layouts for name in archive.find_related(layout, "slideMaster")[:1]]
    for name in [*masters, *layouts]:
        tree = archive.tree(name)
        for element in () if tree is None else tree.iter(f"{P}sp"):
            place = _place(element.find(f"{P}spPr/{A}xfrm"))
            if place is not None and placeholder(element) is not None:
                kind, index = _key(element)
                places[kind, index] = places[kind, ""] = places["body", index] = place
    return places


def _place(transform: Any) -> _Place | None:
    if transform is None:
        return None
    offset, extent = transform.find(f"{A}off"), transform.find(f"{A}ext")
    if offset is None or extent is None:
        return None
    try:
        left, top = int(offset.get("x", "")), int(offset.get("y", ""))
        return left, top, int(extent.get("cx", "")), int(extent.get("cy", ""))
    except ValueError:
        return None
