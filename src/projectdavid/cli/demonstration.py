"""The demo: a tour of the main features."""

import logging
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from rich.console import Console
from rich.text import Text

from projectdavid.cli.configuration import StartError, chosen_providers, read_settings, shown_url, start_failure
from projectdavid.cli.output import CommandError, err, out, plain, print_json, program
from projectdavid.cli.run_events import EventPrinter, shorten
from projectdavid.client import Entity, RunResult
from projectdavid.client.transcript import text_of
from projectdavid.settings import Settings

QUESTION = "What is the weather like in Lisbon?"
INSTRUCTIONS = "You answer briefly. For the weather you call get_weather."
MATH = "What is the area under y = x**2 from 0 to 3? Compute it, and plot the curve."
MATH_INSTRUCTIONS = "You are a helpful math tutor. You compute with code, and draw what can be drawn."
TERMS = b"""# Warranty of the lantern

It lasts three years from the day of purchase. Batteries wear out, and are covered for twelve months only.

# Repairs

Write to us with the serial number, which is engraved below the handle. A repair takes ten days on average.
"""
LOOKED_UP = "How long are the batteries of the lantern covered?"
LOOKUP_INSTRUCTIONS = "You answer from the files alone, and cite the passages that your answer rests on."
DEMO_MODEL = "demo/assistant"


def get_weather(city: str) -> dict[str, Any]:
    """The weather in a city, now.

    Args:
        city: its name, such as Lisbon.
    """
    return {"city": city, "sky": "sunny", "celsius": 24}


