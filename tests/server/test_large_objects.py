"""The largest objects that may be made, in both dialects, and pages of them."""

import json
from collections.abc import Callable

import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.compat.behaviours.wire import Wire
from tests.compat.behaviours.wire import refused as refused_by_dialect
from tests.server.talking import Caller, Json, ok, refused

SMILE = "\N{GRINNING FACE}"
MIB = 1024 * 1024


def deep(levels: int) -> Json:
    """A schema of so many levels."""
    schema: Json = {"type": "object"}
    for _ in range(levels - 2):
        schema = {"not": schema}
    return schema


def wide(values: int) -> Json:
    """A schema of so many values, however they are arranged."""
    return {"enum": [[0] * 99 for _ in range((values - 2) // 100)]}


def long(size: int) -> Json:
    """A schema of so many bytes."""
    return {"description": "d" * (size - len('{"description":""}'))}


def function(schema: Json, name: str = "f") -> Json:
    """A function tool."""
    return {"type": "function", "function": {"name": name, "parameters": schema}}


def described(schema: Json, name: str) -> Json:
    """The same with the longest description."""
    tool = function(schema, name)
    return {**tool, "function": {**tool["function"], "description": SMILE * 1024}}


def answers_by(schema: Json) -> Json:
    """A response format, which is the same in both dialects."""
    return {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}


TOO_LARGE: dict[str, tuple[Json, str, str]] = {
    "a schema of too many values": ({"tools": [function(wide(5100))]}, "tools.0.function.parameters", "5000 values"),
    "a schema of too many levels": ({"tools": [function(deep(70))]}, "tools.0.function.parameters", "64 levels"),
    "a schema of too many bytes": (
        {"tools": [function({}, "g"), function(long(128 * 1024 + 1))]},
        "tools.1.function.parameters",
        "131072 bytes; this one has 131073",
    ),
    "too many schemas": (
        {"tools": [function(long(100_000), f"f{n}") for n in range(6)]},
        "tools",
        "524288 bytes in total, not 600000",
    ),
}
TAKEN: dict[str, Json] = {
    "a schema of many values": {"tools": [function(wide(4900))]},
    "a schema of many levels": {"tools": [function(deep(64))]},
    "a schema of many bytes": {"tools": [function(long(128 * 1024))]},
    "many schemas": {"tools": [function(long(130_000), f"f{n}") for n in range(4)]},
    "every text at its limit": {
        "name": SMILE * 128,
        "description": SMILE * 256,
        "instructions": SMILE * 256_000,
        "tools": [described(long(4096), f"f{n}") for n in range(128)],
    },
}


@pytest.fixture
def wire(server: EmbeddedPlatform, user: Caller) -> Wire:
    """The same user in the other dialect."""
    return Wire(server.base_url, user.key)


@pytest.mark.parametrize(("fields", "param", "found"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_an_assistant_that_is_too_large_is_neither_made_nor_changed_to(
    user: Caller, wire: Wire, fields: Json, param: str, found: str
) -> None:
    assistant = ok(user.post("/v1/assistants", json={"model": "m"}))
    bracketed = param.replace(".0", "[0]").replace(".1", "[1]")
    with wire:
        for answer in (
            user.post("/v1/assistants", json={"model": "m", **fields}),
            user.put(f"/v1/assistants/{assistant['id']}", json=fields),
        ):
            assert found in refused(answer, 422, "invalid_value", param)
        for answer in (
            wire.post("/assistants", json={"model": "m", **fields}),
            wire.post(f"/assistants/{assistant['id']}", json=fields),
        ):
            assert found in refused_by_dialect(answer, 400, code="invalid_value", param=bracketed)["message"]
        assert [one["id"] for one in ok(user.get("/v1/assistants"))] == [assistant["id"]]
        assert ok(user.get(f"/v1/assistants/{assistant['id']}")) == assistant


def test_an_assistant_with_fields_of_its_own_is_bounded_in_all(user: Caller) -> None:
    fields = {"model": "m", "instructions": "i" * 256_000, "tool_resources": {"own": ["x" * 1_000_000] * 5}}
    refusal = refused(user.post("/v1/assistants", json=fields), 422, "invalid_value", "tool_resources")
    assert "5242880 bytes in all" in refusal
    assert ok(user.get("/v1/assistants")) == []


@pytest.mark.parametrize("fields", TAKEN.values(), ids=TAKEN)
def test_an_assistant_within_the_limits_is_made_however_it_is_written(user: Caller, wire: Wire, fields: Json) -> None:
    ok(user.post("/v1/assistants", json={"model": "m", **fields}))
    with wire:
        ok(wire.post("/assistants", json={"model": "m", **fields}))
        escaped = json.dumps({"model": "m", **fields}).encode()
        ok(wire.post("/assistants", content=escaped, headers={"content-type": "application/json"}))


@pytest.mark.parametrize("schema", [wide(5100), deep(70), long(128 * 1024 + 1)], ids=["values", "levels", "bytes"])
def test_a_run_has_no_larger_schemas_than_an_assistant(user: Caller, wire: Wire, schema: Json) -> None:
    assistant = ok(user.post("/v1/assistants", json={"model": "scripted/hello"}))
    thread = ok(user.post("/v1/threads"))
    ids = {"assistant_id": assistant["id"], "thread_id": thread["id"]}
    tools = user.post("/v1/runs", json={**ids, "tools": [function(schema)]})
    refused(tools, 422, "invalid_value", "tools.0.function.parameters")
    refused(user.post("/v1/runs", json={**ids, "response_format": schema}), 422, "invalid_value", "response_format")
    with wire:
        for field, value, param in (
            ("tools", [function(schema)], "tools[0].function.parameters"),
            ("response_format", answers_by(schema), "response_format.json_schema.schema"),
        ):
            body = {"assistant_id": assistant["id"], field: value}
            answer = wire.post(f"/threads/{thread['id']}/runs", json=body)
            refused_by_dialect(answer, 400, code="invalid_value", param=param)


Read = Callable[[dict[str, Json]], tuple[list[Json], bool]]
"""Reads a page with these parameters: its objects, and whether there are more."""


def pages(read: Read, order: str) -> list[list[str]]:
    """The ids of all pages of a list, as a reader meets them who goes on until the end."""
    found: list[list[str]] = []
    more, after = True, dict[str, Json]()
    while more:
        objects, more = read({"limit": 100, "order": order, **after})
        assert objects, "a page has at least one object"
        found.append([one["id"] for one in objects])
        after = {"after": found[-1][-1]}
    return found


def native(user: Caller, path: str) -> Read:
    """Pages of the native API, which has those of assistants as bare lists."""

    def read(params: dict[str, Json]) -> tuple[list[Json], bool]:
        answer = user.get(path, params=params)
        page = ok(answer)
        if isinstance(page, list):
            assert answer.headers["x-last-id"] == page[-1]["id"]
            return page, answer.headers["x-has-more"] == "true"
        assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
        return page["data"], page["has_more"]

    return read


def dialect(wire: Wire, path: str) -> Read:
    """Pages of the dialect."""

    def read(params: dict[str, Json]) -> tuple[list[Json], bool]:
        page = wire.read(path, **params)
        assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
        return page["data"], page["has_more"]

    return read


def joined(found: list[list[str]]) -> list[str]:
    """The ids of pages, one after the other."""
    return [one for page in found for one in page]


def test_a_page_of_large_assistants_ends_early_and_leads_to_the_next(user: Caller, wire: Wire) -> None:
    fields = {
        "model": "m",
        "instructions": "i" * 256_000,
        "tools": [function(long(120_000), f"f{n}") for n in range(4)],
    }
    made = [ok(user.post("/v1/assistants", json=fields))["id"] for _ in range(13)]
    with wire:
        for read in (native(user, "/v1/assistants"), dialect(wire, "/assistants")):
            for order, wanted in (("asc", made), ("desc", made[::-1])):
                found = pages(read, order)
                assert joined(found) == wanted
                assert len(found) > 1
        read, cursor, back = dialect(wire, "/assistants"), made[-1], list[str]()
        while cursor != made[0]:
            objects, more = read({"limit": 100, "order": "asc", "before": cursor})
            back = [*(one["id"] for one in objects), *back]
            cursor = back[0]
            assert more == (cursor != made[0])
        assert back == made[:-1]
        ends = {"after": made[0], "before": made[-1]}
        objects, more = read({"limit": 100, "order": "asc", **ends})
        assert more
        assert [one["id"] for one in objects] == made[1 : len(objects) + 1]


def test_a_page_has_one_object_however_large_it_is(user: Caller, wire: Wire) -> None:
    thread = ok(user.post("/v1/threads"))["id"]
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * (5 * MIB)}}
    made = [
        ok(user.post("/v1/messages", json={"thread_id": thread, "content": content}))["id"]
        for content in ([image], "small", "small too", [image], [image], "small again")
    ]
    with wire:
        for read in (native(user, f"/v1/threads/{thread}/messages"), dialect(wire, f"/threads/{thread}/messages")):
            assert pages(read, "asc") == [made[:1], made[1:3], [made[3]], [made[4]], made[5:]]
            assert pages(read, "desc") == [made[5:], [made[4]], [made[3]], made[2:0:-1], made[:1]]
    formatted = ok(user.get(f"/v1/threads/{thread}/formatted_messages"))
    assert [one["content"] for one in formatted] == ["small again"]
