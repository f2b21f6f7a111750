"""A run as the fake tells it: a journal that waits for the outputs of calls, read from any position."""

from collections.abc import Iterator, Sequence
from threading import Condition
from typing import Any

from tests.client.fake import DONE, Answer, Asked, Fake, error, frame
from tests.client.samples import ASSISTANT, MESSAGE, RUN, page
from tests.timeouts import EVENT_TIMEOUT

Entry = tuple[str, dict[str, Any]]


def call(name: str, number: int = 1, **arguments: Any) -> Entry:
    """The model calls a function."""
    fields = {"action_id": f"act_{number}", "tool_call_id": f"call_{number}", "tool": name, "args": arguments}
    return "tool_call_manifest", fields


def status(name: str) -> Entry:
    """The run changes its status."""
    return "status", {"status": name}


def said(text: str, number: int = 1) -> list[Entry]:
    """The model writes a message, word by word."""
    pieces = [("content", {"content": word}) for word in text.split(" ")]
    message = {"message_id": f"message_{number}"}
    return [("message_created", message), *pieces, ("message_completed", message)]


class FakeRun:
    """One run over several turns: after each but the last it waits for outputs.

    `cut` limits the events of one connection; `lose` says how many submissions take effect without an answer.
    """

    def __init__(self, fake: Fake, turns: Sequence[Sequence[Entry]], cut: int | None = None, lose: int = 0) -> None:
        self.turns = [list(turn) for turn in turns]
        self.outputs: list[dict[str, str]] = []
        self.journal = list(self.turns[0])
        self.status = "in_progress"
        self.final = "completed"
        self.messages: list[dict[str, Any]] = []
        self.lose = lose
        self._turn = 0
        self._cut = cut
        self._taken: set[str] = set()
        self._news = Condition()
        fake.on("POST /v1/messages", Answer(MESSAGE))
        fake.on(f"GET /v1/assistants/{ASSISTANT['id']}", Answer(ASSISTANT))
        fake.on("POST /v1/runs", Answer(RUN))
        fake.on("GET /v1/runs/run_1", lambda _: Answer(self.shown()))
        fake.on("GET /v1/runs/run_1/events", self.events)
        fake.on("POST /v1/runs/run_1/submit_tool_outputs", self.submit)
        fake.on("GET /v1/actions/pending/run_1", lambda _: Answer(self.pending()))
        fake.on("GET /v1/threads/thread_1/messages", lambda _: Answer(page(*reversed(self.messages))))

    @property
    def is_over(self) -> bool:
        return self._turn == len(self.turns) - 1

    def shown(self) -> dict[str, Any]:
        calls = [fields for kind, fields in self.turns[self._turn] if kind == "tool_call_manifest"]
        actions = [
            {
                "id": fields["action_id"],
                "run_id": "run_1",
                "tool_call_id": fields["tool_call_id"],
                "tool_name": fields["tool"],
                "function_args": fields["args"],
                "status": "pending",
                "triggered_at": "2026-11-22T12:00:00+00:00",
            }
            for fields in calls
        ]
        return RUN | {"status": self.final if self.is_over else "action_required", "actions": actions}

    def pending(self) -> list[dict[str, Any]]:
        answered = {output["tool_call_id"] for output in self.outputs}
        return [
            {
                "action_id": fields["action_id"],
                "tool_call_id": fields["tool_call_id"],
                "action_status": "pending",
                "function_arguments": fields["args"],
                "tool_name": fields["tool"],
                "run_id": "run_1",
                "run_status": "action_required",
            }
            for kind, fields in self.turns[self._turn]
            if kind == "tool_call_manifest" and fields["tool_call_id"] not in answered
        ]

    def submit(self, asked: Asked) -> Answer:
        key = asked.headers["idempotency-key"]
        with self._news:
            if key in self._taken:
                return Answer(self.shown())
            if self.is_over:
                return error(400, "not_waiting")
            self._taken.add(key)
            self.outputs += asked.body["tool_outputs"]
            if not self.pending():
                self._turn += 1
                self.journal += self.turns[self._turn]
                self._news.notify_all()
        if self.lose:
            self.lose -= 1
            return error(502)
        return Answer(self.shown())

    def events(self, asked: Asked) -> Answer:
        after = int(asked.headers.get("last-event-id", 0))
        return Answer(parts=self._frames(after), whole=self._cut is None)

    def _frames(self, after: int) -> Iterator[bytes]:
        yield b": hello\n\n"
        for sent in range(self._cut or 10**9):
            position = after + sent + 1
            with self._news:
                if not self._news.wait_for(
                    lambda wanted=position: len(self.journal) >= wanted or self.is_over, EVENT_TIMEOUT
                ):
                    return
                if len(self.journal) < position:
                    break
                kind, fields = self.journal[position - 1]
            yield frame(position, kind, **fields)
        else:
            return
        yield DONE
