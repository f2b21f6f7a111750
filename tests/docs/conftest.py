"""A server as its first start makes it, and the environment in which a reader of the pages would be."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from projectdavid.adapters.providers.scripted import DemoProvider
from projectdavid.composition import model_providers
from projectdavid.composition.embedded import EmbeddedPlatform

PREFIXES = ("PROJECTDAVID_", "ENTITIES_", "OPENAI_", "OLLAMA_", "XDG_DATA_HOME")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without anything in it, and an environment that says nothing."""
    for name in list(os.environ):
        if name.startswith(PREFIXES):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedPlatform]:
    """A server over the usual folder of that home."""
    # Not handed to Embedded: a provider that is handed in is the default one, as the demo never is.
    monkeypatch.setattr(model_providers, "DemoProvider", partial(DemoProvider, delay=0))
    data = home / ".local/share/projectdavid"
    embedded = EmbeddedPlatform(data)
    embedded.start()
    monkeypatch.setenv("PROJECTDAVID_CREDENTIALS", str(data / "credentials.json"))
    yield embedded
    embedded.stop()
