"""Representations of a value in several types, from its `_repr_*_` methods."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from .frames import BODY
from .plain_text import says_nothing, text_of
from .tracebacks import shorten

LONGEST = 64 << 10
"""Characters of a plain-text representation."""
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
"""A value in several types."""


def bundle_of(value: object) -> Bundle:
    """Return the representations of a value; `text/plain` is always included.

    Raises:
        BaseException: anything that `repr(value)` raises.
    """
    found: Bundle = {"text/plain": shorten(repr(value), LONGEST).encode("utf-8", "replace")}
    if isinstance(value, type):
        return found
    whole = _call_method(value, "_repr_mimebundle_")
    if isinstance(whole, tuple):
        whole = whole[0]
    if isinstance(whole, dict):
        found |= {name: data for name, one in whole.items() if (data := _bytes(str(name), one)) is not None}
    for method, name in _METHODS.items():
        if name not in found and (data := _bytes(name, _call_method(value, method))) is not None:
            found[name] = data
    if says_nothing(value) and (text := text_of(value, found)) is not None:
        found["text/plain"] = shorten(text.decode("utf-8", "replace"), LONGEST).encode("utf-8", "replace")
    return fitting(found)


def raw_bundle(types: Mapping[Any, object]) -> Bundle:
    """Return a bundle that the code built itself, without parts that cannot be sent."""
    found = {str(name): data for name, one in types.items() if (data := _bytes(str(name), one)) is not None}
    return fitting({"text/plain": b"", **found})


def fitting(bundle: Bundle) -> Bundle:
    """Return a bundle within the size limit: the largest types are replaced by a note."""
    bundle = dict(bundle)
    while sum(map(len, bundle.values())) > BODY - LONGEST:
        name = max(bundle, key=lambda one: len(bundle[one]))
        size = len(bundle.pop(name))
        note = f"[{name} of {size} bytes omitted: it is too large to display. Save it to a file.]"
        bundle["text/plain"] = bundle.get("text/plain", b"") + b"\n" + note.encode()
    return bundle


def _call_method(value: object, method: str) -> object:
    # A value whose representation fails is shown as text; Ctrl-C passes through.
    try:
        call = getattr(value, method, None)
        return call() if callable(call) else None
    except Exception:  # noqa: BLE001
        return None


def _bytes(name: str, data: object) -> bytes | None:
    """Return the data of one type; images are bytes or base64."""
    if isinstance(data, tuple):  # a tuple with metadata
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
