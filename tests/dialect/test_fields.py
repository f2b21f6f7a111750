"""Every field of every body: what is wrong with it is told with its place, and then nothing is done."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.compat.behaviours.wire import Wire, ok, refused
from tests.dialect.bodies import BODIES, CASES, FREE, Path, body_of, changed, paths, spelled, value_at, without
from tests.dialect.routes import SECRET, WITH_BODY, Call, Json, World, everything

OPEN = FREE | {"metadata", "attributes"}
"""Objects whose fields are called as their writer likes."""


def bodies(route: str, number: int, world: World) -> Iterator[tuple[Path, Json, Json]]:
    """For each place in a body: the place, what is there, and a body to change."""
    whole = body_of(route, number, world)
    for path in paths(whole):
        yield path, value_at(whole, path), body_of(route, number, world)


def wrong_at(wire: Wire, world: World, route: str, body: Json, path: Path, *codes: str) -> None:
    """What is in a place is refused, and the place is named."""
    answer = Call(route, world, body).send(wire)
    error = refused(answer, 400, type="invalid_request_error", param=spelled(path))
    assert error["code"] in codes, (path, error)


def described(schema: Json, part: Json, at: str = "") -> Iterator[str]:
    """The places that a description of a body has."""
    if "$ref" in part:
        part = schema["components"]["schemas"][part["$ref"].rsplit("/", 1)[1]]
    for branch in [*part.get("anyOf", ()), *part.get("oneOf", ())]:
        yield from described(schema, branch, at)
    if "items" in part:
        yield from described(schema, part["items"], f"{at}[]")
    for name, field in part.get("properties", {}).items():
        yield f"{at}.{name}".removeprefix(".")
        if name not in FREE:
            yield from described(schema, field, f"{at}.{name}")


def shown(path: Path) -> str:
    """A place as descriptions have it: one of a list stands for all of them."""
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


@pytest.mark.parametrize("route", BODIES)
def test_the_bodies_of_these_tests_have_every_field(stranger: httpx2.Client, anns: World, route: str) -> None:
    schema = ok(stranger.get("/openapi.json"))
    method, path = route.split()
    body = schema["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]["schema"]
    wholes = [body_of(route, number, anns) for number in range(len(BODIES[route]))]
    have = {shown(place) for whole in wholes for place in paths(whole) if not OPEN & set(place[:-1])}
    assert {place for place in have if not place.endswith("[]")} == set(described(schema, body))


def test_these_are_all_operations_with_a_body() -> None:
    assert set(BODIES) == set(WITH_BODY)


@pytest.mark.parametrize(("route", "number"), CASES)
def test_a_value_of_a_wrong_type_is_refused_with_its_place(
    ann: Wire, anns: World, whole: Json, route: str, number: int
) -> None:
    for path, value, body in bodies(route, number, anns):
        wrong: Json = "yes" if isinstance(value, bool) else [] if "attributes" in path[:-1] else True
        is_one_of_several = is_word(value) or path[-1] == "require_approval"
        codes = ("invalid_type", "invalid_value") if is_one_of_several else ("invalid_type",)
        wrong_at(ann, anns, route, changed(body, path, wrong), path, *codes)
    assert everything(ann, anns) == whole


def is_word(value: Json) -> bool:
    """Whether a value may be one of some words."""
    return isinstance(value, str | dict)


@pytest.mark.parametrize(("route", "number"), CASES)
def test_an_unknown_field_of_any_object_is_refused_with_its_place(
    ann: Wire, anns: World, whole: Json, route: str, number: int
) -> None:
    for path, value, body in [((), {}, body_of(route, number, anns)), *bodies(route, number, anns)]:
        if isinstance(value, dict) and not OPEN & set(path):
            surprise = (*path, "surprise")
            wrong_at(ann, anns, route, changed(body, surprise, 1), surprise, "unknown_parameter")
    assert everything(ann, anns) == whole


@pytest.mark.parametrize(("route", "number"), CASES)
def test_a_text_that_cannot_be_is_refused_with_its_place(
    ann: Wire, anns: World, whole: Json, route: str, number: int
) -> None:
    for path, value, body in bodies(route, number, anns):
        if isinstance(value, str) and not FREE & set(path):
            wrong_at(ann, anns, route, changed(body, path, f"{value}\0"), path, "invalid_value")
            codes = ("string_above_max_length", "invalid_value")
            wrong_at(ann, anns, route, changed(body, path, "x" * 256_001), path, *codes)
    assert everything(ann, anns) == whole


@pytest.mark.parametrize(("route", "number"), CASES)
def test_a_number_beyond_all_bounds_is_refused_with_its_place(
    ann: Wire, anns: World, whole: Json, route: str, number: int
) -> None:
    for path, value, body in bodies(route, number, anns):
        if isinstance(value, int | float) and not isinstance(value, bool) and "attributes" not in path:
            for huge in (2**70, -(2**70), 1e300, 10**400):
                end = "above_max_value" if huge > 0 else "below_min_value"
                codes = (f"integer_{end}", f"decimal_{end}", "invalid_type")
                wrong_at(ann, anns, route, changed(body, path, huge), path, *codes)
    assert everything(ann, anns) == whole


REQUIRED = {
    "assistants": {"model"},
    "runs": {"assistant_id"},
    "uploads": {"filename", "purpose", "bytes", "mime_type"},
    "submit_tool_outputs": {"tool_outputs"},
    "complete": {"part_ids"},
    "search": {"query"},
    "files": {"file_id"},
    "{file_id}": {"attributes"},
    "messages": {"role", "content"},
}
"""The fields that bodies of an operation must have, by the last part of its path."""
REQUIRED_WITHIN = {
    "tools": {"type", "function"},
    "function": {"name"},
    "file_search.ranking_options": {"score_threshold"},
    "response_format": {"type", "json_schema"},
    "json_schema": {"name"},
    "messages": {"role", "content"},
    "additional_messages": {"role", "content"},
    "content": {"type", "text", "image_url", "image_file"},
    "image_url": {"url"},
    "image_file": {"file_id"},
    "attachments": {"file_id"},
    "chunking_strategy": {"type", "static"},
    "static": {"max_chunk_size_tokens", "chunk_overlap_tokens"},
    "truncation_strategy": {"type"},
    "tool_choice": {"type", "function"},
    "expires_after": {"days", "seconds"},
    "files": {"file_id"},
}
"""The same of what is in them, by the name of its field."""


def is_required(route: str, path: Path) -> bool:
    """Whether the contract wants a field."""
    *around, name = (step for step in path if isinstance(step, str))
    if not around:
        return name in REQUIRED.get(route.rsplit("/", 1)[1], ())
    if name == "anchor":
        return route == "POST /uploads"
    if around[-1] == "ranking_options":
        return around[-2:-1] == ["file_search"] and name == "score_threshold"
    return name in REQUIRED_WITHIN.get(around[-1], ())


def fields(route: str, number: int, world: World) -> Iterator[tuple[Path, Json]]:
    """The fields of a body, each with a body to change; not those that are called as their writer likes."""
    for path, _, body in bodies(route, number, world):
        if isinstance(path[-1], str) and not OPEN & set(path[:-1]):
            yield path, body


@pytest.mark.parametrize(("route", "number"), CASES)
def test_a_field_that_is_missing_is_told(ann: Wire, anns: World, whole: Json, route: str, number: int) -> None:
    for path, body in fields(route, number, anns):
        if is_required(route, path):
            wrong_at(ann, anns, route, without(body, path), path, "missing_required_parameter")
    assert everything(ann, anns) == whole


def renewed(wire: Wire, world: World, route: str) -> World:
    """The world with something new that the operation uses up."""
    if route == "POST /threads/{thread_id}/runs":
        return world | {"free": wire.thread("Hi")["id"]}
    if route.endswith("/submit_tool_outputs"):
        run = wire.waiting()
        call = run["required_action"]["submit_tool_outputs"]["tool_calls"][0]["id"]
        return world | {"thread": run["thread_id"], "run": run["id"], "call": call}
    if route.endswith("/complete"):
        about = {"filename": "a.txt", "purpose": "assistants", "bytes": len(SECRET), "mime_type": ""}
        upload = wire.make("/uploads", **about)
        part = ok(wire.post(f"/uploads/{upload['id']}/parts", files={"data": SECRET}))
        return world | {"upload": upload["id"], "part": part["id"]}
    return world


RULED = {"last_messages", "tool_call_id"}
"""Fields without which others make no sense, or that name what there is."""


def is_ruled(route: str, path: Path) -> bool:
    """Whether a field may be left out by the look of it, and yet is missed."""
    return path[-1] in RULED or (route.endswith("/file_batches") and path in (("file_ids",), ("files",)))


@pytest.mark.parametrize(("route", "number"), CASES)
def test_what_is_not_required_may_be_left_out(bob: Wire, bobs: World, route: str, number: int) -> None:
    for path, _ in fields(route, number, bobs):
        if not is_required(route, path) and not is_ruled(route, path):
            world = renewed(bob, bobs, route)
            answer = Call(route, world, without(body_of(route, number, world), path)).send(bob)
            assert answer.status_code == 200, (path, answer.text)


@pytest.mark.parametrize(("route", "number"), CASES)
def test_null_is_as_good_as_leaving_a_field_out(bob: Wire, bobs: World, route: str, number: int) -> None:
    for path, _ in fields(route, number, bobs):
        world = renewed(bob, bobs, route)
        body = changed(body_of(route, number, world), path, None)
        answer = Call(route, world, body).send(bob)
        if path == ("attributes",) or not (is_required(route, path) or is_ruled(route, path)):
            assert answer.status_code == 200, (path, answer.text)
        elif not is_ruled(route, path):
            refused(answer, 400, type="invalid_request_error", param=spelled(path))
        else:
            refused(answer, 400, type="invalid_request_error")
