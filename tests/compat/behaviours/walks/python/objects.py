"""Assistants, threads and messages; lists that are read to their end; what is refused."""

from typing import Any

import openai
from base import CODE, QUICK, RESULTS, WEATHER, World, outputs, refusal, walk


@walk("client.assistants")
def assistants(world: World) -> Any:
    assistants = world.beta.assistants
    made = assistants.create(model="scripted/hello", name="Ada", tools=[CODE, WEATHER], metadata={"a": "1"})
    same = assistants.retrieve(made.id) == made
    changed = assistants.update(made.id, name="Eve", instructions="Be kind.")
    gone = assistants.delete(made.id)
    tools = [tool.type for tool in made.tools]
    return [made.name, tools, made.metadata, same, changed.name, changed.instructions, gone.deleted, gone.object]


@walk("client.threads")
def threads(world: World) -> Any:
    threads = world.beta.threads
    made = threads.create(metadata={"a": "1"})
    changed = threads.update(made.id, metadata={"b": "2"})
    message = threads.messages.create(made.id, role="user", content="Hi")
    marked = threads.messages.update(message.id, thread_id=made.id, metadata={"c": "3"})
    dropped = threads.messages.delete(message.id, thread_id=made.id)
    left = list(threads.messages.list(made.id))
    gone = threads.delete(made.id)
    said = message.content[0].text.value
    return [made.metadata, changed.metadata, said, marked.metadata, dropped.object, left, gone.object]


@walk("client.parts")
def parts(world: World) -> Any:
    file = world.client.files.create(file=("a.png", b"\x89PNG\r\n\x1a\n"), purpose="vision")
    content: Any = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "high"}},
        {"type": "image_file", "image_file": {"file_id": file.id}},
    ]
    message = world.beta.threads.messages.create(world.thread(), role="user", content=content)
    return [message.content[1].image_url.detail, message.content[2].image_file.detail]


@walk("client.pages")
def pages(world: World) -> Any:
    thread = world.beta.threads.create()
    for number in range(5):
        world.beta.threads.messages.create(thread.id, role="user", content=str(number))
    forward = world.beta.threads.messages.list(thread.id, order="asc", limit=2)
    backward = world.beta.threads.messages.list(thread.id, limit=3)
    return ["".join(message.content[0].text.value for message in page) for page in (forward, backward)]


@walk("client.pages-of-all")
def pages_of_all(world: World) -> Any:
    run = world.waiting()
    world.runs.submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=run.thread_id,
        tool_outputs=outputs(run, "rain"),
        poll_interval_ms=QUICK,
    )
    steps = world.runs.steps.list(run.id, thread_id=run.thread_id, limit=1, order="asc", include=[RESULTS])
    runs = world.runs.list(run.thread_id, limit=1)
    made = {world.assistant() for _ in range(3)}
    listed = {one.id for one in world.beta.assistants.list(limit=2)}
    return [[step.type for step in steps], [one.id == run.id for one in runs], made <= listed]


@walk("client.request-id")
def request_id(world: World) -> Any:
    return bool(world.beta.assistants.create(model="scripted/hello")._request_id)


@walk("client.poll-header")
def poll_header(world: World) -> Any:
    run = world.runs.create(**world.asked("hello"))
    raw = world.runs.with_raw_response.retrieve(run.id, thread_id=run.thread_id)
    return 0 < int(raw.headers["openai-poll-after-ms"]) <= 1000


@walk("client.error-key")
def error_key(world: World) -> Any:
    with openai.OpenAI(base_url=world.url, api_key="wrong") as client:
        return refusal(client.beta.assistants.list)[:2]


@walk("client.error-unknown")
def error_unknown(world: World) -> Any:
    return [
        refusal(lambda: world.beta.assistants.retrieve("asst_" + "0" * 24)),
        refusal(lambda: world.beta.threads.retrieve("thread_" + "0" * 24)),
        refusal(lambda: world.client.files.retrieve("fake_id")),
        refusal(lambda: world.client.models.retrieve("fake_id")),
    ]


@walk("client.error-busy")
def error_busy(world: World) -> Any:
    run = world.waiting()
    thread = run.thread_id
    return [
        refusal(lambda: world.beta.threads.messages.create(thread, role="user", content="More")),
        refusal(lambda: world.runs.create(thread, assistant_id=run.assistant_id)),
        refusal(lambda: world.runs.create(thread, assistant_id=run.assistant_id, stream=True)),
    ]


@walk("client.error-outputs")
def error_outputs(world: World) -> Any:
    run, done = world.waiting("two_calls"), world.runs.create_and_poll(**world.asked("hello"), poll_interval_ms=QUICK)
    given: Any = [{"tool_call_id": "call_x", "output": ""}]
    submit = world.runs.submit_tool_outputs
    return [
        refusal(lambda: submit(run.id, thread_id=run.thread_id, tool_outputs=outputs(run, "rain"))),
        refusal(lambda: submit(done.id, thread_id=done.thread_id, tool_outputs=given)),
    ]


@walk("client.error-cancel")
def error_cancel(world: World) -> Any:
    run = world.runs.create_and_poll(**world.asked("hello"), poll_interval_ms=QUICK)
    return refusal(lambda: world.runs.cancel(run.id, thread_id=run.thread_id))


@walk("client.error-limits")
def error_limits(world: World) -> Any:
    create: Any = world.beta.assistants.create
    tools = [{"type": "function", "function": {"name": f"f{number}"}} for number in range(129)]
    return [
        refusal(lambda: create(model="m", tools=tools)),
        refusal(lambda: create(model="m", name="n" * 257)),
        refusal(lambda: create(model="m", extra_body={"foo": 1})),
        refusal(lambda: create(model="m", metadata={str(number): "x" for number in range(17)})),
        refusal(lambda: world.beta.threads.retrieve("undefined")),
    ]
