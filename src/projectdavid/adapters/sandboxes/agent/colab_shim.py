"""The API of Google Colab that models use. Files in the folder of files reach the user without a download."""

import importlib.util
import shutil
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

_PACKAGES = ("google", "google.colab")
_PARTS = ("files", "drive", "output", "userdata", "data_table", "patches")


class _Finder(MetaPathFinder, Loader):
    """Creates the modules. It is the last finder, so other packages named `google` take precedence."""

    def __init__(self, root: str) -> None:
        self._root = Path(root)

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Find one of the modules."""
        del path, target
        is_part = fullname.startswith("google.colab.") and fullname.rpartition(".")[2] in _PARTS
        if fullname not in _PACKAGES and not is_part:
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=not is_part)

    def create_module(self, spec: ModuleSpec) -> None:
        """Use Python's default."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module."""
        contents: dict[str, dict[str, Any]] = {
            "google.colab.files": {"download": self._download, "upload": self._upload, "view": self._download},
            "google.colab.drive": {"mount": _refuse_drive, "flush_and_unmount": _nothing},
            "google.colab.userdata": {"get": _refuse_secret},
            "google.colab.output": {"clear": _nothing, "eval_js": _nothing},
            "google.colab.data_table": {"enable_dataframe_formatter": _nothing},
            "google.colab.patches": {"cv2_imshow": _nothing},
        }
        module.__dict__.update(contents.get(module.__name__, {}))
        if module.__name__ == "google.colab":
            for part in _PARTS:
                name = f"google.colab.{part}"
                __import__(name)
                module.__dict__[part] = sys.modules[name]

    def _download(self, filename: str) -> None:
        """Pass a file to the user, as `files.download` of Colab does."""
        path = Path(filename)
        if not path.is_file():
            raise FileNotFoundError(f"Cannot find file: {filename}")
        if not path.resolve().is_relative_to(self._root.resolve()):
            shutil.copyfile(path, self._root / path.name)
        print(f"[{path.name} is passed to the user with this call: files in {self._root} need no download.]")

    def _upload(self, *_args: object, **_options: object) -> NoReturn:
        found = ", ".join(sorted(path.name for path in self._root.iterdir() if path.is_file())) or "none"
        raise RuntimeError(f"The user cannot upload to code that runs. Files of the user are in {self._root}: {found}.")


def install(root: str) -> None:
    """Let the code import `google.colab`; `root` is the folder of files."""
    sys.meta_path.append(_Finder(root))


def _refuse_drive(*_args: object, **_options: object) -> NoReturn:
    raise RuntimeError("There is no Google Drive here. Read and write files in the working directory.")


def _refuse_secret(name: str) -> NoReturn:
    raise RuntimeError(f"There are no secrets here, and no network to use {name!r} with.")


def _nothing(*_args: object, **_options: object) -> None:
    """Do nothing."""
