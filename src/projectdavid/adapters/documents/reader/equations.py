"""Equations of Office documents as text on one line, such as `x = (a + b)/(2)`."""

from typing import Any, Final

_M: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
MATH: Final = frozenset({f"{_M}oMath", f"{_M}oMathPara"})
_SKIPPED: Final = frozenset({"ctrlPr", "rPr"})


def equation(element: Any) -> str:
    """The text of an equation."""
    return " ".join(_text(element).replace("\u2061", " ").split())


def _text(element: Any) -> str:
    name = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
    if name in _SKIPPED or (name.endswith("Pr") and name != "oMathPara"):
        return ""
    match name:
        case "t":
            return element.text or ""
        case "f":
            return f"({_part(element, 'num')})/({_part(element, 'den')})"
        case "sSup":
            return f"{_part(element, 'e')}^{_group(element, 'sup')}"
        case "sSub":
            return f"{_part(element, 'e')}_{_group(element, 'sub')}"
        case "sSubSup":
            return f"{_part(element, 'e')}_{_group(element, 'sub')}^{_group(element, 'sup')}"
        case "rad":
            degree = _part(element, "deg")
            return f"{degree}√({_part(element, 'e')})"
        case "nary":
            limits = f"_{_group(element, 'sub')}^{_group(element, 'sup')}"
            return f"{_sign(element, 'naryPr', '∫')}{limits} {_part(element, 'e')}"
        case "d":
            first, last = _sign(element, "dPr", "(", "begChr"), _sign(element, "dPr", ")", "endChr")
            return f"{first}{', '.join(_text(one) for one in element.findall(f'{_M}e'))}{last}"
        case "mr":
            return ", ".join(_text(one) for one in element.findall(f"{_M}e")) + "; "
        case _:
            return "".join(_text(child) for child in element)


def _part(element: Any, name: str) -> str:
    found = element.find(f"{_M}{name}")
    return "" if found is None else "".join(_text(child) for child in found).strip()


def _group(element: Any, name: str) -> str:
    text = _part(element, name)
    return text if len(text) == 1 else f"({text})"


def _sign(element: Any, properties: str, usual: str, name: str = "chr") -> str:
    found = element.find(f"{_M}{properties}/{_M}{name}")
    return usual if found is None else found.get(f"{_M}val", usual)
