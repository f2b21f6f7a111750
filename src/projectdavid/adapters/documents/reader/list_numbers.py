"""Numbers of lists and headings in Word documents, which the format does not store."""

from typing import Any, Final

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
LEVELS: Final = 9
_ROMAN: Final = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)


class _Level:
    """The number format of one level: `text` is a pattern such as `%1.%2.`."""

    def __init__(self, element: Any) -> None:
        self.start = _number(_value(element, "start"), 1)
        self.format = _value(element, "numFmt") or "decimal"
        self.text = _value(element, "lvlText")
        self.style = _value(element, "pStyle")


class ListNumbers:
    """Counts the paragraphs of one document."""

    def __init__(self, numbering: Any, styles: Any) -> None:
        self._lists = _lists(numbering)
        self._of_style = _of_styles(styles)
        self._counts: dict[str, list[int]] = {}

    def next(self, properties: Any, style: str) -> str:
        """Return the number of the next paragraph with these properties and style, followed by a space; empty without
        one.
        """
        listed = properties.find(f"{_W}numPr")
        name, depth = self._of_style.get(style, ("", 0))
        if listed is not None:
            name = _value(listed, "numId") or name
            depth = _number(_value(listed, "ilvl"), depth)
        levels = self._lists.get(name)
        if levels is None or not 0 <= depth < LEVELS:
            return ""
        if listed is None:
            depth = next((at for at, level in levels.items() if level.style and level.style == style), depth)
        counts = self._counts.setdefault(name, [0] * LEVELS)
        counts[depth] = counts[depth] + 1 if counts[depth] else _start(levels, depth)
        counts[depth + 1 :] = [0] * (LEVELS - depth - 1)
        return _label(levels, counts, depth)


def _label(levels: dict[int, _Level], counts: list[int], depth: int) -> str:
    level = levels.get(depth)
    if level is None or level.format == "none" or not level.text:
        return ""
    if level.format == "bullet":
        return "- "
    text = level.text
    for number in range(depth + 1):
        form = levels[number].format if number in levels else "decimal"
        text = text.replace(f"%{number + 1}", render_number(counts[number] or _start(levels, number), form))
    return f"{text} "


def _start(levels: dict[int, _Level], depth: int) -> int:
    return levels[depth].start if depth in levels else 1


def render_number(number: int, form: str) -> str:
    """Render a number in a Word format, such as `lowerRoman`."""
    match form:
        case "lowerLetter" | "upperLetter":
            text = chr(97 + (number - 1) % 26) * min((number - 1) // 26 + 1, 9) if number > 0 else "0"
        case "lowerRoman" | "upperRoman":
            text = _roman(number)
        case "decimalZero":
            text = f"{number:02}"
        case _:
            text = str(number)
    return text.upper() if form.startswith("upper") else text


def _roman(number: int) -> str:
    if not 0 < number < 4000:
        return str(number)
    text = ""
    for value, letters in _ROMAN:
        count, number = divmod(number, value)
        text += letters * count
    return text


def _lists(numbering: Any) -> dict[str, dict[int, _Level]]:
    """Return the levels of each list by id."""
    if numbering is None:
        return {}
    abstract = {one.get(f"{_W}abstractNumId"): _levels(one) for one in numbering.iter(f"{_W}abstractNum")}
    lists: dict[str, dict[int, _Level]] = {}
    for one in numbering.iter(f"{_W}num"):
        levels = dict(abstract.get(_value(one, "abstractNumId"), {}))
        for changed in one.iter(f"{_W}lvlOverride"):
            levels.update(_levels(changed))
        lists[one.get(f"{_W}numId", "")] = levels
    return lists


def _levels(parent: Any) -> dict[int, _Level]:
    return {_number(one.get(f"{_W}ilvl"), 0): _Level(one) for one in parent.iter(f"{_W}lvl")}


def _of_styles(styles: Any) -> dict[str, tuple[str, int]]:
    """Return the list and the level of each numbered style."""
    found: dict[str, tuple[str, int]] = {}
    for style in () if styles is None else styles.iter(f"{_W}style"):
        listed = style.find(f"{_W}pPr/{_W}numPr")
        if listed is not None and (name := _value(listed, "numId")):
            found[style.get(f"{_W}styleId", "")] = name, _number(_value(listed, "ilvl"), 0)
    return found


def _number(text: str | None, usual: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 9 else usual


def _value(element: Any, name: str) -> str:
    found = element.find(f"{_W}{name}")
    return "" if found is None else found.get(f"{_W}val", "")
