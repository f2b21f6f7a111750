"""Whatever stands in an object of another service, reading it ends with a shape or with notes."""

from collections.abc import Iterator
from typing import Any

import pytest

from projectdavid.api.imports.readers import SourceObject, read_object

REGISTERED = ("code_interpreter", "computer", "file_search", "web_search")
"""Names of the tools of the server."""
SAMPLES: list[dict[str, Any]] = [
    {
        "object": "assistant",
        "id": "asst_1",
        "created_at": 1,
        "model": "m",
        "tools": [
            {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},
            {"type": "file_search", "file_search": {"max_num_results": 1, "ranking_options": {"score_threshold": 0}}},
            {"type": "bing_grounding", "bing_grounding": {}},
        ],
        "tool_resources": {"code_interpreter": {"file_ids": ["f"]}, "file_search": {"vector_store_ids": ["v"]}},
        "metadata": {"a": "b"},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
    },
    {"object": "thread", "id": "thread_1", "created_at": 1, "metadata": {}, "tool_resources": {"file_search": {}}},
    {
        "object": "thread.message",
        "id": "msg_1",
        "thread_id": "thread_1",
        "created_at": 1,
        "role": "assistant",
        "run_id": "run_1",
        "assistant_id": "asst_1",
        "incomplete_details": {"reason": "max_tokens"},
        "content": [
            {"type": "image_file", "image_file": {"file_id": "f", "detail": "low"}},
            {
                "type": "text",
                "text": {
                    "value": "x",
                    "annotations": [
                        {"type": "file_citation", "text": "x", "start_index": 0, "end_index": 1,
                         "file_citation": {"file_id": "f", "quote": "q"}},
                        {"type": "url_citation", "text": "x", "url_citation": {"url": "u", "title": "t"}},
                    ],
                },
            },
            {"type": "image_url", "image_url": {"url": "https://a.b/c", "detail": "auto"}},
            {"type": "refusal", "refusal": "no"},
        ],
        "attachments": [{"file_id": "f", "tools": [{"type": "file_search"}]}],
    },
    {"object": "file", "id": "f", "created_at": 1, "filename": "a.txt", "purpose": "vision", "bytes": 1},
    {
        "object": "vector_store",
        "id": "v",
        "created_at": 1,
        "name": "n",
        "status": "completed",
        "expires_after": {"anchor": "last_active_at", "days": 1},
    },
    {
        "object": "vector_store.file",
        "id": "f",
        "vector_store_id": "v",
        "created_at": 1,
        "attributes": {"a": 1},
        "chunking_strategy": {
            "type": "static",
            "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 100},
        },
    },
]  # fmt: skip
JUNK: list[Any] = [None, True, -1, 1.5, 10**40, "", "x" * 300, "\x00", [], {}, [[]], {"type": []}, [None], [{}]]


def variants(value: Any) -> Iterator[Any]:
    """The value with junk in the place of each of its parts, one at a time."""
    yield from JUNK
    if isinstance(value, dict):
        for name, item in value.items():
            yield {key: one for key, one in value.items() if key != name}
            for changed in variants(item):
                yield {**value, name: changed}
    elif isinstance(value, list):
        for place, item in enumerate(value):
            for changed in variants(item):
                yield [*value[:place], changed, *value[place + 1 :]]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["object"])
def test_an_object_with_junk_in_any_place_is_read_or_refused(sample: dict[str, Any]) -> None:
    assert read_object(sample, REGISTERED).shape is not None
    count = 0
    for given in variants(sample):
        if isinstance(given, dict):
            reading = read_object(given, REGISTERED)
            assert isinstance(reading, SourceObject)
            assert reading.shape is not None or reading.notes
            count += 1
    assert count > 50
