"""Structured output, through both dialects: schemas are checked when they come, answers before they are shown."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from projectdavid.adapters.providers.scripted import ScriptedProvider, say
from projectdavid.adapters.providers.scripted.script import Scene
from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.engine.deltas import FinishDelta, RefusalDelta, TokenUsage
from projectdavid.engine.prompt import ModelRequest
from tests.compat.behaviours.wire import Wire, names, path_of
from tests.compat.behaviours.wire import refused as refused_by_dialect
from tests.server.conftest import serving
from tests.server.script import call
from tests.server.talking import WEATHER, Caller, Json, ok, refused

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "list": {"type": "array", "items": {"enum": ["x", "y"]}}},
    "required": ["a"],
    "additionalProperties": False,
}
GOOD, WRONG, WRONG_AGAIN = '{"a": 1}', '{"a": "one"}', '{"a": 1, "b": 2}'
CALL, REFUSAL = "<call>", "<refusal>"
INVALID = "The answer does not match the response format. "


def by_schema(schema: Json = SCHEMA, **fields: Json) -> Json:
    """A response format with a schema."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, **fields}}


class Model:
    """A model that gives the answers that the user's message lists, one after the other."""

    def __init__(self) -> None:
        self.asked: dict[str, list[ModelRequest]] = {}
        self.provider = ScriptedProvider(scene_for=self.play)

    def play(self, ask: ModelRequest) -> Scene:
        wanted = next(str(message.content) for message in ask.messages if str(message.content).startswith('{"id"'))
        asked = self.asked.setdefault(wanted, [])
        asked.append(ask)
        answer = json.loads(wanted)["answers"][len(asked) - 1]
        if answer == CALL:
            return call(("get_weather", '{"city": "Oslo"}'))
        if answer == REFUSAL:
            return [[RefusalDelta(("I will not.",))], [FinishDelta("stop"), TokenUsage(10, 3)]]
        return say(answer) if answer else [[FinishDelta("stop"), TokenUsage(10, 0)]]


class Answered:
    """A run that is over, with what was asked and what can be read."""

    def __init__(self, user: Caller, run_id: str, thread_id: str, asked: list[ModelRequest]) -> None:
        self.run = ok(user.get(f"/v1/runs/{run_id}"))
        self.asked = asked
        self.events = list(user.events(self.run))
        self.texts = [text for role, text in user.texts({"id": thread_id}) if role == "assistant"]
        self.warnings = {warning["code"]: warning["message"] for warning in self.run["warnings"]}


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[EmbeddedPlatform]:
    with serving(tmp_path_factory.mktemp("formats"), providers={"scripted": model.provider}) as server:
        yield server


@pytest.fixture(scope="module")
def user(server: EmbeddedPlatform) -> Iterator[Caller]:
    with Caller(server.base_url, "", server.admin_api_key) as user:
        yield user


@pytest.fixture(scope="module")
def wire(server: EmbeddedPlatform, user: Caller) -> Iterator[Wire]:
    with Wire(server.base_url, user.key) as wire:
        yield wire


class Speaker:
    """Lets a model answer in a format, in one of the dialects."""

    def __init__(self, dialect: str, user: Caller, wire: Wire, model: Model) -> None:
        self.dialect, self.user, self.wire, self.model = dialect, user, wire, model

    def ask(self, response_format: Json, *answers: str, **fields: Json) -> Answered:
        said = json.dumps({"id": uuid4().hex, "answers": answers})
        if self.dialect == "native":
            run = self.user.run("scripted/x", self.user.thread(said), response_format=response_format, **fields)
            list(self.user.events(run))
        else:
            run = self.wire.done("x", thread=self.wire.thread(said), response_format=response_format, **fields)
        return Answered(self.user, run["id"], run["thread_id"], self.model.asked[said])


@pytest.fixture(params=["native", "openai"])
def speaker(request: pytest.FixtureRequest, user: Caller, wire: Wire, model: Model) -> Speaker:
    return Speaker(request.param, user, wire, model)


def inside(schema: Json) -> Json:
    """A schema with another in it, as the property `p`."""
    return {"type": "object", "properties": {"p": schema}}


