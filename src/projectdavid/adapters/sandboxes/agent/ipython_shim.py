"""The API of IPython that models use, if IPython is not installed: `IPython.display`, `get_ipython()`."""

import builtins
import importlib.util
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from .magics import MagicRunner
from .tracebacks import is_own

_PACKAGES = ("IPython", "IPython.core")
_MODULES = (*_PACKAGES, "IPython.display", "IPython.core.display", "IPython.core.interactiveshell", "nest_asyncio")
_PICTURES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}


class DisplayObject:
    """An object that is displayed as one type; as text it is its data."""

    kind = "text/plain"

    def __init__(self, data: Any = None, url: str | None = None, filename: Any = None, **options: Any) -> None:
        del options
        self.data = data if data is not None else url or ""
        if filename is not None:
            self.data = self._read(Path(filename))

    def __repr__(self) -> str:
        return str(self.data)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        del include, exclude
        return {} if self.kind == "text/plain" else {self.kind: self.data}

    def _read(self, path: Path) -> Any:
        return path.read_text("utf-8")


class HTML(DisplayObject):
    """HTML content."""

    kind = "text/html"


class Markdown(DisplayObject):
    """Markdown text."""

    kind = "text/markdown"


class Latex(DisplayObject):
    """Text with LaTeX formulas."""

    kind = "text/latex"


class SVG(DisplayObject):
    """An SVG drawing."""

    kind = "image/svg+xml"

    def __init__(self, data: Any = None, url: str | None = None, filename: Any = None, **options: Any) -> None:
        if isinstance(data, str | Path) and str(data).endswith(".svg"):
            data, filename = None, data
        super().__init__(data, url, filename, **options)


class JSON(DisplayObject):
    """Data as JSON."""

    kind = "application/json"

    def __repr__(self) -> str:
        return json.dumps(self.data, indent=2, default=str)


class Image(DisplayObject):
    """An image, as bytes or from a file."""

    def __init__(self, data: Any = None, url: str | None = None, filename: Any = None, **options: Any) -> None:
        if isinstance(data, str | Path):
            data, filename = None, data
        super().__init__(data, url, filename, **options)
        head = self.data if isinstance(self.data, bytes) else b""
        self.kind = next((kind for start, kind in _PICTURES.items() if head.startswith(start)), "text/plain")

    def __repr__(self) -> str:
        return f"<image of {len(self.data)} bytes>" if isinstance(self.data, bytes) else str(self.data)

    def _read(self, path: Path) -> bytes:
        return path.read_bytes()


class InteractiveShell:
    """The object that `get_ipython()` returns."""

    ast_node_interactivity = "last_expr"

    def __init__(self, magics: MagicRunner, names: dict[str, Any]) -> None:
        self._magics = magics
        self.user_ns = self.user_global_ns = names
        self.config: Mapping[str, Any] = {}
        self.system = self.system_piped = self.system_raw = magics.system
        self.getoutput = magics.getoutput

    def run_line_magic(self, magic_name: str, line: str = "", _stack_depth: int = 1) -> Any:
        """Run a line magic."""
        return self._magics.line(magic_name, line)

    def run_cell_magic(self, magic_name: str, line: str, cell: str) -> Any:
        """Run a cell magic."""
        return self._magics.cell(magic_name, line, cell)

    def magic(self, arg_s: str) -> Any:
        """Run a line magic with its arguments."""
        name, _, rest = arg_s.lstrip("%").partition(" ")
        return self._magics.line(name, rest)

    def run_cell(self, raw_cell: str, **options: Any) -> None:
        """Run code."""
        del options
        exec(raw_cell, self.user_ns)  # noqa: S102 - it is the code's own

    ex = run_cell

    def ev(self, expr: str) -> Any:
        """Return the value of an expression."""
        return eval(expr, self.user_ns)  # noqa: S307 - it is the code's own


class _Finder(MetaPathFinder, Loader):
    """Creates the modules. It is the last finder, so an installed IPython takes precedence."""

    def __init__(self, display: Callable[..., None], get_ipython: Callable[[], Any]) -> None:
        texts: dict[str, Any] = dict.fromkeys(
            ("DisplayObject", "TextDisplayObject", "Pretty", "Code", "Javascript"), DisplayObject
        )
        texts |= dict.fromkeys(("IFrame", "Audio", "Video", "FileLink", "FileLinks", "YouTubeVideo"), DisplayObject)
        names = ("clear_output", "set_matplotlib_formats", "update_display", "publish_display_data")
        shown = texts | dict.fromkeys(names, _nothing)
        shown |= {one.__name__: one for one in (HTML, Markdown, Latex, SVG, JSON, Image)}
        shown |= {"Math": Latex, "GeoJSON": JSON, "display": display}
        shown |= dict.fromkeys(("display_html", "display_markdown", "display_png", "display_svg"), display)
        self._contents: dict[str, dict[str, Any]] = {
            "IPython": {"get_ipython": get_ipython, "version_info": (9, 0, 0, ""), "__version__": "9.0.0"},
            "IPython.core": {},
            "IPython.display": shown,
            "IPython.core.display": shown,
            "IPython.core.interactiveshell": {"InteractiveShell": InteractiveShell},
            "nest_asyncio": {"apply": _nothing},  # not needed here
        }

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Find one of the modules."""
        del path, target
        if fullname not in _MODULES:
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=fullname in _PACKAGES)

    def create_module(self, spec: ModuleSpec) -> None:
        """Use Python's default."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module."""
        module.__dict__.update(self._contents[module.__name__])


def install(magics: MagicRunner, names: dict[str, Any], display: Callable[..., None], root: str) -> None:
    """Let the code import IPython, and call `get_ipython()`.

    For libraries, which are not below `root`, `get_ipython()` returns None: they would otherwise detect a notebook and
    talk to its kernel.
    """
    shell = InteractiveShell(magics, names)

    def get_ipython() -> InteractiveShell | None:
        frame = inspect.currentframe()
        caller = frame.f_back if frame is not None else None
        return shell if caller is not None and is_own(caller.f_code.co_filename, root) else None

    builtins.get_ipython = get_ipython  # type: ignore[attr-defined]
    sys.meta_path.append(_Finder(display, get_ipython))


def _nothing(*_args: object, **_options: object) -> None:
    """Do nothing."""
