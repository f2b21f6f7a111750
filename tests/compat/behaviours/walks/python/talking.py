"""Runs that say something: polled, streamed, handled, cut short."""

import asyncio
import os
from collections import Counter
from typing import Any

import openai
from base import QUICK, WEATHER, World, asked_of, names, outputs, walk
from openai import AssistantEventHandler, AsyncOpenAI


class Handler(AssistantEventHandler):
    """Counts what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: Counter[str] = Counter()
        self.text = ""

    def on_text_created(self, text: Any) -> None:
        self.told["text created"] += 1

    def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.told["text delta"] += 1
        self.text += delta.value or ""

    def on_text_done(self, text: Any) -> None:
        self.told["text done"] += 1

    def on_message_created(self, message: Any) -> None:
        self.told["message created"] += 1

    def on_message_done(self, message: Any) -> None:
        self.told["message done"] += 1

    def on_run_step_created(self, run_step: Any) -> None:
        self.told["step created"] += 1

    def on_run_step_done(self, run_step: Any) -> None:
        self.told["step done"] += 1

    def on_tool_call_created(self, tool_call: Any) -> None:
        self.told["call created"] += 1

    def on_tool_call_done(self, tool_call: Any) -> None:
        self.told["call done"] += 1

    def on_image_file_done(self, image_file: Any) -> None:
        self.told["image done"] += 1


@walk("client.text-poll")
def text_poll(world: World) -> Any:
    run = world.runs.create_and_poll(**world.asked("hello"))
    return [run.status, world.said(run.thread_id), run.usage.total_tokens]


@walk("client.text-stream")
def text_stream(world: World) -> Any:
    return names(world.runs.create(**world.asked("hello"), stream=True))


@walk("client.handler")
def handler(world: World) -> Any:
    handler = Handler()
    with world.runs.stream(**world.asked("hello"), event_handler=handler) as stream:
        stream.until_done()
    several = handler.told.pop("text delta") > 1
    return [dict(sorted(handler.told.items())), several, handler.text]


@walk("client.finals")
def finals(world: World) -> Any:
    with world.runs.stream(**world.asked("hello")) as stream:
        run, steps, messages = stream.get_final_run(), stream.get_final_run_steps(), stream.get_final_messages()
    return [run.status, len(steps), [message.content[0].text.value for message in messages]]


@walk("client.text-deltas")
def text_deltas(world: World) -> Any:
    with world.runs.stream(**world.asked("hello")) as stream:
        return "".join(stream.text_deltas)


@walk("client.create-and-run-stream")
def create_and_run_stream(world: World) -> Any:
    thread: Any = {"messages": [{"role": "user", "content": "Hi"}]}
    with world.beta.threads.create_and_run_stream(assistant_id=world.assistant(), thread=thread) as stream:
        told = names(stream)
        return [told[0], told[-1], stream.get_final_run().status]


@walk("client.create-and-run-poll")
def create_and_run_poll(world: World) -> Any:
    thread: Any = {"messages": [{"role": "user", "content": "Hi"}]}
    run = world.beta.threads.create_and_run_poll(assistant_id=world.assistant(), thread=thread, poll_interval_ms=QUICK)
    return [run.status, world.said(run.thread_id)]


@walk("client.cancel")
def cancel(world: World) -> Any:
    with world.runs.stream(**world.asked("silent")) as stream:
        told = []
        for event in stream:
            told.append(event)
            if event.event == "thread.message.delta":
                world.runs.cancel(told[0].data.id, thread_id=told[0].data.thread_id)
    run = world.runs.retrieve(told[0].data.id, thread_id=told[0].data.thread_id)
    message = world.beta.threads.messages.list(run.thread_id, limit=1).data[0]
    return [names(told)[-1], run.status, message.status, message.incomplete_details.reason]


@walk("client.cancel-waiting")
def cancel_waiting(world: World) -> Any:
    run = world.waiting()
    world.runs.cancel(run.id, thread_id=run.thread_id)
    run = world.runs.poll(run.id, thread_id=run.thread_id, poll_interval_ms=QUICK)
    world.beta.threads.messages.create(run.thread_id, role="user", content="On")
    return [run.status, run.required_action]


@walk("client.expire")
def expire(world: World) -> Any:
    beta = world.hasty.beta
    assistant = beta.assistants.create(model="scripted/caller", tools=[WEATHER])
    thread = beta.threads.create(messages=[{"role": "user", "content": "Hi"}])
    run = beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=QUICK)
    waited, late = run.status, outputs(run, "rain")
    while run.status == "requires_action":
        run = beta.threads.runs.retrieve(run.id, thread_id=thread.id)
    try:
        beta.threads.runs.submit_tool_outputs(run.id, thread_id=thread.id, tool_outputs=late)
    except openai.BadRequestError as error:
        body: Any = error.body
        return [waited, run.status, body["message"]]
    return "the outputs were taken"


@walk("client.expire-stream")
def expire_stream(world: World) -> Any:
    beta = world.hasty.beta
    assistant = beta.assistants.create(model="scripted/silent")
    thread = beta.threads.create(messages=[{"role": "user", "content": "Hi"}])
    with beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
        return names(stream)[-1]


@walk("client.incomplete")
def incomplete(world: World) -> Any:
    run = world.runs.create_and_poll(**world.asked("short"), poll_interval_ms=QUICK)
    message = world.beta.threads.messages.list(run.thread_id, limit=1).data[0]
    return [run.status, run.incomplete_details.reason, message.status, message.incomplete_details.reason]


@walk("client.failed")
def failed(world: World) -> Any:
    run = world.runs.create_and_poll(**world.asked("broken"), poll_interval_ms=QUICK)
    return [run.status, run.last_error.code]


@walk("client.failed-stream")
def failed_stream(world: World) -> Any:
    with world.runs.stream(**world.asked("broken")) as stream:
        return names(stream)[-1]


@walk("client.overrides")
def overrides(world: World) -> Any:
    over: Any = {
        "model": "scripted/mirror",
        "instructions": "Be brief.",
        "additional_messages": [{"role": "user", "content": "More"}],
        "temperature": 0.5,
        "top_p": 0.25,
        "tools": [WEATHER],
        "parallel_tool_calls": False,
        "response_format": {"type": "json_object"},
        "truncation_strategy": {"type": "last_messages", "last_messages": 1},
    }
    run = world.runs.create_and_poll(**world.asked("hello"), **over, poll_interval_ms=QUICK)
    got = asked_of(world.said(run.thread_id))
    sampling = ("temperature", "top_p", "parallel_tool_calls", "response_format", "tools")
    return [got["messages"][-1], {name: got[name] for name in sampling}, "Be brief." in got["messages"][0][1]]


@walk("client.async")
def in_a_loop(world: World) -> Any:
    async def act() -> Any:
        async with AsyncOpenAI(base_url=world.url, api_key=os.environ["API_KEY"]) as client:
            async with client.beta.threads.runs.stream(**world.asked("caller", WEATHER)) as stream:
                run = await stream.get_final_run()
            on = client.beta.threads.runs.submit_tool_outputs_stream(
                run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs(run, "rain")
            )
            async with on as stream:
                return [run.status, "".join([text async for text in stream.text_deltas])]

    return asyncio.run(act())