BAD_SCHEMAS: dict[str, tuple[Json, str, str]] = {
    "an unknown type": (inside({"type": "strin"}), "properties.p.type", "'string'"),
    "a type that is a number": (inside({"type": 5}), "properties.p.type", "'string'"),
    "an unknown type in a list": (inside({"type": ["string", "x"]}), "properties.p.type", "'string'"),
    "properties in an array": (inside({"properties": []}), "properties.p.properties", "object"),
    "items that are no schema": (inside({"items": 5}), "properties.p.items", "object"),
    "a wrong schema in a list": (
        inside({"anyOf": [{}, {"type": "no"}]}),
        "properties.p.anyOf.1.type",
        "'string'",
    ),
    "an empty choice": (inside({"anyOf": []}), "properties.p.anyOf", "1 item"),
    "required as a string": ({"required": "a"}, "required", "array"),
    "required with a number": ({"required": ["a", 1]}, "required.1", "string"),
    "a negative length": (inside({"minLength": -1}), "properties.p.minLength", "minimum of 0"),
    "a limit as a string": (inside({"minimum": "1"}), "properties.p.minimum", "number"),
    "values that are no list": (inside({"enum": "x"}), "properties.p.enum", "array"),
    "an invalid pattern": (inside({"pattern": "("}), "properties.p.pattern", "regular expression"),
    "a pattern with a back reference": (inside({"pattern": r"(a)\1"}), "properties.p.pattern", "back references"),
    "a pattern that looks ahead": (inside({"pattern": "(?=a)b"}), "properties.p.pattern", "lookaround"),
    "an enormous pattern": (inside({"pattern": r"(\w{900}){900}"}), "properties.p.pattern", "short"),
    "an invalid pattern of names": (
        inside({"patternProperties": {"(": {}}}),
        "properties.p.patternProperties.(",
        "regular expression",
    ),
    "many patterns": (
        {"properties": {f"p{n}": {"pattern": "^a"} for n in range(65)}},
        "properties.p64",
        "64 regular expressions",
    ),
    "a reference to the web": (inside({"$ref": "https://example.com/x"}), "properties.p.$ref", "does not fetch"),
    "a reference to a file": (inside({"$ref": "file:///etc/passwd"}), "properties.p.$ref", "does not fetch"),
    "a reference to nothing": (inside({"$ref": "#/$defs/x"}), "properties.p.$ref", "'#/$defs/x'"),
    "a reference to an unknown anchor": (inside({"$ref": "#x"}), "properties.p.$ref", "'#x'"),
    "a reference that is no text": (inside({"$ref": 5}), "properties.p.$ref", "string"),
    "a reference to a number": (inside({"$ref": "#/maxItems"}) | {"maxItems": 5}, "properties.p.$ref", "schema"),
    "an id inside": (inside({"$id": "https://example.com/x"}), "properties.p.$id", "'$defs'"),
    "an unknown draft": ({"$schema": "https://example.com/mine"}, "$schema", "2020-12"),
}


@pytest.mark.parametrize(("schema", "path", "expected"), BAD_SCHEMAS.values(), ids=BAD_SCHEMAS)
def test_a_schema_that_cannot_be_used_is_refused_with_the_path_of_its_fault(
    user: Caller, wire: Wire, schema: Json, path: str, expected: str
) -> None:
    form, param = by_schema(schema), f"response_format.json_schema.schema.{path}"
    mine, thread = user.assistant(), user.thread("Hi")
    before = ok(user.get("/v1/assistants")), ok(user.get("/v1/runs"))
    for answer in (
        user.post("/v1/assistants", json={"model": "m", "response_format": form}),
        user.put(f"/v1/assistants/{mine['id']}", json={"response_format": form}),
        user.post("/v1/runs", json={"assistant_id": mine["id"], "thread_id": thread["id"], "response_format": form}),
    ):
        message = refused(answer, 422, "invalid_value", param)
        assert message.startswith(f"{param}: expected ")
        assert expected in message
    bracketed = ".".join(["response_format.json_schema.schema", path]).replace(".1", "[1]")
    for path_of_route, body in (
        ("/assistants", {"model": "m"}),
        (f"/assistants/{mine['id']}", {}),
        (f"/threads/{thread['id']}/runs", {"assistant_id": mine["id"]}),
        ("/threads/runs", {"assistant_id": mine["id"]}),
    ):
        answer = wire.post(path_of_route, json={**body, "response_format": form})
        message = refused_by_dialect(answer, 400, param=bracketed, code=None)["message"]
        assert message.startswith("Invalid schema for response_format 'answer': In context=(")
        assert expected in message
    assert before == (ok(user.get("/v1/assistants")), ok(user.get("/v1/runs")))


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        ({"type": "json_schema"}, "missing_field", "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": 5}, "invalid_value", "response_format.json_schema"),
        (by_schema([]), "invalid_value", "response_format.json_schema.schema"),
        (by_schema("x"), "invalid_value", "response_format.json_schema.schema"),
    ],
)
def test_a_format_without_a_schema_in_its_place_is_refused(user: Caller, form: Json, code: str, param: str) -> None:
    refused(user.post("/v1/assistants", json={"model": "m", "response_format": form}), 422, code, param)


