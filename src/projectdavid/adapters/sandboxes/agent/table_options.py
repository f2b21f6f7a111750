"""Pandas options that show models complete tables: there is no terminal whose width would cut them."""

import warnings
from typing import Any

_OPTIONS = {
    "display.width": 100_000,
    "display.max_columns": 200,
    "display.max_colwidth": 300,
    "display.max_rows": 500,
    "display.min_rows": 60,
}
"""Rows and columns beyond these are omitted in the middle, as pandas does."""


def set_table_options(pandas: Any) -> None:
    """Set the options once, after the import; the code can change them."""
    for name, value in _OPTIONS.items():
        pandas.set_option(name, value)
    if (planned := getattr(pandas.errors, "Pandas4Warning", None)) is not None:
        warnings.filterwarnings("ignore", category=planned)  # the installed version does not change
