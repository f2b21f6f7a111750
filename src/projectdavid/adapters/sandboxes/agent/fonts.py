"""Fallback fonts for letters that matplotlib's default font lacks: from the system or from font packages."""

import dataclasses
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PACKAGES = ("noto_cjk_sans_jp_regular", "manimgx_fonts")
"""Packages that contain folders of fonts."""
_SUFFIXES = (".ttf", ".otf", ".ttc")
_CJK = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK TC", "Noto Sans CJK KR", "Source Han Sans SC"),
    *("Noto Sans SC", "Noto Sans JP", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback", "IPAexGothic"),
)
"""Font families with Chinese, Japanese or Korean letters; the first two installed ones are used."""
_EMOJI = ("Noto Emoji", "Symbola", "OpenMoji Black")
_CJK_NAMES = (
    *("SimHei", "SimSun", "Microsoft YaHei", "FangSong", "KaiTi", "PingFang SC", "Heiti SC", "Heiti TC", "STHeiti"),
    *("Hiragino Sans", "Hiragino Sans GB", "Yu Gothic", "Meiryo", "MS Gothic", "Malgun Gothic", "NanumGothic"),
    *(
        "AppleGothic",
        "Arial Unicode MS",
        "Noto Sans CJK SC",
        "Noto Sans SC",
        "Source Han Sans CN",
        "Source Han Sans SC",
    ),
    *("WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "IPAexGothic", "TakaoGothic"),
)
"""Common fonts of other systems; if they are missing, the installed one replaces them."""


def use_fonts(font_manager: Any) -> None:
    """Let every text fall back to the installed fonts, whatever font the code selects."""
    manager = font_manager.fontManager
    if getattr(manager, "has_fallbacks", False):
        return
    manager.has_fallbacks = True
    for path in _packaged_fonts():
        manager.addfont(str(path))
    by_name = {entry.name: entry for entry in manager.ttflist if entry.style == "normal" and _is_regular(entry.weight)}
    cjk = [by_name[name] for name in _CJK if name in by_name][:2]
    emoji = [by_name[name] for name in _EMOJI if name in by_name][:1]
    others = [entry for name, entry in sorted(by_name.items()) if name.startswith("Noto Sans ") and entry not in cjk]
    paths = list(dict.fromkeys(entry.fname for entry in (*cjk, *emoji, *others)))
    if cjk:
        new = (name for name in _CJK_NAMES if name not in by_name)
        manager.ttflist.extend(dataclasses.replace(cjk[0], name=name) for name in new)
    find = manager._find_fonts_by_props

    def find_with_fallbacks(prop: Any, fontext: str = "ttf", *args: Any, **options: Any) -> list[Any]:
        found = find(prop, fontext, *args, **options)
        return [*found, *(path for path in paths if path not in found)] if fontext == "ttf" else found

    manager._find_fonts_by_props = find_with_fallbacks


def close_fonts(font_manager: Any) -> None:
    """Close the font files that matplotlib keeps open: after a fork it would close these numbers, whatever they are."""
    for value in vars(font_manager).values():
        if callable(clear := getattr(value, "cache_clear", None)):
            clear()


def _packaged_fonts() -> Iterator[Path]:
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
            yield from sorted(path for path in Path(folder).iterdir() if path.suffix in _SUFFIXES)


def _is_regular(weight: object) -> bool:
    return weight in ("normal", "regular", "book") or (isinstance(weight, int) and 300 <= weight <= 500)
