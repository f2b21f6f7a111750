"""Lookup of models in the catalog, by provider host and exact name; similar names do not match."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from projectdavid.adapters.model_catalog.document import CatalogDocument, ProviderRecord
from projectdavid.adapters.model_catalog.files import read_catalog
from projectdavid.ports.catalog import CatalogEntry

SHIPPED = Path(__file__).parent / "models.json.gz"
_OF_PROFILE = {"gemini": "google"}
"""Providers of the catalog whose name differs from the profile of their servers."""
_SELF_RUN = frozenset({"ollama", "vllm", "llamacpp", "lmstudio"})
"""Profiles of servers whose operator sets the context window, so published data does not apply."""
_DATE = re.compile(r"[-@](?:\d{4}-\d{2}-\d{2}|\d{8})$")
_TAG = re.compile(r":[^:/]+$")


@cache
def load_shipped() -> CatalogDocument:
    """Read the catalog of the package once."""
    return read_catalog(SHIPPED)


class ModelCatalog:
    """The shipped catalog, read on first use, and files of the operator; later files take precedence."""

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
        """Return the catalog from the view of one configured provider."""
        return ProviderCatalog(self, (urlsplit(base_url).hostname or "").lower(), profile)


@dataclass(frozen=True, slots=True)
class ProviderCatalog:
    """The models of the provider at a host. Prices apply only to that host."""

    catalog: ModelCatalog
    host: str
    profile: str

    def find(self, model: str) -> CatalogEntry | None:
        """Find the entry of a model: by its name, then without provider prefix, date or tag.

        A tag can have another price (`:free`), so an entry found without it has none.
        """
        return _find(self, model)

    def records(self) -> Iterator[tuple[ProviderRecord, bool]]:
        """The providers to search, and whether their prices apply."""
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
    """Cached, because each turn of a run looks up its model several times, and a lookup scans all providers."""
    names = list(spellings(model))
    for record, priced in catalog.records():
        for name, has_price in names:
            entry = record.models.get(name)
            if entry is not None:
                return entry if priced and has_price else entry.without_price()
    return None


def spellings(model: str) -> Iterator[tuple[str, bool]]:
    """Return the names under which a model can be listed, most exact first; False: its price can differ."""
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
