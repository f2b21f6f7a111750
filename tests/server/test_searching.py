"""Search in vector stores: words, filters, thresholds, and the vectors that owners bring."""

import pytest

from tests.server.talking import Caller, Json, ok, refused
from tests.server.test_vector_stores import COLD, WARM, added, found, shelf


def test_what_says_most_about_the_query_comes_first(user: Caller) -> None:
    store, [cold, _] = shelf(user, COLD, WARM)
    answer = found(user, store, "Which animals live in the cold south?")
    assert answer["search_query"] == ["Which animals live in the cold south?"]
    assert answer["search_mode"] == "lexical"
    [best, *_] = answer["data"]
    assert (best["file_id"], best["filename"]) == (cold["id"], "0.txt")
    assert best["content"] == [{"type": "text", "text": COLD}]
    assert 0 < best["score"] <= 1
    assert (best["chunk"]["start"], best["chunk"]["end"]) == (0, len(COLD))


def described(user: Caller) -> tuple[Json, dict[int, str]]:
    """A store of three files that differ by their attributes, and the file of each year."""
    store, years = user.store(), {}
    for year in (2024, 2025, 2026):
        file = user.upload(f"Penguins of {year}.".encode(), f"{year}.txt")
        added(user, store, file, attributes={"year": year, "draft": year == 2026, "by": "ann"})
        years[year] = file["id"]
    return store, years


