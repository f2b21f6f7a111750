"""`code_interpreter`: models run Python in a session of their thread, which keeps what the code made."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from projectdavid.ports.sandbox import Display, Done, Lost, Output
from projectdavid.ports.tool import Context, ToolCall, ToolError, ToolFunction, ToolOutput
from projectdavid.tools.exchange import Harvest, bring_in, save_image, take_out
from projectdavid.tools.sessions import Held, Sessions
from projectdavid.tools.telling import Telling, tell_state
from projectdavid.tools.text import clipped, seconds_of, settled, size_of

MAX_CODE = 200_000
"""Characters."""
MAX_TEXT = 30_000
"""Characters of output that the model is told, and again of a traceback."""
DESCRIPTION = """\
Run Python code in a sandbox and get what it prints, the value of its last expression, and its traceback if it fails.

Variables, imports and files are kept from call to call within the conversation. The files of the conversation are in \
/mnt/data, the working directory: list it to see which. Every file that the code writes there is given to the user: \
write results as files where the user asks for files. Figures of matplotlib are shown to the user as images; \
plt.show() is not needed. numpy, pandas, matplotlib, scipy, scikit-learn, openpyxl and pillow are there, and nothing \
can be installed. `await` works at the top level. There is no network, and nobody answers input(). What runs for more \
than {seconds} is interrupted.
"""
PARAMETERS: Mapping[str, Any] = {
    "type": "object",
    "properties": {"code": {"type": "string", "description": "The Python code to run."}},
    "required": ["code"],
    "additionalProperties": False,
}
IMAGES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp", "image/svg+xml": "svg"}
TEXTS = ("text/plain", "text/markdown", "text/html")


class CodeInterpreter:
    """Runs the Python code of models.

    Args:
        timeout: seconds that one call may run.
    """

    def __init__(self, sessions: Sessions, timeout: float = 120.0) -> None:
        self._sessions = sessions
        self._timeout = timeout

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:  # noqa: ARG002
        """The one function; nothing of it leaves the sandbox, so that it can be run again after a crash."""
        description = DESCRIPTION.format(seconds=seconds_of(self._timeout))
        return [ToolFunction("code_interpreter", description, PARAMETERS, effect="idempotent")]

    async def run(self, call: ToolCall, context: Context) -> ToolOutput:
        """Run the code of one call.

        Raises:
            ToolError: the arguments are no code, or there is no session to be had.
        """
        code = _code_of(call.arguments)
        await context.tell("code", {"content": code})
        async with self._sessions.use(call, context, "python") as held:
            cell = _Cell(code, held, context)
            try:
                cell.notes += await bring_in(held.session, context, held.known, held.listing)
                await cell.run(self._timeout)
                await take_out(held.session, context, held.known, cell.harvest)
                await cell.save_images()
            except Lost as error:
                await cell.save_images()
                await self._sessions.lost(held, context, error)
                cell.notes.append(
                    f"The session ended while the code ran: {error.reason} What it had not saved is gone. "
                    "The code was not run again; the next call starts a new session."
                )
            return cell.output()


class _Cell:
    """One piece of code, what it showed, and what became of it."""

    def __init__(self, code: str, held: Held, context: Context) -> None:
        self._code = code
        self._held = held
        self._context = context
        self._shown: list[str] = []
        self._error = ""
        self._gone = ""
        self._displayed: list[tuple[str, bytes]] = []
        self._images: list[str] = []
        self.harvest = Harvest()
        self.notes = [held.note] if held.note else []

    async def run(self, timeout: float) -> None:
        """Run it, and tell what it shows as it comes."""
        async with (
            Telling(self._context) as telling,
            aclosing(self._held.session.run(self._code, timeout)) as events,
        ):
            async for event in events:
                match event:
                    case Output(stream, text):
                        telling.add(stream, text)
                        self._shown.append(text)
                    case Display():
                        telling.add("result", self._display(event))
                    case Done():
                        if event.error:
                            telling.add("stderr", event.error.rstrip("\n") + "\n")
                        self._done(event, timeout)
        if self._gone:
            await tell_state(self._context, "lost", "python", self._held.session.level, self._gone)

    async def save_images(self) -> None:
        """Save the images that were shown: when the files are saved, so that they do not take the names of these."""
        for kind, data in self._displayed:
            file = await save_image(self._context, self._held.known, self.harvest, data, IMAGES[kind])
            if file is not None:
                self._images.append(file.id)

    def _display(self, display: Display) -> str:
        """Keep it if it is an image; returns the text that it shows."""
        kind = next((kind for kind in IMAGES if kind in display.data), None)
        if kind is not None:
            self._displayed.append((kind, display.data[kind]))
            if not display.result:
                return ""  # what stands beside an image only names it
        text = next((display.data[kind].decode(errors="replace") for kind in TEXTS if kind in display.data), "")
        if not text:
            return ""
        if self._shown and not self._shown[-1].endswith("\n"):
            self._shown.append("\n")
        self._shown.append(text.rstrip("\n") + "\n")
        return self._shown[-1]

    def _done(self, done: Done, timeout: float) -> None:
        self._error = (done.error or "").strip("\n")
        if done.dropped:
            self.notes.append(f"It printed more than is kept: {size_of(done.dropped)} of output were dropped.")
        kept = (
            "The process was ended, and variables and imports are gone; files in /mnt/data are still there."
            if done.state_lost
            else "Variables and files are kept."
        )
        match done.status:
            case "timeout":
                self.notes.append(f"The code was interrupted after {seconds_of(timeout)}. {kept}")
            case "interrupted":
                self.notes.append(f"The code was interrupted. {kept}")
            case "died":
                self.notes.append(f"The Python process ended while the code ran. {kept}")
            case "ok" | "error" if done.state_lost:
                self.notes.append(kept)
            case _:
                pass
        if done.state_lost:
            self._gone = self.notes[-1]

    def output(self) -> ToolOutput:
        """What it came to."""
        logs = clipped(settled("".join(self._shown)).rstrip("\n"), MAX_TEXT)
        error = clipped(self._error, MAX_TEXT)
        said = "\n".join(part for part in (logs, error) if part)
        files = self.harvest.files
        lines = [said or "[no output]"]
        if self.harvest.lines:
            lines += ["", "Files for the user:", *(f"- {line}" for line in self.harvest.lines)]
        lines += [f"\n[{note}]" for note in (*self.notes, *self.harvest.notes)]
        outputs: list[dict[str, Any]] = [{"type": "logs", "logs": said}] if said else []
        outputs += [{"type": "image", "file_id": image} for image in self._images]
        details = {
            "input": self._code,
            "outputs": outputs,
            "sandbox": self._held.facts(),
            "files": [file.id for file in files],
        }
        return ToolOutput("\n".join(lines), tuple(files), details)


def _code_of(arguments: Mapping[str, Any]) -> str:
    """The code of a call.

    Raises:
        ToolError: there is none; says what was expected.
    """
    unknown = [name for name in arguments if name != "code"]
    if unknown:
        raise ToolError(f"code_interpreter takes 'code' alone, not '{unknown[0]}'")
    code = arguments.get("code")
    if not isinstance(code, str):
        raise ToolError('code_interpreter takes {"code": "..."}, Python code as one string')
    if not code.strip():
        raise ToolError("'code' is empty: give the Python code to run")
    if len(code) > MAX_CODE:
        raise ToolError(f"'code' has {len(code)} characters, and may have {MAX_CODE}: split it over several calls")
    return code
