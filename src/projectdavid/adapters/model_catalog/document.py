"""The file format of the catalog."""

import msgspec

from projectdavid.ports.catalog import CatalogEntry


class ProviderRecord(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One provider: the hosts of its API, and its models by name.

    `vendor` marks a provider that develops its models: its data, except prices, also applies at other providers.
    """

    hosts: tuple[str, ...] = ()
    vendor: bool = False
    models: dict[str, CatalogEntry] = {}


class CatalogDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A catalog file; `date` is the day of the data."""

    date: str
    source: str
    license: str
    providers: dict[str, ProviderRecord]
