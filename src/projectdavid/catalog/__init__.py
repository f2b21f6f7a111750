"""The model catalog: windows, limits, prices and capabilities that vendors publish, shipped with the package.

The data come from models.dev (MIT); the file holds their date, source and license. Nothing here uses the network.
"""

from projectdavid.catalog.document import CatalogDocument, ProviderRecord
from projectdavid.catalog.files import CatalogError, read_catalog, write_catalog
from projectdavid.catalog.lookup import ModelCatalog, ProviderCatalog

__all__ = [
    "CatalogDocument",
    "CatalogError",
    "ModelCatalog",
    "ProviderCatalog",
    "ProviderRecord",
    "read_catalog",
    "write_catalog",
]
