"""Find a model in the catalog: by the host that serves it and by its exact name, never by likeness."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from projectdavid.catalog.document import CatalogDocument, ProviderRecord
from projectdavid.catalog.files import read_catalog
from projectdavid.ports.catalog import CatalogEntry

SHIPPED = Path(__file__).parent / "models.json.gz"
_OF_PROFILE = {"gemini": "google"}
"""Providers of the catalog that have another name than the profile of their servers."""
_SELF_RUN = frozenset({"ollama", "vllm", "llamacpp", "lmstudio"})
"""Profiles of servers whose operator chose the window: what the maker of a model publishes does not hold there."""
_DATE = re.compile(r"[-@](?:\d{4}-\d{2}-\d{2}|\d{8})$")
_TAG = re.compile(r":[^:/]+$")


@cache
def load_shipped() -> CatalogDocument:
    """Read the catalog of the package, once."""
    return read_catalog(SHIPPED)


class ModelCatalog:
    """The shipped catalog, read when it is first needed, and files of the operator, of which the last wins."""

    def __init__(self, files: Sequence[CatalogDocument] = ()) -> None:
        self._files = files
        self._providers: Mapping[str, ProviderRecord] | None = None

    @property
    def providers(self) -> Mapping[str, ProviderRecord]:
        """All providers of all files."""
        if self._providers is None:
            merged = dict(load_shipped().providers)
            for file in self._files:
                for name, record in file.providers.items():
                    merged[name] = _merge(merged.get(name), record)
            self._providers = merged
        return self._providers

    def of_provider(self, base_url: str, profile: str) -> "ProviderCatalog":
        """The catalog as one configured provider sees it."""
        return ProviderCatalog(self, (urlsplit(base_url).hostname or "").lower(), profile)


@dataclass(frozen=True, slots=True)
class ProviderCatalog:
    """The models of the provider at a host. Prices are those of that host only."""

    catalog: ModelCatalog
    host: str
    profile: str

    def find(self, model: str) -> CatalogEntry | None:
        """Return the entry of a model: by its name, without a provider's prefix, without its date, without its tag.

        A tag can stand for another price (`:free`), so an entry found without it has none.
        """
        return _find(self, model)

    def records(self) -> Iterator[tuple[ProviderRecord, bool]]:
        """The providers to look in, and whether their prices hold."""
        providers = self.catalog.providers
        here = [one for one in providers.values() if any(_is_within(self.host, host) for host in one.hosts)]
        if here:
            yield from ((one, True) for one in here)
        elif own := providers.get(_OF_PROFILE.get(self.profile, self.profile)):
            yield own, False
        elif self.profile not in _SELF_RUN:
            yield from ((one, False) for one in providers.values() if one.vendor)


@lru_cache(maxsize=1024)
def _find(catalog: ProviderCatalog, model: str) -> CatalogEntry | None:
    """Kept, because each turn of a run asks for its model several times, and a look goes through all providers."""
    names = list(spellings(model))
    for record, priced in catalog.records():
        for name, has_price in names:
            entry = record.models.get(name)
            if entry is not None:
                return entry if priced and has_price else entry.without_price()
    return None


def spellings(model: str) -> Iterator[tuple[str, bool]]:
    """The names that a model can be listed under, the most exact first; False: its price can differ."""
    names = [model]
    bare = model.removeprefix("models/")
    names += [bare, bare.rpartition("/")[2]]
    names += [_DATE.sub("", name) for name in names]
    yield from ((name, True) for name in dict.fromkeys(names) if name)
    untagged = dict.fromkeys(_TAG.sub("", name) for name in names)
    yield from ((name, False) for name in untagged if name and name not in names)


def _is_within(host: str, suffix: str) -> bool:
    return host == suffix or host.endswith((f".{suffix}", f"-{suffix}"))


def _merge(known: ProviderRecord | None, newer: ProviderRecord) -> ProviderRecord:
    if known is None:
        return newer
    hosts = tuple(dict.fromkeys((*known.hosts, *newer.hosts)))
    return ProviderRecord(hosts, known.vendor or newer.vendor, {**known.models, **newer.models})
