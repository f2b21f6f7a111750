"""Search by meaning: with an embedder, with one that fails, and when it is changed."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.composition.embedders import embedder_of
from projectdavid.settings import ProviderSettings, Settings
from tests.fakes.embeddings import Embeddings, embeddings
from tests.server.conftest import FOREIGN, serving
from tests.server.talking import Caller, Json, ok
from tests.server.test_vector_stores import found, shelf

CAR = "The car needs oil."
DOCTOR = "The doctor is in."


@pytest.fixture
def fake() -> Generator[Embeddings]:
    """The fake of a server that embeds."""
    with embeddings() as fake:
        yield fake


def started(path: Path, fake: Embeddings, model: str = "acme/first", **settings: Any) -> Any:
    """A server that embeds by the fake."""
    for_toml = f'[providers.acme]\nbase_url = "{fake.url}"\napi_key = "sk-embedding-secret"\n'
    (path / "config.toml").write_text(for_toml)
    return serving(path, embedding_model=model, **settings)


def admin_of(server: EmbeddedPlatform) -> Caller:
    """Whoever has its first key."""
    return Caller(server.base_url, "", server.admin_api_key)


def best(user: Caller, store: Json, query: str) -> str:
    """The text of the best result."""
    return found(user, store, query)["data"][0]["content"][0]["text"]


def test_what_means_the_same_is_found_by_other_words(tmp_path: Path, fake: Embeddings) -> None:
    with started(tmp_path, fake) as server, admin_of(server) as user:
        store, _ = shelf(user, CAR, DOCTOR)
        assert store["search_mode"] == "hybrid"
        answer = found(user, store, "automobile")
        assert answer["search_mode"] == "hybrid"
        assert answer["data"][0]["content"][0]["text"] == CAR
        assert best(user, store, "physician") == DOCTOR
        assert ok(user.get("/health"))["knowledge"]["search"] == "hybrid"


def test_where_the_query_cannot_be_embedded_words_are_compared(tmp_path: Path, fake: Embeddings) -> None:
    with started(tmp_path, fake) as server, admin_of(server) as user:
        store, _ = shelf(user, CAR, DOCTOR)
        fake.answers.append((401, {}, b"{}"))
        answer = found(user, store, "oil")
        assert (answer["search_mode"], answer["data"][0]["content"][0]["text"]) == ("lexical", CAR)
        assert "authentication_error" in answer["remarks"][0]


def test_a_file_that_cannot_be_embedded_fails_with_the_reason_and_no_key(tmp_path: Path, fake: Embeddings) -> None:
    with started(tmp_path, fake) as server, admin_of(server) as user:
        fake.answers.append((401, {}, b'{"error": "sk-embedding-secret is wrong"}'))
        store, [file] = shelf(user, CAR)
        shown = ok(user.get(f"/v1/vector-stores/{store['id']}/files/{file['id']}"))
        assert shown["status"] == "failed"
        assert "authentication_error" in shown["error_message"]
        assert "sk-embedding" not in repr(shown)


def test_another_model_reads_all_files_anew_and_is_never_mixed_with_the_first(tmp_path: Path, fake: Embeddings) -> None:
    with started(tmp_path, fake) as server, admin_of(server) as user:
        store, _ = shelf(user, CAR, DOCTOR)
        assert best(user, store, "automobile") == CAR
    fake.length = 64
    fake.requests.clear()
    with started(tmp_path, fake, "acme/second") as server, admin_of(server) as user:
        while {request["model"] for request in fake.requests if CAR in request["input"]} != {"second"}:
            assert found(user, store, "oil")["data"], "it is found by its words meanwhile"
        while not found(user, store, "automobile")["data"]:
            pass
        assert best(user, store, "automobile") == CAR
        counts = ok(user.get(f"/v1/vector-stores/{store['id']}"))["file_counts"]
        assert (counts["completed"], counts["total"]) == (2, 2)
    with started(tmp_path, fake, "off") as server, admin_of(server) as user:
        assert found(user, store, "oil")["search_mode"] == "lexical"
        assert best(user, store, "oil") == CAR


def test_a_reranker_puts_what_was_found_in_a_better_order(tmp_path: Path, fake: Embeddings) -> None:
    settings = {"rerank_model": "acme/reranker"}
    with started(tmp_path, fake, "off", **settings) as server, admin_of(server) as user:
        store, _ = shelf(user, "oil oil oil oil", "the car needs oil now and then", "nothing of it")
        answer = found(user, store, "car needs oil")
        assert [hit["score"] for hit in answer["data"]] == sorted(
            (hit["score"] for hit in answer["data"]), reverse=True
        )
        assert answer["data"][0]["content"][0]["text"] == "the car needs oil now and then"
        assert answer["data"][0]["score"] == 1
        assert answer["data"][1]["score"] == pytest.approx(1 / 3)
        options = {"score_threshold": 0.9}
        assert len(found(user, store, "car needs oil", ranking_options=options)["data"]) == 1
        fake.answers.append((500, {}, b"{}"))
        failed = found(user, store, "car needs oil")
        assert len(failed["data"]) == 2
        assert "could not be reranked (server_error)" in failed["remarks"][0]


@pytest.mark.parametrize("model", ["text-embedding-3-small", "nobody/model", "acme/", "local/"])
def test_a_model_of_nobody_is_refused_at_the_start(tmp_path: Path, model: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in FOREIGN:
            patch.delenv(name, raising=False)
        providers = {"acme": ProviderSettings(base_url="http://127.0.0.1:9/v1")}
        settings = Settings(data=tmp_path, embedding_model=model, providers=providers)
        with pytest.raises(ValueError, match="expected PROVIDER/MODEL, with one of acme, local"):
            embedder_of(settings)