GOOD_SCHEMAS: dict[str, Json] = {
    "of any value": {},
    "with unknown keywords": inside({"type": "integer", "x-mine": {"type": "strin"}}),
    "of another draft": {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"d": {}}},
    "with an id": {"$id": "https://example.com/x", **SCHEMA},
    "with properties named like keywords": {"properties": {"$ref": {}, "$id": {"type": "string"}, "type": {}}},
    "with values like keywords": {"default": {"$ref": "https://example.com"}, "examples": [{"type": "strin"}]},
    "recursive": {"properties": {"children": {"type": "array", "items": {"$ref": "#"}}}},
    "with an anchor": {"$defs": {"d": {"$anchor": "here", "type": "object"}}, "$ref": "#here"},
    "that leads to itself": {"$defs": {"d": {"$ref": "#/$defs/e"}, "e": {"$ref": "#/$defs/d"}}, "$ref": "#/$defs/d"},
    "with escapes in a reference": {"$defs": {"a/b é": {"type": "object"}}, "$ref": "#/$defs/a~1b%20é"},
}


@pytest.mark.parametrize("schema", GOOD_SCHEMAS.values(), ids=GOOD_SCHEMAS)
def test_a_schema_of_any_usual_kind_is_taken_and_reaches_the_model_as_it_is(speaker: Speaker, schema: Json) -> None:
    answered = speaker.ask(by_schema(schema, strict=True), GOOD)
    (ask,) = answered.asked
    assert json.dumps(ask.response_format) == json.dumps(by_schema(schema, strict=True))
    assert (answered.run["status"], answered.texts, answered.warnings) == ("completed", [GOOD], {})


ANSWERS: dict[str, tuple[list[str], list[str], str | None]] = {
    "right": ([GOOD], [GOOD], None),
    "right, with white space": ([f"\n {GOOD}\n"], [f"\n {GOOD}\n"], None),
    "wrong, then right": ([WRONG, GOOD], [GOOD], None),
    "wrong twice": ([WRONG, WRONG_AGAIN], [WRONG_AGAIN], "'b' was unexpected"),
    "a field is missing twice": (["{}", "{}"], ["{}"], '"a" is a required property'),
    "a wrong value deep inside": ([WRONG, '{"a": 1, "list": ["z"]}'], ['{"a": 1, "list": ["z"]}'], "$.list[0]: "),
    "in a code fence, then right": ([f"```json\n{GOOD}\n```", GOOD], [GOOD], None),
    "in a code fence twice": ([f"```json\n{GOOD}\n```"] * 2, [f"```json\n{GOOD}\n```"], "code fence"),
    "with a word before": ([f"Sure: {GOOD}", GOOD], [GOOD], None),
    "no JSON twice": (["Sorry.", "Sorry."], ["Sorry."], "not valid JSON"),
    "not a number": (['{"a": NaN}', GOOD], [GOOD], None),
    "half a character": (['{"a": "\\ud83d"}', GOOD], [GOOD], None),
    "nested without end": (["[" * 30_000, GOOD], [GOOD], None),
    "empty, then right": (["", GOOD], [GOOD], None),
    "empty twice": (["", ""], [], "It is empty"),
    "a refusal": ([REFUSAL], [[{"type": "refusal", "refusal": "I will not."}]], None),
    "wrong, then a refusal": ([WRONG, REFUSAL], [[{"type": "refusal", "refusal": "I will not."}]], None),
}


