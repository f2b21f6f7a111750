"""The limits of the contract: what is just within them is taken, and what is beyond is measured."""

from dataclasses import dataclass

import pytest

from tests.compat.behaviours.wire import Wire, refused
from tests.dialect.bodies import Path, body_of, changed, spelled
from tests.dialect.routes import Call, Json, World, everything
from tests.dialect.test_fields import renewed

ASSISTANT, CHANGE = "POST /assistants", "POST /assistants/{assistant_id}"
RUN, BOTH = "POST /threads/{thread_id}/runs", "POST /threads/runs"
THREAD, MESSAGE = "POST /threads", "POST /threads/{thread_id}/messages"
STORE, STORE_CHANGE = "POST /vector_stores", "POST /vector_stores/{vector_store_id}"
STORE_FILE, BATCH = "POST /vector_stores/{vector_store_id}/files", "POST /vector_stores/{vector_store_id}/file_batches"
SEARCH, UPLOAD = "POST /vector_stores/{vector_store_id}/search", "POST /uploads"
OUTPUTS = "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs"
DESCRIBE = "POST /vector_stores/{vector_store_id}/files/{file_id}"


def text(length: int) -> str:
    """A text of so many characters."""
    return "é" * length


def tools(count: int) -> Json:
    """So many functions."""
    return [{"type": "function", "function": {"name": f"f{number}"}} for number in range(count)]


def pairs(count: int) -> Json:
    """So many pairs."""
    return {f"k{number}": "v" for number in range(count)}


TOOL: Path = ("tools", 0, "function")
OPTIONS: Path = ("tools", 1, "file_search")
STATIC: Path = ("chunking_strategy", "static")
LENGTHS: list[tuple[str, Path, int]] = [
    *((route, ("name",), 256) for route in (ASSISTANT, CHANGE)),
    *((route, ("description",), 512) for route in (ASSISTANT, CHANGE)),
    *((route, ("instructions",), 256_000) for route in (ASSISTANT, CHANGE, RUN, BOTH)),
    *((route, (*TOOL, "description"), 1024) for route in (ASSISTANT, CHANGE, RUN, BOTH)),
    *((route, ("metadata", "key"), 512) for route in (ASSISTANT, CHANGE, RUN, BOTH, THREAD, MESSAGE, STORE)),
    (BOTH, ("thread", "metadata", "key"), 512),
    (THREAD, ("messages", 0, "content", 0, "text"), 256_000),
    (MESSAGE, ("content", 0, "text"), 256_000),
    (STORE_FILE, ("attributes", "text"), 512),
    (DESCRIBE, ("attributes", "text"), 512),
    (BATCH, ("attributes", "text"), 512),
]
"""Texts, and how long they may be."""
NAMES: list[tuple[str, Path]] = [
    *((route, (*TOOL, "name")) for route in (ASSISTANT, CHANGE, RUN, BOTH)),
    *((route, ("response_format", "json_schema", "name")) for route in (ASSISTANT, CHANGE, RUN, BOTH)),
]
"""Names of at most 64 letters, digits, underscores and hyphens."""
COUNTS: list[tuple[str, Path, int]] = [
    *((route, ("tools",), 128) for route in (ASSISTANT, CHANGE, RUN, BOTH)),
    (ASSISTANT, ("tool_resources", "code_interpreter", "file_ids"), 20),
    (ASSISTANT, ("tool_resources", "file_search", "vector_store_ids"), 1),
    (THREAD, ("tool_resources", "code_interpreter", "file_ids"), 20),
    (THREAD, ("tool_resources", "file_search", "vector_store_ids"), 1),
    (BOTH, ("tool_resources", "code_interpreter", "file_ids"), 20),
    (STORE, ("file_ids",), 500),
    (BATCH, ("file_ids",), 2000),
]
"""Lists, and how long they may be."""
MAPS: list[tuple[str, Path]] = [
    *((route, ("metadata",)) for route in (ASSISTANT, CHANGE, RUN, BOTH, THREAD, MESSAGE, STORE, STORE_CHANGE)),
    ("POST /threads/{thread_id}", ("metadata",)),
    ("POST /threads/{thread_id}/runs/{run_id}", ("metadata",)),
    ("POST /threads/{thread_id}/messages/{message_id}", ("metadata",)),
    *((route, ("attributes",)) for route in (STORE_FILE, DESCRIBE, BATCH)),
]
"""Objects of at most 16 pairs with keys of at most 64 characters."""
RANGES: list[tuple[str, Path, Json, Json, Json, Json]] = [
    *((route, ("temperature",), 0, 2, -0.1, 2.1) for route in (ASSISTANT, CHANGE, RUN, BOTH)),
    *((route, ("top_p",), 0, 1, -0.1, 1.1) for route in (ASSISTANT, CHANGE, RUN, BOTH)),
    (ASSISTANT, (*OPTIONS, "max_num_results"), 1, 50, 0, 51),
    (ASSISTANT, (*OPTIONS, "ranking_options", "score_threshold"), 0, 1, -0.1, 1.1),
    *((route, ("max_prompt_tokens",), 1, 1, 0, 2**60) for route in (RUN, BOTH)),
    *((route, ("max_completion_tokens",), 1, 1, 0, 2**60) for route in (RUN, BOTH)),
    (RUN, ("truncation_strategy", "last_messages"), 1, 10, 0, 2**60),
    (UPLOAD, ("expires_after", "seconds"), 3600, 2_592_000, 3599, 2_592_001),
    (STORE, ("expires_after", "days"), 1, 365, 0, 366),
    (STORE_CHANGE, ("expires_after", "days"), 1, 365, 0, 366),
    *((route, (*STATIC, "max_chunk_size_tokens"), 200, 4096, 99, 4097) for route in (STORE, STORE_FILE, BATCH)),
    *((route, (*STATIC, "chunk_overlap_tokens"), 0, 100, -1, 2049) for route in (STORE, STORE_FILE, BATCH)),
    (SEARCH, ("max_num_results",), 1, 50, 0, 51),
    (SEARCH, ("ranking_options", "score_threshold"), 0, 1, -0.1, 1.1),
]
"""Numbers: the least and the greatest, and what is less and greater than these."""


