"""Local embedding with an ONNX model; nothing is downloaded."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from projectdavid.adapters.embedders.model_files import ModelFiles, find_model
from projectdavid.distribution import DISTRIBUTION
from projectdavid.lazy_modules import LazyModule
from projectdavid.ports.embedder import EmbeddedTexts, EmbedderError, Vector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
else:
    np = LazyModule("numpy")

LIBRARIES = ("onnxruntime", "tokenizers")
MISSING = f"a local model needs libraries that are not installed: pip install '{DISTRIBUTION}[local-embeddings]'"
BATCH = 16
"""Batch size: larger ones are hardly faster, and use more memory."""
THREADS = 4
_NO_PREFIXES: Mapping[str, str] = MappingProxyType({})


class OnnxEmbedder:
    """A model that is loaded on first use and runs in a thread.

    A text longer than the maximum input is embedded in parts, and its vector is their weighted mean.

    Args:
        model: `minilm`, the built-in model, or a folder; see `find_model`.
        prefixes: the prefixes that the model expects before a `query` and a `document`.

    Raises:
        ValueError: the libraries or the model are not installed.
    """

    def __init__(self, model: str, prefixes: Mapping[str, str] = _NO_PREFIXES) -> None:
        if not all(map(importlib.util.find_spec, LIBRARIES)):
            raise ValueError(MISSING)
        self._name = model
        self._files = find_model(model)
        self._prefixes = prefixes
        self._thread = ThreadPoolExecutor(1, "embed")
        self._network: _Network | None = None

    @property
    def space(self) -> str:
        """The model's name and the prefixes, which determine its vectors."""
        parts = (f"local/{self._name}", *(self._prefixes.get(kind, "") for kind in ("query", "document")))
        return "|".join(parts)

    async def embed(self, texts: Sequence[str], purpose: Literal["document", "query"]) -> EmbeddedTexts:
        """Embed texts, one call at a time.

        Raises:
            EmbedderError: the model cannot be loaded, or fails.
        """
        prefix = self._prefixes.get(purpose, "")
        loop = asyncio.get_running_loop()
        return EmbeddedTexts(await loop.run_in_executor(self._thread, self._embed, [prefix + text for text in texts]))

    async def close(self) -> None:
        """Release the model."""
        await asyncio.to_thread(self._thread.shutdown)

    def _embed(self, texts: Sequence[str]) -> tuple[Vector, ...]:
        try:
            if self._network is None:
                self._network = _Network(self._files)
            rows = self._network.embed(texts)
        except Exception as error:  # noqa: BLE001 both libraries raise subclasses of Exception, without a common one
            raise EmbedderError("server_error", f"The model '{self._name}' failed: {error}", retryable=True) from None
        if not np.isfinite(rows).all():
            raise EmbedderError("server_error", f"The model '{self._name}' returned a vector that is not finite.")
        return tuple(row.astype("<f4").tobytes() for row in rows)


class _Network:
    """The loaded network with its tokenizer."""

    def __init__(self, files: ModelFiles) -> None:
        files.check()
        onnxruntime: Any = importlib.import_module("onnxruntime")  # slow to import, and an optional dependency
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(THREADS, os.cpu_count() or 1)
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads must not use the CPU
        self._session = onnxruntime.InferenceSession(str(files.network), options, providers=["CPUExecutionProvider"])
        self._inputs = {one.name for one in self._session.get_inputs()}
        self._pooling = files.pooling
        self._tokenizer = files.load_tokenizer()
        self._tokenizer.enable_truncation(max_length=files.max_tokens)
        self._tokenizer.no_padding()

    def embed(self, texts: Sequence[str]) -> Floats:
        """Return a row of length 1 for each text."""
        parts: list[tuple[int, list[int]]] = []
        for number, encoding in enumerate(self._tokenizer.encode_batch(list(texts))):
            parts += [(number, part.ids) for part in (encoding, *encoding.overflowing)]
        parts.sort(key=lambda part: len(part[1]))  # parts of the same length need no padding
        sums: Floats | None = None
        for start in range(0, len(parts), BATCH):
            group = parts[start : start + BATCH]
            for (number, ids), row in zip(group, self._run_batch([ids for _, ids in group]), strict=True):
                sums = np.zeros((len(texts), len(row)), np.float32) if sums is None else sums
                sums[number] += row * len(ids)
        return np.zeros((0, 0), np.float32) if sums is None else _normalize(sums)

    def _run_batch(self, ids: Sequence[Sequence[int]]) -> Iterator[Floats]:
        longest = max(map(len, ids))
        tokens = np.zeros((len(ids), longest), np.int64)
        mask = np.zeros((len(ids), longest), np.int64)
        for number, one in enumerate(ids):
            tokens[number, : len(one)], mask[number, : len(one)] = one, 1
        values = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        hidden = self._session.run(None, {name: value for name, value in values.items() if name in self._inputs})[0]
        if hidden.ndim == 2:  # the network does its own pooling
            pooled = hidden
        elif self._pooling == "first":
            pooled = hidden[:, 0]
        else:
            weights = mask[:, :, None].astype(np.float32)
            pooled = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        return iter(_normalize(pooled))


def _normalize(rows: Floats) -> Floats:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
