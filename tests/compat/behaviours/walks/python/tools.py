"""Runs that call functions, search files and run code."""

from typing import Any

from base import CODE, HANDBOOK, QUESTION, QUICK, RESULTS, SEARCH, WEATHER, World, names, outputs, walk
from talking import Handler


@walk("client.submit-and-poll")
def submit_and_poll(world: World) -> Any:
    run = world.waiting("two_calls")
    calls = run.required_action.submit_tool_outputs.tool_calls
    done = world.runs.submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=run.thread_id,
        tool_outputs=outputs(run, "rain", "sun"),
        poll_interval_ms=QUICK,
    )
    arguments = [[call.function.name, call.function.arguments] for call in calls]
    return [run.status, arguments, done.status, world.said(run.thread_id)]


@walk("client.submit-stream")
def submit_stream(world: World) -> Any:
    with world.runs.stream(**world.asked("two_calls", WEATHER)) as stream:
        before = names(stream)
        run = stream.get_final_run()
    given = outputs(run, "rain", "sun")
    with world.runs.submit_tool_outputs_stream(run_id=run.id, thread_id=run.thread_id, tool_outputs=given) as stream:
        after = names(stream)
        [message] = stream.get_final_messages()
    return [before, after, message.content[0].text.value]


@walk("client.submit-raw-stream")
def submit_raw_stream(world: World) -> Any:
    run = world.waiting()
    given = outputs(run, "rain")
    told = world.runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=given, stream=True)
    return names(told)


@walk("client.call-handler")
def call_handler(world: World) -> Any:
    handler = Handler()
    with world.runs.stream(**world.asked("two_calls", WEATHER), event_handler=handler) as stream:
        stream.until_done()
        [step] = stream.get_final_run_steps()
    calls = [[call.index, call.function.name, call.function.arguments] for call in step.step_details.tool_calls]
    return [handler.told["call created"], handler.told["call done"], calls]


@walk("client.chain")
def chain(world: World) -> Any:
    run = world.waiting("chain")
    states = [run.status]
    for text in ("rain", "sun"):
        given = outputs(run, text)
        run = world.runs.submit_tool_outputs_and_poll(
            run_id=run.id,
            thread_id=run.thread_id,
            tool_outputs=given,
            poll_interval_ms=QUICK,
        )
        states.append(run.status)
    return [states, world.said(run.thread_id)]


@walk("client.text-before-call")
def text_before_call(world: World) -> Any:
    with world.runs.stream(**world.asked("talker", WEATHER)) as stream:
        run, messages = stream.get_final_run(), stream.get_final_messages()
    return [run.status, [message.content[0].text.value for message in messages]]


def searcher(world: World) -> tuple[str, str]:
    """The id of an assistant that searches a handbook, and that of the handbook."""
    file, store = world.shelf()
    resources: Any = {"file_search": {"vector_store_ids": [store]}}
    return world.assistant("citer", tools=[SEARCH], tool_resources=resources), file


@walk("client.citation")
def citation(world: World) -> Any:
    assistant, file = searcher(world)
    thread = world.thread(QUESTION)
    run = world.runs.create_and_poll(thread_id=thread, assistant_id=assistant, poll_interval_ms=QUICK)
    text = world.beta.threads.messages.list(thread, run_id=run.id).data[0].content[0].text
    [cited] = text.annotations
    return [
        run.status,
        cited.type,
        cited.file_citation.file_id == file,
        cited.text == text.value[cited.start_index : cited.end_index],
        cited.text.endswith("†handbook.md】"),
    ]


@walk("client.citation-stream")
def citation_stream(world: World) -> Any:
    assistant, file = searcher(world)
    with world.runs.stream(thread_id=world.thread(QUESTION), assistant_id=assistant, include=[RESULTS]) as stream:
        events = list(stream)
        [message] = stream.get_final_messages()
    told = names(events)
    steps = [event.data for event in events if event.event == "thread.run.step.completed"]
    text = message.content[0].text
    [cited] = text.annotations
    result = steps[0].step_details.tool_calls[0].file_search.results[0]
    whole = cited.text == text.value[cited.start_index : cited.end_index]
    return [told, whole, result.file_name, result.file_id == file, "two years" in result.content[0].text]


@walk("client.attachment")
def attachment(world: World) -> Any:
    file = world.client.files.create(file=("handbook.md", HANDBOOK), purpose="assistants")
    attached: Any = [{"file_id": file.id, "tools": [SEARCH]}]
    message: Any = {"role": "user", "content": QUESTION, "attachments": attached}
    run = world.beta.threads.create_and_run_poll(
        assistant_id=world.assistant("citer", tools=[SEARCH]),
        thread={"messages": [message]},
        poll_interval_ms=QUICK,
    )
    text = world.beta.threads.messages.list(run.thread_id, limit=1).data[0].content[0].text
    return [run.status, [one.file_citation.file_id == file.id for one in text.annotations]]


@walk("client.code")
def code(world: World) -> Any:
    run = world.runs.create_and_poll(**world.asked("coder", CODE), poll_interval_ms=QUICK)
    steps = world.runs.steps.list(run.id, thread_id=run.thread_id, order="asc").data
    ran = steps[0].step_details.tool_calls[0].code_interpreter
    parts = world.beta.threads.messages.list(run.thread_id, limit=1).data[0].content
    image = next(part.image_file.file_id for part in parts if part.type == "image_file")
    text = next(part.text for part in parts if part.type == "text")
    [path] = text.annotations
    table = world.client.files.content(path.file_path.file_id).read().decode()
    name = world.client.files.retrieve(image).filename
    return [run.status, ran.input, [output.type for output in ran.outputs], name, path.text, table]


@walk("client.code-handler")
def code_handler(world: World) -> Any:
    handler = Handler()
    with world.runs.stream(**world.asked("coder", CODE), event_handler=handler) as stream:
        stream.until_done()
        step = stream.get_final_run_steps()[0]
    ran = step.step_details.tool_calls[0].code_interpreter
    told = [bool(handler.told[name]) for name in ("call created", "call done", "image done")]
    return [told, ran.input, [output.type for output in ran.outputs]]


@walk("client.mixed")
def mixed(world: World) -> Any:
    with world.runs.stream(**world.asked("mixer", CODE, WEATHER)) as stream:
        run = stream.get_final_run()
    given = outputs(run, "rain")
    with world.runs.submit_tool_outputs_stream(run_id=run.id, thread_id=run.thread_id, tool_outputs=given) as stream:
        done = stream.get_final_run()
    return [run.status, len(given), done.status]