Place = tuple[str, Path]
"""Where something is in the body of an operation."""


@dataclass(frozen=True)
class Users:
    """Ann, whose bodies are refused, and Bob, whose bodies are taken."""

    ann: Wire
    anns: World
    whole: Json
    bob: Wire
    bobs: World

    def takes(self, place: Place, value: Json) -> None:
        """The value is taken."""
        route, path = place
        world = renewed(self.bob, self.bobs, route)
        body = changed(body_of(route, 0, world), path, value)
        if path[0] == "tools":
            body.pop("tool_choice", None)  # it names one of the tools that were there
        answer = Call(route, world, body).send(self.bob)
        assert answer.status_code == 200, answer.text

    def refuses(self, place: Place, value: Json, code: str, param: Path | None = None) -> str:
        """The value is refused with this code, and nothing comes of it; what is said."""
        route, path = place
        answer = Call(route, self.anns, changed(body_of(route, 0, self.anns), path, value)).send(self.ann)
        assert everything(self.ann, self.anns) == self.whole
        named = spelled(path if param is None else param)
        return refused(answer, 400, type="invalid_request_error", param=named, code=code)["message"]


@pytest.fixture(scope="module")
def users(ann: Wire, anns: World, whole: Json, bob: Wire, bobs: World) -> Users:
    return Users(ann, anns, whole, bob, bobs)


@pytest.mark.parametrize(("route", "path", "most"), LENGTHS)
def test_a_text_may_be_so_long(users: Users, route: str, path: Path, most: int) -> None:
    place = route, path
    message = users.refuses(place, text(most + 1), "string_above_max_length")
    said = f"Expected a string with maximum length {most}, but got a string with length {most + 1} instead."
    assert message == f"Invalid '{spelled(path)}': string too long. {said}"
    users.takes(place, text(most))


@pytest.mark.parametrize(("route", "path"), NAMES)
def test_a_name_is_short_and_plain(users: Users, route: str, path: Path) -> None:
    place = route, path
    users.refuses(place, "n" * 65, "string_above_max_length")
    users.refuses(place, "", "string_below_min_length")
    for odd in ("a b", "é", "a.b", "a\n"):
        users.refuses(place, odd, "invalid_value")


@pytest.mark.parametrize(("route", "path", "most"), COUNTS)
def test_a_list_may_be_so_long(users: Users, route: str, path: Path, most: int) -> None:
    place = route, path
    kind = {"file_ids": "file", "vector_store_ids": "vector_store"}.get(str(path[-1]))
    many = tools(most + 1) if kind is None else [users.anns[kind]] * (most + 1)
    message = users.refuses(place, many, "array_above_max_length")
    said = f"Expected an array with maximum length {most}, but got an array with length {most + 1} instead."
    assert message == f"Invalid '{spelled(path)}': array too long. {said}"
    users.takes(place, tools(most) if kind is None else [users.bobs[kind]] * most)


