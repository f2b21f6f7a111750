"""Hints for models about a missing library: that it cannot be installed, and an alternative."""

import importlib.util

from .shell_commands import can_install

_ALTERNATIVES = {
    "reportlab": ("fpdf", "weasyprint", "pdfkit", "borb"),
    "pypdf": ("PyPDF2", "PyPDF3", "PyPDF4", "pikepdf"),
    "pypdfium2": ("fitz", "pymupdf", "pdfplumber", "pdfminer", "pdf2image", "camelot", "tabula"),
    "PIL": ("cv2", "imageio", "wand"),
    "scipy": ("skimage",),
    "pandas": ("polars", "duckdb", "dask", "modin", "vaex", "tables"),
    "requests": ("httpx", "aiohttp", "urllib3"),
    "sqlite3": ("sqlalchemy", "psycopg2", "pymysql", "pyodbc"),
    "zoneinfo": ("pytz",),
    "sklearn": ("xgboost", "lightgbm", "catboost", "torch", "tensorflow", "keras", "nltk", "spacy", "prophet"),
    "matplotlib": ("bokeh", "altair", "plotnine", "wordcloud", "folium", "geopandas", "pygal"),
    "openpyxl": ("xlwt", "xlwings", "pyexcel"),
    "docx": ("docx2txt", "docxtpl", "mammoth"),
}
_INSTEAD = {name: library for library, names in _ALTERNATIVES.items() for name in names}


def hint_for(error: BaseException) -> str:
    """Return a hint about a missing library; empty for other errors."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    name = error.name.partition(".")[0]
    if error.name != name and _is_there(name):
        return ""
    if can_install():
        return f"[{name} is not installed; `!pip install` can try to install it.]\n"
    instead = _INSTEAD.get(name, "")
    advice = f" {instead} is installed and has similar functions." if instead and _is_there(instead) else ""
    return f"[{name} is not installed, and nothing can be installed here.{advice}]\n"


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
