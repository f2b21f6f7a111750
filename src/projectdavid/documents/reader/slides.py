"""Presentations (pptx)."""

from collections.abc import Iterable, Iterator
from typing import IO, Any

import pptx

from projectdavid.documents.limits import Limits
from projectdavid.documents.reader.pages import Pages
from projectdavid.engine.documents import Document


def read(file: IO[bytes], _name: str, limits: Limits) -> Document:
    """Each slide a page: its title, its texts, its tables, and what its notes say.

    Raises:
        Refused: it is too long.
    """
    pages = Pages("pptx", limits)
    for slide in pptx.Presentation(file).slides:
        title = slide.shapes.title
        lines = [f"# {title.text_frame.text.strip()}", ""] if title is not None else []
        lines += _texts(shape for shape in slide.shapes if title is None or shape.shape_id != title.shape_id)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            notes = slide.notes_slide.notes_text_frame.text.strip()
            lines += ["", f"Notes: {notes}"] if notes else []
        pages.add("\n".join(lines))
    return pages.document()


def _texts(shapes: Iterable[Any]) -> Iterator[str]:
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _texts(shape.shapes)
        elif shape.has_text_frame and shape.text_frame.text.strip():
            yield shape.text_frame.text.replace("\v", "\n").strip()
            yield ""
        elif getattr(shape, "has_table", False):
            for row in shape.table.rows:
                yield " | ".join(" ".join(cell.text_frame.text.split()) for cell in row.cells)
            yield ""
