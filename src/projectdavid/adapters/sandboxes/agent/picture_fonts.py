"""Fonts of other systems that code loads into Pillow by file: an installed one replaces them, with a note."""

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

_FAMILIES = {
    "DejaVuSans": (
        "arial|helvetica|verdana|tahoma|calibri|segoeui|liberationsans|roboto|opensans|freesans|trebuc|ubuntu"
    ),
    "DejaVuSerif": "times|timesnewroman|georgia|cambria|liberationserif|freeserif|garamond",
    "DejaVuSansMono": "cour|couriernew|courier|consola|consolas|liberationmono|freemono|menlo|monaco|lucon",
}
_CJK = re.compile(
    "simhei|simsun|simkai|msyh|msjh|msgothic|msmincho|meiryo|yugoth|malgun|gulim|batang|notosanscjk|pingfang"
)
_NAME = re.compile("|".join(f"(?P<{family}>{names})" for family, names in _FAMILIES.items()))
_REST = re.compile(
    r"(?:regular|normal|mt|new|[-_ .])*(?P<bold>bold|bd|b)?(?P<italic>italic|oblique|it|i)?(?:regular|mt|[-_ .])*"
)
_SLANT = {"DejaVuSerif": "Italic"}


def use_installed_fonts(image_font: Any) -> None:
    """Let `ImageFont.truetype` load a substitute for a missing font."""
    load = image_font.truetype
    told: set[str] = set()

    def truetype(font: Any = None, *args: Any, **options: Any) -> Any:
        try:
            return load(font, *args, **options)
        except OSError:
            path = _substitute(font) if isinstance(font, str | Path) else None
            if path is None:
                raise
        if str(font) not in told:
            told.add(str(font))
            print(f"[{font} is not installed: {path.stem} is used instead.]", file=sys.stderr)
        return load(str(path), *args, **options)

    image_font.truetype = truetype


def _substitute(font: str | Path) -> Path | None:
    """Return the file of the substitute of a well-known font; None for others."""
    stem = Path(font).stem.lower()
    if _CJK.match(stem):
        return _file("noto_cjk_sans_jp_regular", "*.[ot]t[fc]")
    found = _NAME.match(re.sub(r"[ _-]", "", stem))
    rest = _REST.fullmatch(re.sub(r"[ _-]", "", stem)[found.end() :]) if found else None
    if found is None or rest is None:
        return None
    family = str(found.lastgroup)
    style = ("Bold" if rest["bold"] else "") + (_SLANT.get(family, "Oblique") if rest["italic"] else "")
    return _file("matplotlib", f"mpl-data/fonts/ttf/{family}{'-' if style else ''}{style}.ttf")


def _file(package: str, pattern: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    folders = (spec.submodule_search_locations or ()) if spec is not None else ()
    return next((path for folder in folders for path in sorted(Path(folder).glob(pattern))), None)
