"""Descriptions of a function and its parameters, from a docstring in Google, NumPy or reST style."""

import re
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DocstringText:
    """The first paragraph, and the text of each parameter."""

    summary: str
    parameters: dict[str, str] = field(default_factory=dict[str, str])


def parse_docstring(docstring: str) -> DocstringText:
    """Parse a docstring that `inspect.getdoc` has dedented."""
    from docstring_parser import ParseError, parse  # few programs have function tools, and the import takes 30 ms

    try:
        parsed = parse(docstring)
    except ParseError:
        return DocstringText(_first_paragraph(docstring))
    parameters = {one.arg_name.lstrip("*"): " ".join((one.description or "").split()) for one in parsed.params}
    # Without parameters, the parser can mistake a text for a field, such as ":class:`Report` is returned.".
    text = parsed.description if parameters else docstring
    return DocstringText(_first_paragraph(text or ""), {name: text for name, text in parameters.items() if text})


def _first_paragraph(text: str) -> str:
    return " ".join(re.split(r"\n\s*\n", text.strip())[0].split())
