# Made from client/_async/streams.py by scripts/unasync.py: do not edit.
"""The event stream of a run: each event once, across reconnections."""

from collections.abc import Generator
from types import TracebackType
from typing import Any, Self

from projectdavid.client._sync.transport import Transport
from projectdavid.client.errors import (
    APIConnectionError,
    APIStatusError,
    InvalidStateError,
    StreamBroken,
    StreamEnded,
)
from projectdavid.client.primitives import pause
from projectdavid.client.retry import Deadline, is_passing
from projectdavid.client.sse import DONE, SseFrame, event_in
from projectdavid.client.transcript import RunTranscript
from projectdavid.client.wire import ApiCall, at
from projectdavid.protocol.events import (
    STREAM_ENDED,
    ContentEvent,
    ErrorEvent,
    Event,
    RefusalEvent,
    StatusEvent,
    ToolCallEvent,
)
from projectdavid.protocol.runs import TERMINAL_STATUSES, Run


class RunStream:
    """The events of one run; iterate over it once.

    If the connection breaks, the stream reconnects and resumes after the last event. It ends with the run; while the
    run waits for the output of a function (`action_required`), the stream waits too. The stream opens, and a new run is
    created, when it is entered as a context manager or first read.

    Raises, while it is read:
        APIStatusError: the server refused the run or its stream.
        APIConnectionError: the server could not be reached at all.
        StreamBroken: the connection broke and could not be reestablished, or the stream ended before the run.
        StreamEnded: the run, its thread or its user was deleted, or the key was revoked.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        run_id: str | None = None,
        body: dict[str, Any] | None = None,
        after: int = 0,
        deadline: Deadline | None = None,
    ) -> None:
        self.last_position = after
        """The position of the last event; `runs.stream(run_id=..., after=...)` resumes after it."""
        self._transport = transport
        self._run_id = run_id
        self._body = body
        self._deadline = deadline
        self._transcript = RunTranscript()
        self._frames: Generator[SseFrame | None] | None = None
        self._was_open = False
        self._ended = False
        self._is_over = False
        self._misses = 0

    @property
    def run_id(self) -> str:
        """The id of the run.

        Raises:
            InvalidStateError: the run has not been created yet.
        """
        if self._run_id is None:
            raise InvalidStateError("the run is created when its stream is entered or first read")
        return self._run_id

    @property
    def text(self) -> str:
        """The text so far of the current message, or of the last one."""
        return self._transcript.text

    @property
    def open_calls(self) -> list[ToolCallEvent]:
        """The function calls in this stream that have no output yet."""
        return self._transcript.open_calls

    def until_done(self) -> None:
        """Read to the end."""
        for _ in self:
            pass

    def final_run(self) -> Run:
        """Read to the end, and return the final run."""
        self.until_done()
        return self._transport.ask(Run, "GET", at("/v1/runs/{}", self.run_id))

    def text_deltas(self) -> Generator[str]:
        """Iterate over the text in deltas. They include text that the model withdraws later; `text` does not."""
        for event in self:
            if isinstance(event, ContentEvent | RefusalEvent):
                yield event.content

    def close(self) -> None:
        """Stop reading and close the connection. The run continues."""
        self._ended = True
        self._hang_up()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        while not self._ended:
            frame = self._next_frame()
            if frame is None:
                continue
            if frame.data == DONE:
                self.close()
                self._check_is_over()
                break
            event = event_in(frame)
            if isinstance(event, ErrorEvent) and event.code in STREAM_ENDED:
                self.close()
                raise StreamEnded(event.message, event.code)
            if 0 < event.position <= self.last_position:
                continue
            if event.position > self.last_position:  # an event without a position can arrive again on each connection
                self.last_position = event.position
                self._misses = 0
            self._transcript.apply(event)
            self._is_over = self._is_over or (isinstance(event, StatusEvent) and event.status in TERMINAL_STATUSES)
            return event
        raise StopIteration

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self) -> None:
        if self._run_id is None:
            run = self._transport.ask(Run, "POST", "/v1/runs", body=self._body)
            self._run_id = run.id

    def _next_frame(self) -> SseFrame | None:
        if self._frames is None:
            self._begin()
            headers = {"Last-Event-ID": str(self.last_position)} if self.last_position else None
            call = ApiCall("GET", at("/v1/runs/{}/events", self.run_id), headers=headers)
            self._frames = self._transport.frames(call, self._deadline)
        failure: APIConnectionError | APIStatusError
        try:
            frame = next(self._frames)
        except StopIteration:
            failure = APIConnectionError("the server closed the connection before the end of the stream")
        except (APIConnectionError, APIStatusError) as error:
            failure = error
        else:
            self._was_open = True
            return frame
        self._hang_up()
        self._recover(failure)
        return None

    def _recover(self, failure: APIConnectionError | APIStatusError) -> None:
        """Wait before the next connection, or raise if the retries are exhausted."""
        retry = self._transport.retry
        if self._deadline:
            self._deadline.shorten(None)
        if not is_passing(failure) or (not self._was_open and self._misses >= retry.max_retries):
            raise failure
        if self._misses >= retry.max_reconnects:
            message = f"the stream of {self.run_id} broke after event {self.last_position}, {self._misses} times"
            raise StreamBroken(f"{message}: {failure}") from failure
        if self._misses or not self._was_open or isinstance(failure, APIStatusError):
            seconds = retry.delay(self._misses, failure)
            pause((self._deadline.shorten(seconds) if self._deadline else seconds) or 0.0)
        self._misses += 1

    def _check_is_over(self) -> None:
        """Check that the run has ended if its stream ends without saying so."""
        if self._is_over:
            return
        run = self._transport.ask(Run, "GET", at("/v1/runs/{}", self.run_id))
        if run.status not in TERMINAL_STATUSES:
            message = f"the server ended the stream of {self.run_id} after event {self.last_position}"
            raise StreamBroken(f"{message}, but the run has the status {run.status}")

    def _hang_up(self) -> None:
        frames, self._frames = self._frames, None
        if frames is not None:
            frames.close()
