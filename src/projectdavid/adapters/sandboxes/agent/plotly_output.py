"""Plotly figures: saved for the user as interactive pages, because images of them need a browser."""

import importlib.util
import sys
from pathlib import Path
from typing import Any, NoReturn

_NO_IMAGE = (
    "plotly needs a browser to draw images, which is missing here. Use figure.write_html('name.html') for a"
    " page, or draw the image with matplotlib."
)


class PlotlyFigures:
    """Saves the figures that code displays.

    Args:
        root: the folder of files.
    """

    def __init__(self, root: str) -> None:
        self._root = Path(root)

    def adapt(self, plotly_io: Any) -> None:
        """Replace functions that would open a browser."""
        plotly_io.show = self._replace_show
        if importlib.util.find_spec("kaleido") is None:
            plotly_io.write_image = plotly_io.to_image = plotly_io.write_images = _refuse_image

    def _replace_show(self, figure: Any, *_args: Any, **_options: Any) -> None:
        self.show(figure)

    def show(self, figure: Any) -> str:
        """Save a figure as a page, print a note, and return its name."""
        number = 1
        while (path := self._root / f"plotly-{number}.html").exists():
            number += 1
        figure = figure if hasattr(figure, "write_html") else sys.modules["plotly.graph_objects"].Figure(figure)
        figure.write_html(str(path))
        print(f"[The interactive figure is the file {path.name}. For an image, draw it with matplotlib.]")
        return path.name


def is_plotly_figure(value: object) -> bool:
    """True if it is a figure of plotly."""
    module = sys.modules.get("plotly.basedatatypes")
    return module is not None and isinstance(value, module.BaseFigure)


def _refuse_image(*_args: object, **_options: object) -> NoReturn:
    raise RuntimeError(_NO_IMAGE)
