"""What the walks of the official clients observe, by the id of the behaviour."""

from typing import Any

BEGIN = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
MESSAGE = [
    "thread.run.step.created",
    "thread.run.step.in_progress",
    "thread.message.created",
    "thread.message.in_progress",
    "thread.message.delta",
    "thread.message.completed",
    "thread.run.step.completed",
]
CALLS = ["thread.run.step.created", "thread.run.step.in_progress", "thread.run.step.delta"]
WAITS = [*BEGIN, *CALLS, "thread.run.requires_action"]
SUBMITTED = ["thread.run.step.completed", "thread.run.queued", "thread.run.in_progress"]
ANSWERED = [*SUBMITTED, *MESSAGE, "thread.run.completed"]
SEARCHED = [*BEGIN, *CALLS, "thread.run.step.completed", *MESSAGE, "thread.run.completed"]

HELLO = "Hello from the script."
BOTH = "They said: rain and sun"
OSLO, ROME = '{"city": "Oslo"}', '{"city": "Rome"}'
BUSY = "Thread <thread> already has an active run <run>."
NOBODY = "0" * 24


def bad(message: str, code: str | None = None, param: str | None = None) -> list[Any]:
    """A refusal with 400."""
    return ["BadRequestError", 400, message, code, param]


def missing(message: str, code: str | None = None, param: str | None = None) -> list[Any]:
    """A refusal with 404."""
    return ["NotFoundError", 404, message, code, param]


def too_long(param: str, what: str, most: int, found: int) -> list[Any]:
    """A refusal of a list or a text."""
    article = "an" if what == "array" else "a"
    wanted = f"Expected {article} {what} with maximum length {most}"
    message = f"Invalid '{param}': {what} too long. {wanted}, but got {article} {what} with length {found} instead."
    return bad(message, f"{what}_above_max_length", param)


TALKING: dict[str, Any] = {
    "client.text-poll": ["completed", HELLO, 14],
    "client.text-stream": [*BEGIN, *MESSAGE, "thread.run.completed"],
    "client.handler": [
        {
            "message created": 1,
            "message done": 1,
            "step created": 1,
            "step done": 1,
            "text created": 1,
            "text done": 1,
        },
        True,
        HELLO,
    ],
    "client.finals": ["completed", 1, [HELLO]],
    "client.text-deltas": HELLO,
    "client.create-and-run-stream": ["thread.created", "thread.run.completed", "completed"],
    "client.create-and-run-poll": ["completed", HELLO],
    "client.cancel": ["thread.run.cancelled", "cancelled", "incomplete", "run_cancelled"],
    "client.cancel-waiting": ["cancelled", None],
    "client.expire": ["requires_action", "expired", 'Runs in status "expired" do not accept tool outputs.'],
    "client.expire-stream": "thread.run.expired",
    "client.incomplete": ["incomplete", "max_completion_tokens", "incomplete", "max_tokens"],
    "client.failed": ["failed", "server_error"],
    "client.failed-stream": "thread.run.failed",
    "client.overrides": [
        ["user", "More"],
        {
            "temperature": 0.5,
            "top_p": 0.25,
            "parallel_tool_calls": False,
            "response_format": {"type": "json_object"},
            "tools": ["get_weather"],
        },
        True,
    ],
}
TOOLS: dict[str, Any] = {
    "client.submit-and-poll": [
        "requires_action",
        [["get_weather", OSLO], ["get_weather", ROME]],
        "completed",
        BOTH,
    ],
    "client.submit-stream": [WAITS, ANSWERED, BOTH],
    "client.submit-raw-stream": ANSWERED,
    "client.call-handler": [2, 2, [[0, "get_weather", OSLO], [1, "get_weather", ROME]]],
    "client.chain": [["requires_action", "requires_action", "completed"], BOTH],
    "client.text-before-call": ["requires_action", ["Let me look."]],
    "client.citation": ["completed", "file_citation", True, True, True],
    "client.citation-stream": [SEARCHED, True, "handbook.md", True, True],
    "client.attachment": ["completed", [True]],
    "client.code": [
        "completed",
        "print(1 + 1)",
        ["logs", "image"],
        "plot.png",
        "sandbox:/mnt/data/table.csv",
        "x,y\n1,2\n",
    ],
    "client.code-handler": [[True, True, True], "print(1 + 1)", ["logs", "image"]],
    "client.mixed": ["requires_action", 1, "completed"],
}
STORING: dict[str, Any] = {
    "client.files": ["a.txt", 5, "assistants", True, "hello", True, True, "file"],
    "client.files-wait": True,
    "client.upload-parts": ["completed", True],
    "client.upload-cancel": ["pending", "upload.part", "cancelled"],
    "client.store-upload-and-poll": ["completed", "completed", 1, "Zoo"],
    "client.store-create-and-poll": [
        "completed",
        {"legs": 4},
        {"legs": 5},
        "Zebras are striped.",
        "vector_store.file.deleted",
        [],
    ],
    "client.batch-upload-and-poll": ["completed", 3, "vector_store.files_batch", 3],
    "client.batch-create-and-poll": ["completed", 2],
    "client.search": [True, "handbook.md", {"year": 2024}, True, True, []],
    "client.stores": [2, {"a": "1"}, "B", True, "vector_store.deleted"],
    "client.store-chunks": {
        "type": "static",
        "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50},
    },
    "client.models": ["model", True],
}
OBJECTS: dict[str, Any] = {
    "client.assistants": [
        "Ada",
        ["code_interpreter", "function"],
        {"a": "1"},
        True,
        "Eve",
        "Be kind.",
        True,
        "assistant.deleted",
    ],
    "client.threads": [
        {"a": "1"},
        {"b": "2"},
        "Hi",
        {"c": "3"},
        "thread.message.deleted",
        [],
        "thread.deleted",
    ],
    "client.parts": ["high", "auto"],
    "client.pages": ["01234", "43210"],
    "client.pages-of-all": [["tool_calls", "message_creation"], [True], True],
    "client.request-id": True,
    "client.poll-header": True,
    "client.error-key": ["AuthenticationError", 401],
    "client.error-unknown": [
        missing("No assistant found with id '<asst>'."),
        missing("No thread found with id '<thread>'."),
        missing("No such File object: fake_id", param="id"),
        missing("The model 'fake_id' does not exist", "model_not_found", "model"),
    ],
    "client.error-busy": [
        bad("Can't add messages to <thread> while a run <run> is active."),
        bad(BUSY),
        bad(BUSY),
    ],
    "client.error-outputs": [
        bad("Expected tool outputs for call_ids ['<call>', '<call>'], got ['<call>']"),
        bad('Runs in status "completed" do not accept tool outputs.'),
    ],
    "client.error-cancel": bad("Cannot cancel run with status 'completed'."),
    "client.error-limits": [
        too_long("tools", "array", 128, 129),
        too_long("name", "string", 256, 257),
        bad("Unknown parameter: 'foo'.", "unknown_parameter", "foo"),
        bad(
            "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
            "but got an object with 17 properties instead.",
            "object_above_max_properties",
            "metadata",
        ),
        bad(
            "Invalid 'thread_id': 'undefined'. Expected an ID that begins with 'thread'.", "invalid_value", "thread_id"
        ),
    ],
}
COMMON = TALKING | TOOLS | STORING | OBJECTS
PYTHON = COMMON | {"client.async": ["requires_action", "They said: rain"]}
NODE = COMMON | {"client.readable-stream": ["completed", HELLO]}
