"""Embed on this machine, by a sentence-transformers model that is here already: nothing is downloaded."""

import asyncio
import importlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any, Literal

import numpy

from projectdavid.ports.embedder import Embedded, EmbedderError, Vector

LIBRARY = "sentence_transformers"
MISSING = (
    "the setting embedding_model wants a model on this machine, and the library for that is not installed: "
    "pip install 'projectdavid[local-embeddings]'"
)
_NOTHING: Mapping[str, str] = MappingProxyType({})


class SentenceEmbedder:
    """A model by its name, where it is in the cache of this machine, or by its folder. It is loaded at its first use.

    Args:
        model: the name or the folder.
        prefixes: what is put before a `query`, and before a `document`, besides what the model itself wants there.

    Raises:
        ValueError: the library is not installed.
    """

    def __init__(self, model: str, prefixes: Mapping[str, str] = _NOTHING) -> None:
        if LIBRARY not in sys.modules and importlib.util.find_spec(LIBRARY) is None:
            raise ValueError(MISSING)
        self._name = model
        self._prefixes = prefixes
        self._thread = ThreadPoolExecutor(1, "embed")
        self._model: Any = None
        self._length: int | None = None

    @property
    def space(self) -> str:
        """The model's name, and the prefixes, which decide about its vectors, too."""
        parts = (f"local/{self._name}", *(self._prefixes.get(kind, "") for kind in ("query", "document")))
        return "|".join(parts)

    async def embed(self, texts: Sequence[str], purpose: Literal["document", "query"]) -> Embedded:
        """Embed texts, one call at a time.

        Raises:
            EmbedderError: the model is not here, or cannot do it.
        """
        loop = asyncio.get_running_loop()
        return Embedded(await loop.run_in_executor(self._thread, self._embed, texts, purpose))

    async def close(self) -> None:
        """Let go of the model."""
        await asyncio.to_thread(self._thread.shutdown)

    def _embed(self, texts: Sequence[str], purpose: str) -> tuple[Vector, ...]:
        model, prefix = self._loaded(), self._prefixes.get(purpose, "")
        encode = model.encode_query if purpose == "query" else model.encode_document
        try:
            rows = encode([prefix + text for text in texts], convert_to_numpy=True, show_progress_bar=False)
        except RuntimeError as error:
            raise EmbedderError("server_error", f"The model '{self._name}' failed: {error}", retryable=True) from None
        if not all(numpy.isfinite(row).all() for row in rows):
            raise EmbedderError("server_error", f"The model '{self._name}' made a vector with a number that is none.")
        vectors = tuple(row.astype("<f4").tobytes() for row in rows)
        for vector in vectors:
            self._length = self._length or len(vector)
            if len(vector) != self._length:
                raise EmbedderError("dimension_mismatch", f"The model '{self._name}' made vectors of two lengths.")
        return vectors

    def _loaded(self) -> Any:
        if self._model is None:
            library = importlib.import_module(LIBRARY)
            try:
                self._model = library.SentenceTransformer(self._name, local_files_only=True)
            except (OSError, ValueError) as error:
                message = f"There is no model '{self._name}' on this machine: {error}"
                raise EmbedderError("model_not_found", message, retryable=True) from None
        return self._model
