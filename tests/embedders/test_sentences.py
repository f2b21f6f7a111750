"""Embedding on this machine, over a stand-in of the library, whose models are large."""

import sys
from types import ModuleType
from typing import Any

import numpy
import pytest

from projectdavid.embedders.sentences import SentenceEmbedder
from projectdavid.ports.embedder import EmbedderError
from tests.fakes.embeddings import unpacked

pytestmark = pytest.mark.anyio


class Model:
    """A model of the library, as far as it is used."""

    def __init__(self, name: str, *, local_files_only: bool) -> None:
        assert local_files_only, "nothing is downloaded"
        if name == "absent":
            raise OSError("it is not in the cache")
        self.length = 3

    def encode_query(self, texts: list[str], **options: Any) -> Any:
        return self._encode(texts, 1, **options)

    def encode_document(self, texts: list[str], **options: Any) -> Any:
        return self._encode(texts, 2, **options)

    def _encode(self, texts: list[str], kind: int, *, convert_to_numpy: bool, show_progress_bar: bool) -> Any:
        assert convert_to_numpy
        assert not show_progress_bar
        if "broken" in texts:
            raise RuntimeError("out of memory")
        if any("endless" in text for text in texts):
            return numpy.array([[float("nan")] * 4 for _ in texts])
        return numpy.array([[kind, *range(self.length + ("longer" in text))] for text in texts], dtype="float64")


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("sentence_transformers")
    module.SentenceTransformer = Model
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)


async def test_texts_and_queries_come_back_as_vectors() -> None:
    embedder = SentenceEmbedder("all-MiniLM-L6-v2")
    done = await embedder.embed(["a", "b"], "document")
    assert [unpacked(vector) for vector in done.vectors] == [[2, 0, 1, 2]] * 2
    assert unpacked((await embedder.embed(["q"], "query")).vectors[0]) == [1, 0, 1, 2]
    assert embedder.space == "local/all-MiniLM-L6-v2||"
    await embedder.close()


async def test_prefixes_stand_before_the_texts_and_make_another_space() -> None:
    embedder = SentenceEmbedder("here", {"query": "longer ", "document": ""})
    assert unpacked((await embedder.embed(["q"], "query")).vectors[0]) == [1, 0, 1, 2, 3]
    assert embedder.space == "local/here|longer |"
    await embedder.close()


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("absent", "a", "model_not_found"),
        ("here", "broken", "server_error"),
        ("here", "endless", "server_error"),
    ],
)
async def test_what_cannot_be_embedded_is_an_error(name: str, text: str, code: str) -> None:
    embedder = SentenceEmbedder(name)
    with pytest.raises(EmbedderError) as caught:
        await embedder.embed([text], "document")
    assert caught.value.code == code
    await embedder.close()


async def test_vectors_of_two_lengths_are_never_given_out() -> None:
    embedder = SentenceEmbedder("here")
    await embedder.embed(["a"], "document")
    with pytest.raises(EmbedderError, match="two lengths"):
        await embedder.embed(["longer"], "document")
    await embedder.close()


async def test_without_the_library_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sentence_transformers")
    with pytest.raises(ValueError, match=r"pip install 'projectdavid\[local-embeddings\]'"):
        SentenceEmbedder("any")
