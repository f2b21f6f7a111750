"""The model catalog, shipped with the package: windows, limits, prices and capabilities published by vendors.

The data is from models.dev (MIT); the file contains its date, source and license. Nothing here uses the network.
"""

from projectdavid.adapters.model_catalog.document import CatalogDocument, ProviderRecord
from projectdavid.adapters.model_catalog.files import CatalogError, read_catalog, write_catalog
from projectdavid.adapters.model_catalog.lookup import ModelCatalog, ProviderCatalog

__all__ = [
    "CatalogDocument",
    "CatalogError",
    "ModelCatalog",
    "ProviderCatalog",
    "ProviderRecord",
    "read_catalog",
    "write_catalog",
]
