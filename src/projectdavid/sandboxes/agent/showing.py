"""What a value looks like: the same thing as several types, from its `_repr_*_` methods; and the open figures."""

import base64
import io
import json
import sys
from collections.abc import Callable
from typing import Any

from .frames import BODY
from .tracing import shortened

LONGEST = 64 << 10
"""Characters of a plain representation."""
_METHODS = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_latex_": "text/latex",
    "_repr_json_": "application/json",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
    "_repr_pdf_": "application/pdf",
}
Bundle = dict[str, bytes]
"""The same thing as several types."""


def bundle_of(value: object) -> Bundle:
    """A value as what it can be shown as; `text/plain` is always among it.

    Raises:
        BaseException: what `repr(value)` raises.
    """
    found: Bundle = {"text/plain": shortened(repr(value), LONGEST).encode("utf-8", "replace")}
    if isinstance(value, type):
        return found
    if is_figure(value):
        return found | {"image/png": _drawn(value)}
    whole = _asked(value, "_repr_mimebundle_")
    if isinstance(whole, tuple):
        whole = whole[0]
    if isinstance(whole, dict):
        found |= {name: data for name, one in whole.items() if (data := _bytes(str(name), one)) is not None}
    for method, name in _METHODS.items():
        if name not in found and (data := _bytes(name, _asked(value, method))) is not None:
            found[name] = data
    return fitting(found)


def fitting(bundle: Bundle) -> Bundle:
    """A bundle as it may travel: the largest types are left out, and that is said, if it is too large."""
    bundle = dict(bundle)
    while sum(map(len, bundle.values())) > BODY - LONGEST:
        name = max(bundle, key=lambda one: len(bundle[one]))
        size = len(bundle.pop(name))
        note = f"[{name} of {size} bytes left out: it is too large to be shown. Save it to a file.]"
        bundle["text/plain"] = bundle.get("text/plain", b"") + b"\n" + note.encode()
    return bundle


def is_figure(value: object) -> bool:
    """Whether it is a figure of matplotlib."""
    module = sys.modules.get("matplotlib.figure")
    return module is not None and isinstance(value, module.Figure)


class Figures:
    """The figures that pyplot holds open: shown when `show()` is called, or else at the end of the run, then closed."""

    def __init__(self, show: Callable[[Bundle], None]) -> None:
        self._show = show
        self._shown: set[int] = set()

    def patch(self) -> None:
        """Let `pyplot.show()` show; there is no window that it could open."""
        if (pyplot := _pyplot()) is not None:
            pyplot.show = lambda *_args, **_options: self.flush()

    def shown(self, value: object) -> None:
        """This one has been shown: not again at the end."""
        self._shown.add(id(value))

    def flush(self) -> None:
        """Show what is open, and close it."""
        pyplot = _pyplot()
        if pyplot is None:
            return
        for number in pyplot.get_fignums():
            figure = pyplot.figure(number)
            if id(figure) not in self._shown:
                self._show(fitting({"text/plain": repr(figure).encode(), "image/png": _drawn(figure)}))
        pyplot.close("all")
        self._shown.clear()


def _pyplot() -> Any:
    return sys.modules.get("matplotlib.pyplot")


def _drawn(figure: Any) -> bytes:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", bbox_inches="tight")
    return picture.getvalue()


def _asked(value: object, method: str) -> object:
    # A value that fails to be drawn is shown as text; Ctrl-C goes through.
    try:
        call = getattr(value, method, None)
        return call() if callable(call) else None
    except Exception:  # noqa: BLE001
        return None


def _bytes(name: str, data: object) -> bytes | None:
    """The data of one type; pictures come as bytes or in base64."""
    if isinstance(data, tuple):  # with metadata
        data = data[0] if data else None
    if isinstance(data, bytes):
        return data
    if isinstance(data, str):
        if name.startswith("image/") and name != "image/svg+xml":
            try:
                return base64.b64decode(data)
            except ValueError:
                return None
        return data.encode("utf-8", "replace")
    if data is not None and name.endswith("json"):
        try:
            return json.dumps(data).encode()
        except (TypeError, ValueError, RecursionError):
            return None
    return None