@pytest.mark.parametrize(
    ("filters", "years"),
    [
        ({"type": "eq", "key": "year", "value": 2025}, {2025}),
        ({"type": "ne", "key": "year", "value": 2025}, {2024, 2026}),
        ({"type": "gt", "key": "year", "value": 2025}, {2026}),
        ({"type": "gte", "key": "year", "value": 2025}, {2025, 2026}),
        ({"type": "lt", "key": "year", "value": 2025}, {2024}),
        ({"type": "lte", "key": "year", "value": 2025}, {2024, 2025}),
        ({"type": "in", "key": "year", "value": [2024, 2026]}, {2024, 2026}),
        ({"type": "nin", "key": "year", "value": [2024, 2026]}, {2025}),
        ({"type": "eq", "key": "draft", "value": True}, {2026}),
        ({"type": "eq", "key": "year", "value": "2025"}, set()),
        ({"year": 2024, "by": "ann"}, {2024}),
        (
            {
                "type": "or",
                "filters": [
                    {"type": "eq", "key": "year", "value": 2024},
                    {
                        "type": "and",
                        "filters": [
                            {"type": "eq", "key": "by", "value": "ann"},
                            {"type": "eq", "key": "draft", "value": True},
                        ],
                    },
                ],
            },
            {2024, 2026},
        ),
    ],
    ids=str,
)
def test_filters_choose_files_before_they_are_ranked(user: Caller, filters: Json, years: set[int]) -> None:
    store, ids = described(user)
    hits = found(user, store, "penguins", filters=filters, max_num_results=50)["data"]
    assert {hit["file_id"] for hit in hits} == {ids[year] for year in years}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"query": "q", "filters": {"type": "like", "key": "a", "value": "b"}}, "filters.type"),
        ({"query": "q", "filters": {"type": "eq", "key": "a"}}, "filters.value"),
        ({"query": "q", "filters": {"type": "gt", "key": "a", "value": True}}, "filters.value"),
        ({"query": "q", "filters": {"type": "in", "key": "a", "value": 1}}, "filters.value"),
        ({"query": "q", "filters": {"type": "and", "filters": []}}, "filters.filters"),
        ({"query": "q", "filters": {"type": "and", "filters": [5]}}, "filters.filters.0"),
        ({"query": "q", "filters": []}, "filters"),
        ({"query": "q" * 100_000}, "query"),
        ({"query": ""}, "query"),
        ({"query": ["q"]}, "query"),
        ({"query": "q\0"}, "query"),
        ({"query": "q", "max_num_results": 51}, "max_num_results"),
        ({"query": "q", "ranking_options": {"score_threshold": 2}}, "ranking_options.score_threshold"),
        ({}, "query"),
        ({"query_vector": None}, "query_vector"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_searches_that_are_none_are_refused(user: Caller, body: Json, param: str | None) -> None:
    response = user.post(f"/v1/vector-stores/{user.store()['id']}/search", json=body)
    assert response.status_code == 422, response.text
    assert response.json()["error"]["param"] == param


@pytest.mark.parametrize(
    "query", ['"', "NEAR OR NOT", "a* (b", "column:x", "'; DROP TABLE x; --", "😀", "   x   ", "^"]
)
def test_a_query_is_words_and_no_language(user: Caller, query: str) -> None:
    store, _ = shelf(user, COLD)
    assert found(user, store, query)["data"] == []


def test_a_threshold_leaves_out_what_is_worse(user: Caller) -> None:
    store, _ = shelf(user, COLD, WARM)
    scores = [hit["score"] for hit in found(user, store, "eat fish south")["data"]]
    assert scores == sorted(scores, reverse=True)
    options = {"score_threshold": scores[0]}
    assert len(found(user, store, "eat fish south", ranking_options=options)["data"]) == 1


def test_changed_attributes_count_at_once(user: Caller) -> None:
    store, [file] = shelf(user, COLD)
    path = f"/v1/vector-stores/{store['id']}/files/{file['id']}"
    assert ok(user.put(path, json={"attributes": {"year": 1}}))["attributes"] == {"year": 1}
    assert len(found(user, store, "penguins", filters={"year": 1})["data"]) == 1
    assert found(user, store, "penguins", filters={"year": 2})["data"] == []


def brought(user: Caller) -> Json:
    """A store whose vectors its owner brings, with three chunks."""
    store = user.store(vector_size=2)
    body = {
        "texts": ["north", "east", "between"],
        "vectors": [[0, 1], [1, 0], [1, 1]],
        "metadata": [{"page": 1}, {"page": 2}, {"page": 2}],
        "file": {"file_id": "file_compass", "file_name": "compass.txt"},
    }
    ok(user.post(f"/v1/vector-stores/{store['id']}/vectors", json=body))
    return store


def test_vectors_that_are_brought_are_compared_with_a_query_vector(user: Caller) -> None:
    store = brought(user)
    path = f"/v1/vector-stores/{store['id']}"
    hits = ok(user.post(f"{path}/search", json={"query_vector": [0, 2], "top_k": 2}))
    assert [hit["text"] for hit in hits] == ["north", "between"]
    assert hits[0]["score"] == pytest.approx(1)
    assert hits[1]["score"] == pytest.approx(0.5**0.5)
    assert ok(user.get(path))["file_counts"]["completed"] == 1


@pytest.mark.parametrize("vector", [[1], [1, 2, 3], [0, 0], [1e39, 1]])
def test_a_vector_of_another_kind_is_refused(user: Caller, vector: list[float]) -> None:
    path = f"/v1/vector-stores/{brought(user)['id']}"
    response = user.post(f"{path}/search", json={"query_vector": vector})
    refused(response, 422, "invalid_value", "query_vector")


def test_files_are_not_put_where_vectors_are_brought_nor_vectors_where_files_are_read(user: Caller) -> None:
    store, file = brought(user), user.upload(COLD.encode())
    put = user.post(f"/v1/vector-stores/{store['id']}/files", json={"file_id": file["id"]})
    refused(put, 400, "invalid_state")
    body = {"texts": ["a"], "vectors": [[1, 0]], "file": {"file_id": "file_a", "file_name": "a.txt"}}
    plain = user.store()
    refused(user.post(f"/v1/vector-stores/{plain['id']}/vectors", json=body), 400, "invalid_state")
    searched = user.post(f"/v1/vector-stores/{plain['id']}/search", json={"query_vector": [1, 0]})
    refused(searched, 400, "invalid_state")
