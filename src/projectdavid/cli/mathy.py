"""The part of the demo in which an assistant computes: its code runs in the sandbox, and a plot comes back."""

from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from projectdavid.cli.stage import Stage
from projectdavid.cli.telling import Teller
from projectdavid.client import Entity
from projectdavid.protocol.events import Event, FileEvent

NAME = "Mathy"
TOOL = "code_interpreter"
INSTRUCTIONS = "You help with maths. You compute with Python, and draw what can be drawn."
QUESTION = "Plot sin(x) * exp(-x / 5) and tell me the area under it from 0 to 10."


def compute(client: Entity, model: str, stage: Stage, teller: Teller, folder: Path | None) -> dict[str, Any]:
    """Let an assistant compute and draw; returns what came of it, with the paths of the files that it made.

    The files are put into `folder`, or into a new one for temporary files, where they stay. Where the server has no
    sandbox it says so, and nothing else happens.

    Raises:
        ProjectDavidError: the run does not end well.
    """
    offered = client.health().tools.get(TOOL)
    if not (isinstance(offered, dict) and offered.get("available")):
        reason = offered.get("reason") if isinstance(offered, dict) else None
        stage.step(NAME, f"would compute, but {TOOL} is off here: {reason or 'the server has no sandbox'}")
        stage.line("projectdavid doctor says what helps")
        return {"status": "off"}
    assistant = client.assistants.create_assistant(
        name=NAME, model=model, instructions=INSTRUCTIONS, tools=[{"type": TOOL}]
    )
    stage.step(NAME, f"{assistant.id}  may run code in a sandbox")
    stage.step("You say", QUESTION)
    stage.step("The run streams", "")
    made: list[FileEvent] = []

    def tell(event: Event) -> None:
        if isinstance(event, FileEvent):
            made.append(event)
        teller.tell(event)

    result = client.runs.run(assistant, client.threads.create_thread(), content=QUESTION, on_event=tell)
    teller.end_line()
    paths = _saved(client, made, folder)
    for path in paths:
        stage.line(f"saved {path}")
    if not made:
        stage.line("The model did not draw anything.")
    return {
        "assistant_id": assistant.id,
        "run_id": result.run.id,
        "status": result.run.status,
        "answer": result.text,
        "files": [str(path) for path in paths],
    }


def _saved(client: Entity, made: list[FileEvent], folder: Path | None) -> list[Path]:
    """The files on the disk of whoever looks at the demo."""
    if not made:
        return []
    place = Path(mkdtemp(prefix="projectdavid-plots-")) if folder is None else folder.resolve()
    return [client.files.download(event.file_id, place) for event in made]
