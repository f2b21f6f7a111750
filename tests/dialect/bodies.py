"""Bodies that say everything that a body of their operation can say, and what is made of them by changing one place."""

import json
from collections.abc import Iterator

from tests.dialect.routes import Body, Json, World
from tests.server.talking import WEATHER

Path = tuple[str | int, ...]
"""Where something is in a body: names of fields, and places in lists."""

METADATA = {"key": "value"}
FUNCTION = {"type": "function", "function": {**WEATHER["function"], "strict": True}, "require_approval": True}
RANKING: Json = {"score_threshold": 0.5, "ranker": "auto"}
SEARCH: Json = {"ranking_options": {**RANKING, "hybrid_search": None}, "max_num_results": 5}
TOOLS: Json = [FUNCTION, {"type": "file_search", "file_search": SEARCH}, {"type": "code_interpreter"}]
FORMAT: Json = {
    "type": "json_schema",
    "json_schema": {"name": "n", "description": "d", "schema": {"type": "object"}, "strict": True},
}
CHUNKS: Json = {"type": "static", "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 100}}
FREE = frozenset({"parameters", "schema", "filters", "require_approval", "tool_approvals"})
"""Fields that hold whatever their writer likes; filters, which are within one another; and those about approvals, whose
forms `tests/server/test_approvals.py` tries.
"""


def _assistant(resources: Json) -> Json:
    return {
        "name": "n",
        "description": "d",
        "instructions": "i",
        "model": "scripted/script",
        "tools": TOOLS,
        "tool_resources": resources,
        "metadata": METADATA,
        "temperature": 0.5,
        "top_p": 0.5,
        "response_format": FORMAT,
        "reasoning_effort": "low",
        "approval": {"seconds": 60, "on_expiry": "deny"},
    }


def _resources(world: World) -> Json:
    """What tools may use, of what there is."""
    search = {"vector_store_ids": [world["vector_store"]]}
    return {"code_interpreter": {"file_ids": [world["file"]]}, "file_search": search}


def _new_resources(world: World) -> Json:
    """The same with a store that is made."""
    store = {"file_ids": [world["file"]], "chunking_strategy": CHUNKS, "metadata": METADATA}
    return {**_resources(world), "file_search": {"vector_stores": [store]}}


def _message(world: World) -> Json:
    content = [
        {"type": "text", "text": "t"},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
        {"type": "image_file", "image_file": {"file_id": world["image"], "detail": "low"}},
    ]
    attachments = [{"file_id": world["file"], "tools": [{"type": "file_search"}, {"type": "code_interpreter"}]}]
    return {"role": "user", "content": content, "attachments": attachments, "metadata": METADATA}


def _run(world: World, choice: Json) -> Json:
    return {
        "assistant_id": world["assistant"],
        "model": "scripted/script",
        "instructions": "i",
        "tools": TOOLS,
        "tool_resources": _resources(world),
        "metadata": METADATA,
        "temperature": 0.5,
        "top_p": 0.5,
        "stream": False,
        "max_prompt_tokens": 256,
        "max_completion_tokens": 256,
        "truncation_strategy": {"type": "last_messages", "last_messages": 1},
        "tool_choice": choice,
        "parallel_tool_calls": False,
        "response_format": FORMAT,
    }


def _thread(world: World, resources: Json) -> Json:
    return {"messages": [_message(world)], "tool_resources": resources, "metadata": METADATA}


NAMED: Json = {"type": "function", "function": {"name": "get_weather"}}
SEARCHED: Json = {"type": "file_search"}
ATTACHED: Json = {"chunking_strategy": CHUNKS, "attributes": {"text": "t", "number": 1.5}}

BODIES: dict[str, list[Body]] = {
    "POST /assistants": [lambda world: _assistant(_resources(world)), lambda world: _assistant(_new_resources(world))],
    "POST /assistants/{assistant_id}": [lambda world: _assistant(_resources(world))],
    "POST /threads": [
        lambda world: _thread(world, _resources(world)),
        lambda world: _thread(world, _new_resources(world)),
    ],
    "POST /threads/{thread_id}": [lambda world: {"tool_resources": _resources(world), "metadata": METADATA}],
    "POST /threads/runs": [
        lambda world: {
            **_run(world, NAMED),
            "thread": _thread(world, _resources(world)),
        },
        lambda world: {**_run(world, SEARCHED), "thread": _thread(world, _new_resources(world))},
    ],
    "POST /threads/{thread_id}/messages": [_message, lambda world: {**_message(world), "content": "c"}],
    "POST /threads/{thread_id}/messages/{message_id}": [lambda _: {"metadata": METADATA}],
    "POST /threads/{thread_id}/runs": [
        lambda world: {
            **_run(world, NAMED),
            "reasoning_effort": "low",
            "additional_instructions": "a",
            "additional_messages": [_message(world)],
        },
        lambda world: {**_run(world, SEARCHED), "response_format": {"type": "text"}},
    ],
    "POST /threads/{thread_id}/runs/{run_id}": [lambda _: {"metadata": METADATA}],
    "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs": [
        lambda world: {
            "tool_outputs": [{"tool_call_id": world["call"], "output": "rain"}],
            "tool_approvals": [],
            "stream": False,
        }
    ],
    "POST /uploads": [
        lambda _: {
            "filename": "a.txt",
            "purpose": "assistants",
            "bytes": 1,
            "mime_type": "text/plain",
            "expires_after": {"anchor": "created_at", "seconds": 3600},
        }
    ],
    "POST /uploads/{upload_id}/complete": [
        lambda world: {"part_ids": [world["part"]], "md5": "8b32185212f8625d1752b360f224fba2"}
    ],
    "POST /vector_stores": [
        lambda world: {
            "name": "n",
            "description": "d",
            "file_ids": [world["file"]],
            "expires_after": {"anchor": "last_active_at", "days": 1},
            "chunking_strategy": CHUNKS,
            "metadata": METADATA,
        }
    ],
    "POST /vector_stores/{vector_store_id}": [
        lambda _: {"name": "n", "expires_after": {"anchor": "last_active_at", "days": 1}, "metadata": METADATA}
    ],
    "POST /vector_stores/{vector_store_id}/files": [lambda world: {"file_id": world["file"], **ATTACHED}],
    "POST /vector_stores/{vector_store_id}/files/{file_id}": [lambda _: {"attributes": {"text": "t", "number": 1.5}}],
    "POST /vector_stores/{vector_store_id}/file_batches": [
        lambda world: {"file_ids": [world["file"]], **ATTACHED},
        lambda world: {"files": [{"file_id": world["file"], **ATTACHED}]},
    ],
    "POST /vector_stores/{vector_store_id}/search": [
        lambda _: {
            "query": ["secret"],
            "rewrite_query": False,
            "max_num_results": 5,
            "filters": {"type": "eq", "key": "k", "value": "v"},
            "ranking_options": {"ranker": "auto", "score_threshold": 0.5},
        }
    ],
}
CASES = [(route, number) for route, bodies in BODIES.items() for number in range(len(bodies))]


def body_of(route: str, number: int, world: World) -> Json:
    """A whole body of an operation, which shares nothing with another."""
    return json.loads(json.dumps(BODIES[route][number](world)))


def paths(value: Json, at: Path = ()) -> Iterator[Path]:
    """All places in a body."""
    if at:
        yield at
    if at and at[-1] in FREE:
        return
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in inner:
        yield from paths(one, (*at, step))


def value_at(value: Json, path: Path) -> Json:
    """What is in a place."""
    for step in path:
        value = value[step]
    return value


def changed(value: Json, path: Path, new: Json) -> Json:
    """The body with something else in a place."""
    value_at(value, path[:-1])[path[-1]] = new
    return value


def without(value: Json, path: Path) -> Json:
    """The body without what is in a place."""
    del value_at(value, path[:-1])[path[-1]]
    return value


def spelled(path: Path) -> str:
    """What errors call a place: `tools[1].function.name`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