class _Stage:
    """Numbered steps, a line each."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._number = 0

    def title(self, text: str) -> None:
        """Begin."""
        self._console.print(Text(text, style="bold"))

    def step(self, name: str, text: str) -> None:
        """Print the next step."""
        self._number += 1
        line = Text.assemble((f"\n{self._number}  ", "bold cyan"), (f"{name:<17}", "bold"), plain(text))
        self._console.print(line, soft_wrap=True)

    def line(self, text: str) -> None:
        """Print details of this step."""
        self._console.print(Text(f"   {plain(text)}"), soft_wrap=True)


def demonstrate(model: str | None, data: Path | None, max_tokens: int, *, as_json: bool) -> None:
    """Start a platform, use it through the SDK, stop it.

    `max_tokens` limits each run, because small models can generate without end.

    Raises:
        Failure: the platform cannot start, or the provider has no model.
        ProjectDavidError: the run fails.
    """
    console = err() if as_json else out()
    stage = _Stage(console)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        folder = data or Path(stack.enter_context(TemporaryDirectory(prefix="projectdavid-demo-")))
        settings = read_settings(data=folder)
        stage.title("Run the tour: a server, an assistant, a Python function, code in a sandbox, a file.")
        try:
            client = stack.enter_context(Entity.embedded(folder))
        except StartError as error:
            raise start_failure(error, settings) from error
        stage.step("The server", f"{client.base_url}  in {folder}{'' if data else ', deleted afterwards'}")
        teller = EventPrinter(sys.stderr if as_json else sys.stdout, console)
        named = _model(client, settings, model)
        facts = _talk(client, named, max_tokens, stage, teller)
        facts["math"] = _compute(client, named, max_tokens, stage, teller, data)
        facts["files"] = _look_up(client, named, max_tokens, stage, teller)
    _next_steps(stage, facts["model"], settings)
    if as_json:
        print_json(facts)


def _model(client: Entity, settings: Settings, wanted: str | None) -> str:
    if wanted:
        return wanted
    providers = chosen_providers(settings)
    if not providers:
        return DEMO_MODEL
    found = next((model.id for model in client.models.list() if model.owned_by in providers), None)
    if found is None:
        named = ", ".join(f"{name} ({shown_url(provider.base_url)})" for name, provider in providers.items())
        raise CommandError(f"{named} lists no models", "start that server, or set a model with --model")
    return found


def _talk(client: Entity, model: str, max_tokens: int, stage: _Stage, teller: EventPrinter) -> dict[str, Any]:
    assistant = client.assistants.create_assistant(name="Weather", model=model, instructions=INSTRUCTIONS)
    stage.step("An assistant", f"{assistant.id}  model {model}")
    thread = client.threads.create_thread()
    stage.step("A thread", thread.id)
    stage.step("You say", QUESTION)
    stage.line("with a Python function: get_weather(city)")
    stage.step("The run streams", "")
    result = client.runs.run(
        assistant,
        thread,
        content=QUESTION,
        tools=[get_weather],
        on_event=teller.tell,
        max_completion_tokens=max_tokens,
    )
    teller.end_line()
    _report_cut(result, stage)
    _tell_outcome(result, stage)
    messages = list(client.messages.iterate(thread.id))
    stage.step("Stored messages", f"{len(messages)} in {thread.id}")
    for message in messages:
        stage.line(f"{message.role:<10} {shorten(text_of(message))}")
    return {
        "base_url": client.base_url,
        "model": model,
        "assistant_id": assistant.id,
        "thread_id": thread.id,
        "run_id": result.run.id,
        "status": result.run.status,
        "tool_calls": [{"name": call.tool_name, "arguments": call.function_args} for call in result.run.actions],
        "answer": result.text,
        "messages": [{"role": message.role, "content": text_of(message)} for message in messages],
    }


def _compute(
    client: Entity, model: str, max_tokens: int, stage: _Stage, teller: EventPrinter, data: Path | None
) -> dict[str, Any]:
    """Run the math tutor: code in the sandbox, and the plot that it draws."""
    tutor = client.assistants.create_assistant(
        name="Mathy", model=model, instructions=MATH_INSTRUCTIONS, tools=[{"type": "code_interpreter"}]
    )
    stage.step("Mathy", f"{tutor.id}  with code_interpreter")
    stage.step("You say", MATH)
    stage.step("The run streams", "")
    result = client.runs.run(
        tutor,
        client.threads.create_thread(),
        content=MATH,
        on_event=teller.tell,
        max_completion_tokens=max_tokens,
    )
    teller.end_line()
    _report_cut(result, stage)
    pictures = [file for message in result.messages for file in message.attachments if file.get("type") == "image"]
    kept: list[str] = []
    if pictures:
        folder = data or Path(mkdtemp(prefix="projectdavid-demo-plots-"))
        kept = [str(client.files.download(one["file_id"], folder / one["filename"])) for one in pictures]
    for path in kept:
        stage.line(f"its plot: {path}")
    if not kept:
        stage.line("The model drew nothing.")
    return {"run_id": result.run.id, "status": result.run.status, "answer": result.text, "plots": kept}


def _look_up(client: Entity, model: str, max_tokens: int, stage: _Stage, teller: EventPrinter) -> dict[str, Any]:
    """Run an assistant that answers from a file, and cites the passage."""
    store = client.vectors.create("Terms")
    client.vectors.add_file(store, TERMS, filename="terms.md")
    client.vectors.wait(store)
    searching = [{"type": "file_search", "vector_store_ids": [store.id]}]
    librarian = client.assistants.create_assistant(
        name="Librarian", model=model, instructions=LOOKUP_INSTRUCTIONS, tools=searching
    )
    stage.step("Librarian", f"{librarian.id}  with file_search over terms.md")
    stage.step("You say", LOOKED_UP)
    stage.step("The run streams", "")
    result = client.runs.run(
        librarian,
        client.threads.create_thread(),
        content=LOOKED_UP,
        on_event=teller.tell,
        max_completion_tokens=max_tokens,
    )
    teller.end_line()
    _report_cut(result, stage)
    cited = [one.file_citation for one in result.citations if one.file_citation is not None]
    if not cited:
        stage.line("The model cited nothing.")
    quotes = [{"filename": one.filename, "line": one.first_line, "quote": one.quote} for one in cited]
    return {"run_id": result.run.id, "status": result.run.status, "answer": result.text, "citations": quotes}


def _tell_outcome(result: RunResult, stage: _Stage) -> None:
    if not result.run.actions:
        stage.line("The model answered without calling the function.")
    usage = result.run.usage
    if usage is not None:
        stage.line(
            f"{result.run.status}; {usage.prompt_tokens} prompt tokens, {usage.completion_tokens} completion tokens"
        )


def _report_cut(result: RunResult, stage: _Stage) -> None:
    """Print a hint if the token limit of the demo ended the run."""
    if result.run.incomplete_details == "max_completion_tokens":
        limit = result.run.max_completion_tokens
        stage.line(f"The run ended at {limit} tokens. Use --max-completion-tokens to raise the limit.")


def _next_steps(stage: _Stage, model: str, settings: Settings) -> None:
    steps = {
        f"OPENAI_BASE_URL=... {program()} demo": "the same with a real model; or OLLAMA_HOST=...",
        f"{program()} serve": "start a server",
        f"{program()} chat": "talk to it, in another terminal",
        "projectdavid.Entity()": "in Python: finds that server automatically",
    }
    if model != DEMO_MODEL or chosen_providers(settings):
        steps.pop(next(iter(steps)))
    stage.step("Next steps", "")
    width = max(map(len, steps))
    for command, what in steps.items():
        stage.line(f"{command:<{width}}   {what}")
