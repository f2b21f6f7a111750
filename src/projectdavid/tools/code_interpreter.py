"""`code_interpreter`: runs models' Python code in a session of the thread."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from projectdavid.ports.sandbox import DisplayOutput, OutputGap, OutputText, RunDone, SessionLost
from projectdavid.ports.tool import ToolCall, ToolContext, ToolDescription, ToolError, ToolFunction, ToolOutput
from projectdavid.tools.sessions.output_events import OutputEvents, tell_state
from projectdavid.tools.sessions.repeated_lines import readable
from projectdavid.tools.sessions.session_files import CallFiles, bring_in, save_image, take_out
from projectdavid.tools.sessions.sessions import HeldSession, SessionPool
from projectdavid.tools.sessions.terminal_text import clip, gap_of, seconds_of, size_of
from projectdavid.tools.step_renderers import render_code

MAX_CODE = 200_000
"""Maximum characters of the code."""
MAX_TEXT = 30_000
"""Characters of output in the result, and again of a traceback."""
DESCRIPTION = """\
Run Python code in a sandbox and get its output, the value of its last expression, and its traceback if it fails.

Variables, imports and files are kept from call to call within the conversation. The files of the conversation are in \
/mnt/data, the working directory: list it to see which. Every file that the code writes there is given to the user: \
write results as files if the user asks for files. Figures of matplotlib are shown to the user as images; \
plt.show() is not needed. {libraries}Nothing else can be installed. `await` works at the top level, and so do \
`!command` and `%%bash` of notebooks. There is no network, and input() is never answered. What runs for more than \
{seconds} is interrupted.
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
        timeout: timeout of one call in seconds.
    """

    description = ToolDescription(
        "code_interpreter", render_code, has_citations=True, reserved_functions=frozenset({"code_interpreter"})
    )

    def __init__(self, sessions: SessionPool, timeout: float = 120.0) -> None:
        self._sessions = sessions
        self._timeout = timeout

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:  # noqa: ARG002
        """The single function. Its code has no effect outside the sandbox, so it can be run again after a crash."""
        description = DESCRIPTION.format(
            seconds=seconds_of(self._timeout), libraries=_in_words(self._sessions.libraries)
        )
        return [ToolFunction("code_interpreter", description, PARAMETERS, effect="idempotent")]

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:
        """Run the code of one call.

        Raises:
            ToolError: the arguments are invalid, or no session is available.
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
            except SessionLost as error:
                await cell.save_images()
                await self._sessions.report_loss(held, context, error)
                cell.notes.append(
                    f"The session ended while the code ran: {error.reason} Unsaved state is lost. "
                    "The code was not run again; the next call starts a new session."
                )
            return cell.output()


class _Cell:
    """One cell of code, its output, and its outcome."""

    def __init__(self, code: str, held: HeldSession, context: ToolContext) -> None:
        self._code = code
        self._held = held
        self._context = context
        self._shown: list[str] = []
        self._stream = ""
        self._error = ""
        self._gone = ""
        self._displayed: list[tuple[str, bytes]] = []
        self._images: list[str] = []
        self.harvest = CallFiles()
        self.notes = [held.note] if held.note else []

    async def run(self, timeout: float) -> None:
        """Run it, and emit its output as it arrives."""
        async with (
            OutputEvents(self._context) as telling,
            aclosing(self._held.session.run(self._code, timeout)) as events,
        ):
            async for event in events:
                match event:
                    case OutputText(stream, text):
                        telling.add(stream, text)
                        self._append(stream, text)
                    case OutputGap(size):
                        telling.add("stdout", gap_of(size))
                        self._shown.append(gap_of(size))
                    case DisplayOutput():
                        telling.add("result", self._display(event))
                    case RunDone():
                        if event.error:
                            telling.add("stderr", event.error.rstrip("\n") + "\n")
                        self._on_done(event, timeout)
        if self._gone:
            await tell_state(self._context, "lost", "python", self._held.session.level, self._gone)

    async def save_images(self) -> None:
        """Save the displayed images, after the files were saved, so images do not take the names of files.

        An image that the code also wrote to a file is that file.
        """
        written = {file.sha256: file.id for file in self.harvest.files}
        for kind, data in self._displayed:
            if same := written.get(hashlib.sha256(data).hexdigest()):
                self._images.append(same)
                continue
            file = await save_image(self._context, self._held.known, self.harvest, data, IMAGES[kind])
            if file is not None:
                self._images.append(file.id)

    def _append(self, stream: str, text: str) -> None:
        """Append output; a progress bar on one stream stays separate from the other stream."""
        last = self._shown[-1] if self._shown else ""
        if stream != self._stream and "\r" in last and not last.endswith("\n"):
            self._shown.append("\n")
        self._stream = stream
        self._shown.append(text)

    def _display(self, display: DisplayOutput) -> str:
        """Keep an image, and return the text representation."""
        kind = next((kind for kind in IMAGES if kind in display.data), None)
        if kind is not None:
            self._displayed.append((kind, display.data[kind]))
            if not display.result:
                return ""  # the text of an image only names it
        text = next((display.data[kind].decode(errors="replace") for kind in TEXTS if kind in display.data), "")
        if not text:
            return ""
        if self._shown and not self._shown[-1].endswith("\n"):
            self._shown.append("\n")
        self._shown.append(text.rstrip("\n") + "\n")
        return self._shown[-1]

    def _on_done(self, done: RunDone, timeout: float) -> None:
        self._error = (done.error or "").strip("\n")
        if done.dropped:
            size = size_of(done.dropped)
            self.notes.append(f"The output exceeded the limit: {size} in the middle were dropped.")
        kept = (
            "The process was killed, and variables and imports are lost; files in /mnt/data remain."
            if done.state_lost
            else "Variables and files are kept."
        )
        match done.status:
            case "timeout":
                self.notes.append(f"The code was interrupted after {seconds_of(timeout)}. {kept}")
            case "interrupted":
                self.notes.append(f"The code was interrupted. {kept}")
            case "died":
                self.notes.append(f"The Python process exited while the code ran. {kept}")
            case "ok" | "error" if done.state_lost:
                self.notes.append(kept)
            case _:
                pass
        if done.state_lost:
            self._gone = self.notes[-1]

    def output(self) -> ToolOutput:
        """Build the tool output."""
        logs = readable("".join(self._shown), MAX_TEXT)
        error = clip(self._error, MAX_TEXT)
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
    """Return the code of a call.

    Raises:
        ToolError: it is missing; the message says what was expected.
    """
    unknown = [name for name in arguments if name != "code"]
    if unknown:
        raise ToolError(f"code_interpreter only accepts 'code', not '{unknown[0]}'")
    code = arguments.get("code")
    if not isinstance(code, str):
        raise ToolError('code_interpreter expects {"code": "..."}, Python code as one string')
    if not code.strip():
        raise ToolError("'code' is empty: pass the Python code to run")
    if len(code) > MAX_CODE:
        raise ToolError(
            f"'code' has {len(code)} characters, but at most {MAX_CODE} are allowed: split it into several calls"
        )
    return code


def _in_words(libraries: Mapping[str, str]) -> str:
    """Describe the installed libraries in a sentence; empty if they are not known."""
    named = (f"{name} {'.'.join(version.split('.')[:2])}" for name, version in libraries.items())
    return f"Installed are {', '.join(named)}. " if libraries else ""
