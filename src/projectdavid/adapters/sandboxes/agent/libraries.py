"""The installed libraries with their versions, as the interpreter reports them."""

import importlib.metadata
import re
from collections.abc import Iterator

MOST = 80
"""Maximum number of libraries in the list."""
_WELL_KNOWN = (
    *(
        "numpy",
        "pandas",
        "matplotlib",
        "scipy",
        "scikit-learn",
        "seaborn",
        "plotly",
        "statsmodels",
        "sympy",
        "networkx",
    ),
    *("pyarrow", "polars", "duckdb", "openpyxl", "xlsxwriter", "xlrd", "python-calamine", "python-docx", "python-pptx"),
    *("pypdf", "pypdfium2", "pdfplumber", "reportlab", "pillow", "opencv-python-headless", "opencv-python"),
    *("beautifulsoup4", "lxml", "requests", "jinja2", "tabulate", "pyyaml", "sqlalchemy", "nltk", "spacy"),
    *("torch", "tensorflow", "xgboost", "lightgbm", "transformers", "geopandas", "shapely", "numba", "tqdm"),
)
"""Listed first, in this order, even if they are dependencies of other libraries."""
_NOT_FOR_CODE = frozenset(
    {"pip", "setuptools", "wheel", "uv", "projectdavid", "noto-cjk-sans-jp-regular", "manimgx-fonts"}
)


def installed_libraries() -> dict[str, str]:
    """Return the most relevant libraries with their versions: well-known ones, and those that are not dependencies."""
    versions: dict[str, str] = {}
    needed: set[str] = set()
    for one in importlib.metadata.distributions():
        name, version = one.metadata["Name"], one.metadata["Version"]
        if name and version:
            versions[_normalize(name)] = version
            needed.update(_required_names(one.requires or ()))
    known = [name for name in _WELL_KNOWN if name in versions]
    others = sorted(name for name in versions if name not in needed and name not in _NOT_FOR_CODE and name not in known)
    return {name: versions[name] for name in (known + others)[:MOST]}


def _required_names(requirements: Iterator[str] | list[str] | tuple[str, ...]) -> Iterator[str]:
    for requirement in requirements:
        if "extra ==" not in requirement and (found := re.match(r"[A-Za-z0-9._-]+", requirement)):
            yield _normalize(found[0])


def _normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