@pytest.mark.parametrize(("route", "path"), MAPS)
def test_a_map_has_16_pairs_with_keys_of_64_characters(users: Users, route: str, path: Path) -> None:
    place = route, path
    said = "Expected an object with at most 16 properties, but got an object with 17 properties instead."
    message = users.refuses(place, pairs(17), "object_above_max_properties")
    assert message == f"Invalid '{spelled(path)}': too many properties. {said}"
    users.refuses(place, {text(65): "v"}, "property_name_above_max_length", (*path, text(65)))
    users.refuses(place, {"": "v"}, "property_name_below_min_length", (*path, ""))
    users.refuses(place, {"k": None}, "invalid_type", (*path, "k"))
    users.refuses(place, {"k": {}}, "invalid_type", (*path, "k"))
    users.takes(place, {text(64): "v", **pairs(15)})


@pytest.mark.parametrize(("route", "path", "least", "most", "less", "more"), RANGES)
def test_a_number_has_a_least_and_a_greatest(
    users: Users, route: str, path: Path, least: Json, most: Json, less: Json, more: Json
) -> None:
    place = route, path
    kind = "integer" if isinstance(less, int) else "decimal"
    assert users.refuses(place, less, f"{kind}_below_min_value").endswith(f"but got {less} instead.")
    assert users.refuses(place, more, f"{kind}_above_max_value").endswith(f"but got {more} instead.")
    users.takes(place, least)
    users.takes(place, most)


RULES: list[tuple[str, Path, Json, str, Path]] = [
    (STORE, STATIC, {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 101}, "invalid_value", STATIC),
    (BOTH, ("tool_choice",), {"type": "function", "function": {"name": "nobody"}}, "invalid_value", ("tool_choice",)),
    (RUN, ("tool_choice",), {"type": "function", "function": {"name": "nobody"}}, "invalid_value", ("tool_choice",)),
    (
        RUN,
        ("truncation_strategy",),
        {"type": "last_messages"},
        "missing_required_parameter",
        ("truncation_strategy", "last_messages"),
    ),
    (MESSAGE, ("content",), [], "array_below_min_length", ("content",)),
    (BATCH, ("file_ids",), [], "array_below_min_length", ("file_ids",)),
    (SEARCH, ("query",), [], "array_below_min_length", ("query",)),
    (SEARCH, ("query",), "", "string_below_min_length", ("query",)),
    (SEARCH, ("filters",), {"type": "is", "key": "k", "value": 1}, "invalid_value", ("filters", "type")),
    (SEARCH, ("filters",), {"type": "eq", "value": 1}, "missing_required_parameter", ("filters", "key")),
    (SEARCH, ("filters",), {"k": 1}, "missing_required_parameter", ("filters", "type")),
    (
        SEARCH,
        ("filters",),
        {"type": "and", "filters": [{"type": "eq", "key": "k", "value": 1}, {"type": "or", "filters": [{"k": 1}]}]},
        "missing_required_parameter",
        ("filters", "filters", 1, "filters", 0, "type"),
    ),
    (
        SEARCH,
        ("filters",),
        {"type": "or", "filters": [{"type": "in", "key": "k", "value": [1, None]}]},
        "invalid_type",
        ("filters", "filters", 0, "value", 1),
    ),
    (
        MESSAGE,
        ("content", 2, "image_file", "file_id"),
        "a text",
        "invalid_value",
        ("content", 2, "image_file", "file_id"),
    ),
]
"""What does not fit together, and the place that is named."""


@pytest.mark.parametrize(("route", "path", "value", "code", "param"), RULES)
def test_what_does_not_fit_together_is_refused(
    users: Users, route: str, path: Path, value: Json, code: str, param: Path
) -> None:
    users.refuses((route, path), value, code, param)


def test_stores_are_named_or_made(users: Users, anns: World) -> None:
    both = {"vector_store_ids": [anns["vector_store"]], "vector_stores": [{}]}
    for route, path in ((ASSISTANT, ("tool_resources",)), (THREAD, ("tool_resources",)), (BOTH, ("thread",))):
        inner = {"file_search": both}
        value = {"tool_resources": inner} if path == ("thread",) else inner
        at = ("thread", "tool_resources") if path == ("thread",) else path
        users.refuses((route, path), value, "invalid_value", (*at, "file_search"))