@pytest.mark.parametrize(("answers", "texts", "warning"), ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("strict", [True, None])
def test_an_answer_that_is_not_as_its_schema_says_is_asked_for_once_more_and_then_reported(
    speaker: Speaker, answers: list[str], texts: list[Any], warning: str | None, strict: bool | None
) -> None:
    answered = speaker.ask(by_schema(strict=strict) if strict else by_schema(), *answers)
    assert len(answered.asked) == len(answers)
    assert answered.run["status"] == "completed"
    assert [_told(text) for text in answered.texts] == texts
    assert ("invalid_output" in answered.warnings) is (warning is not None)
    if warning is not None:
        assert answered.warnings["invalid_output"].startswith(INVALID)
        assert warning in answered.warnings["invalid_output"]
    assert answered.run["usage"]["prompt_tokens"] == 10 * len(answers)


def _told(text: Any) -> Any:
    return [{"type": part["type"], part["type"]: part[part["type"]]} for part in text] if text != str(text) else text


FORMATS: dict[str, tuple[Json, list[str], str | None]] = {
    "json_object, an object": ({"type": "json_object"}, ["{}"], None),
    "json_object, a list, then an object": ({"type": "json_object"}, ["[]", "{}"], None),
    "json_object, a list twice": ({"type": "json_object"}, ["[]", "[]"], "expected a JSON object"),
    "json_object, no JSON twice": ({"type": "json_object"}, ["{", "{"], "not valid JSON"),
    "a schema that is left out": ({"type": "json_schema", "json_schema": {"name": "n"}}, ["No", "[1]"], None),
    "text": ({"type": "text"}, ["No"], None),
    "auto": ("auto", ["No"], None),
}
WORDS: dict[str, tuple[Json, list[str], str | None]] = {
    "json": ("json", ["[1]"], None),
    "json, no JSON, then JSON": ("json", ["No", "5"], None),
    "the word json_object": ("json_object", ["[1]", "{}"], None),
    "a format of its own": ({"type": "grammar", "grammar": "x"}, ["No"], None),
    "the word html": ("html", ["<p>"], None),
}


@pytest.mark.parametrize(("form", "answers", "warning"), FORMATS.values(), ids=FORMATS)
def test_a_format_without_a_schema_is_checked_for_what_it_says(
    speaker: Speaker, form: Json, answers: list[str], warning: str | None
) -> None:
    answered = speaker.ask(form, *answers)
    assert (len(answered.asked), answered.texts) == (len(answers), answers[-1:])
    assert warning in answered.warnings.get("invalid_output", "") if warning else not answered.warnings


@pytest.mark.parametrize(("form", "answers", "warning"), WORDS.values(), ids=WORDS)
def test_the_formats_of_the_native_api_alone_are_checked_the_same_way(
    user: Caller, wire: Wire, model: Model, form: Json, answers: list[str], warning: str | None
) -> None:
    test_a_format_without_a_schema_is_checked_for_what_it_says(
        Speaker("native", user, wire, model), form, answers, warning
    )


def test_the_second_question_has_the_wrong_answer_and_the_error_and_leaves_no_trace_in_the_thread(
    speaker: Speaker,
) -> None:
    answered = speaker.ask(by_schema(), WRONG, GOOD)
    first, second = answered.asked
    assert second.messages[: len(first.messages)] == first.messages
    wrong, request = second.messages[len(first.messages) :]
    assert (wrong.role, wrong.content, request.role) == ("assistant", WRONG, "user")
    assert '$.a: the value is not of type "integer"' in str(request.content)
    thread = speaker.user.texts({"id": answered.run["thread_id"]})
    assert [role for role, _ in thread] == ["user", "assistant"]


def test_readers_of_events_see_the_wrong_answer_discarded_and_the_reason(
    user: Caller, wire: Wire, model: Model
) -> None:
    answered = Speaker("native", user, wire, model).ask(by_schema(), WRONG, GOOD)
    told = [event for event in answered.events if event["type"] not in ("status", "content")]
    kinds = ["message_created", "message_discarded", "retry", "message_created", "message_completed"]
    assert [event["type"] for event in told] == kinds
    assert told[0]["message_id"] == told[1]["message_id"] != told[3]["message_id"]
    error = told[2]["error"]
    assert error == {"code": "invalid_output", "message": f'{INVALID}$.a: the value is not of type "integer".'}


def test_streams_of_the_dialect_show_the_wrong_answer_as_an_incomplete_message(wire: Wire) -> None:
    said = json.dumps({"id": uuid4().hex, "answers": [WRONG, GOOD]})
    frames = wire.told("x", wire.thread(said), response_format=by_schema())
    told = [name for name in names(frames) if name.startswith("thread.message") and not name.endswith("delta")]
    message = ["thread.message.created", "thread.message.in_progress"]
    assert told == [*message, "thread.message.incomplete", *message, "thread.message.completed"]
    assert names(frames)[-2:] == ["thread.run.completed", "done"]
    run = next(frame.data for frame in frames if frame.event == "thread.run.completed")
    assert [message["role"] for message in wire.messages(run["thread_id"])] == ["user", "assistant"]
    assert wire.read(path_of(run))["usage"]["prompt_tokens"] == 20


def test_an_answer_after_calls_is_checked_and_the_calls_are_not_repeated(user: Caller, model: Model) -> None:
    said = json.dumps({"id": uuid4().hex, "answers": [CALL, WRONG, GOOD]})
    run = user.run("scripted/x", user.thread(said), tools=[WEATHER], response_format=by_schema())
    waiting = user.until(run, "action_required")
    ok(user.submit(waiting, (waiting["actions"][0]["tool_call_id"], "Rain")))
    run = user.until(run, "completed")
    assert [ask.messages[-1].role for ask in model.asked[said]] == ["user", "tool", "user"]
    assert (len(run["actions"]), run["warnings"], run["usage"]["prompt_tokens"]) == (1, [], 40)


@pytest.mark.parametrize("limit", [{"max_turns": 1}, {"max_completion_tokens": 2}, {"max_prompt_tokens": 10}])
def test_a_run_at_its_limit_keeps_a_wrong_answer_and_reports_it_at_once(
    user: Caller, wire: Wire, model: Model, limit: Json
) -> None:
    speaker = Speaker("native", user, wire, model)
    if "max_prompt_tokens" in limit:
        limit = {"max_prompt_tokens": 10, "truncation_strategy": "disabled"}
    answered = speaker.ask(by_schema(), WRONG, **limit)
    assert (answered.run["status"], answered.texts) == ("completed", [WRONG])
    assert "$.a" in answered.warnings["invalid_output"]


def doubling(levels: int) -> Json:
    """A schema whose definitions each refer to the next one twice."""
    definitions = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$defs": {**definitions, f"d{levels}": {}}, "$ref": "#/$defs/d0"}


HOSTILE: dict[str, tuple[Json, str]] = {
    "definitions that double": (doubling(60), GOOD),
    "recursion that doubles": (
        {"$defs": {"n": {"allOf": [{"properties": {"a": {"$ref": "#/$defs/n"}}}] * 2}}, "$ref": "#/$defs/n"},
        '{"a":' * 100 + "1" + "}" * 100,
    ),
    "properties that are looked at again and again": (
        {
            "$defs": {
                **{f"d{n}": {"$ref": f"#/$defs/d{n + 1}", "unevaluatedProperties": True} for n in range(40)},
                "d40": {"properties": {"a": {}}},
            },
            "$ref": "#/$defs/d0",
        },
        GOOD,
    ),
}


@pytest.mark.parametrize(("schema", "answer"), HOSTILE.values(), ids=HOSTILE)
def test_a_schema_that_would_take_forever_is_reported_and_not_followed(
    speaker: Speaker, schema: Json, answer: str
) -> None:
    answered = speaker.ask(by_schema(json.loads(json.dumps(schema))), answer, answer)
    assert "too many values" in answered.warnings["invalid_output"]


def test_a_backtracking_pattern_is_matched_in_linear_time(speaker: Speaker) -> None:
    form = by_schema({"type": "string", "pattern": "^(a+)+$"})
    answer = json.dumps("a" * 50_000 + "b")
    assert "$: the value does not match" in speaker.ask(form, answer, answer).warnings["invalid_output"]
