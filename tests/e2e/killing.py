"""Kill a server at a chosen moment of what its callers do, and callers who do not mind."""

import itertools
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.e2e.processes import PATIENCE, Fake
from tests.e2e.reading import DONE, Address, Cut, Stream, event
from tests.e2e.story import Story, messages, new_assistant, new_thread, outputs

TRIES = 100
CALLERS = 4
ARGUMENTS = '{"place": "' + "Reykjavik, by the harbour, " * 4 + '"}'
REASONING = "first I look"
SAYING = "let me see"
OUTPUT = " ".join(f"o{number}" for number in range(57))
ANSWER = f"The tools said: {OUTPUT}"
WORDS = {"reasoning", "content", "call_arguments"}
STATUSES = ["queued", "in_progress", "action_required", "queued", "in_progress", "completed"]
DELTAS = (6 + 1 + -(-len(ARGUMENTS) // 16)) + (3 + 60)
"""Reasoning, text, the call and its arguments; reasoning and the answer."""


class Killable(Protocol):
    """A server, or several processes that are one for their callers."""

    @property
    def key(self) -> str: ...

    @property
    def starts(self) -> int: ...

    @property
    def silence(self) -> float | None: ...

    def url(self) -> str: ...

    def kill(self) -> None: ...

    def ended(self) -> int: ...

    def start(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Moment:
    """When to kill: `delay` seconds behind the `count`th time that somebody sees `what`."""

    what: str
    count: int = 1
    delay: float = 0.0


class Killer:
    """Kills the server once for each moment that it is given."""

    def __init__(self, server: Killable) -> None:
        self.fired = threading.Event()
        self._server = server
        self._lock = threading.Lock()
        self._what = ""
        self._left = 0
        self._delay = 0.0

    def wait_for(self, moment: Moment) -> None:
        """Have the server killed at this moment, from now on."""
        with self._lock:
            self.fired.clear()
            self._what, self._left, self._delay = moment.what, moment.count, moment.delay

    def saw(self, what: str) -> None:
        """Somebody sees this."""
        with self._lock:
            if what != self._what and self._what != "anything":
                return
            self._left -= 1
            if self._left:
                return
            self._what = ""
        if self._delay:
            timer = threading.Timer(self._delay, self._kill)
            timer.daemon = True
            timer.start()
        else:
            self._kill()

    def _kill(self) -> None:
        self._server.kill()
        self.fired.set()


@dataclass(slots=True)
class Caller:
    """Has a run made whatever happens to the server, and does not believe it."""

    server: Killable
    fake: Fake
    killer: Killer
    assistant_id: str
    tag: str
    delay: float
    spoken: threading.Event
    """Set when the model says something in one of its runs."""
    frames: list[bytes] = field(default_factory=list)
    cuts: int = 0
    first_turn: int = 0
    """How often the first turn was asked for."""

    def have_run(self) -> None:
        """One run from its creation to its end, and all that must be true of it then."""
        starts = self.server.starts
        run = self._accepted()
        story = Story(run["id"])
        while not self._followed(story):
            self.cuts += 1
            assert self.cuts < TRIES
        self._check(run, story)
        asked = self.asked()
        assert len(asked) <= 2 + self.server.starts - starts, "no kill explains so many requests"

    def asked(self) -> list[int]:
        """The turns that the model was asked for."""
        asked = self.fake.asked(f"{self.tag} ")
        turns = [request.turn for request in asked]
        assert turns == sorted(turns), "a finished turn was asked for again"
        assert {request.n_messages for request in asked if request.turn} <= {3}, "something is in the thread twice"
        return turns

    def _persistently(self, do: Callable[[Address], Any]) -> Any:
        """Ask until there is an answer; what is asked may be done twice."""
        for _ in range(TRIES):
            try:
                return do(self._address())
            except Cut:
                continue
        raise AssertionError("the server never answers")

    def _address(self) -> Address:
        return Address(self.server.url(), self.server.key, self.server.silence)

    def _accepted(self) -> dict[str, Any]:
        text = f"{self.tag} [delay={self.delay}][reason={REASONING}][say={SAYING}][call=weather:{ARGUMENTS}]"
        thread_id = self._persistently(lambda address: new_thread(address, text))
        for _ in range(TRIES):
            address = self._address()
            self.killer.saw("posting")
            try:
                run = address.ask("POST", "/v1/runs", {"assistant_id": self.assistant_id, "thread_id": thread_id})
            except Cut:
                # It was accepted, or it was not; then there is nothing of it.
                runs = self._persistently(lambda address: address.ask("GET", f"/v1/threads/{thread_id}/runs"))["data"]
                if runs:
                    return runs[0]
            else:
                self.killer.saw("accepted")
                return run
        raise AssertionError("no run is ever accepted")

    def _followed(self, story: Story) -> bool:
        """Read on until the end, or until the connection is cut."""
        try:
            with Stream(self._address(), f"/v1/runs/{story.run_id}/events", last=story.position) as stream:
                for frame in stream.frames():
                    if frame == DONE:
                        assert story.over
                        continue
                    told = event(frame)
                    story.see(told)
                    self.frames.append(frame)
                    self.killer.saw(told.kind)
                    if told.kind in WORDS:
                        self.spoken.set()
                    if told.data.get("status") == "action_required":
                        self._answer(story)
        except Cut:
            return False
        return True

    def _answer(self, story: Story) -> None:
        self.first_turn = len(self.asked())
        assert self.fake.asked(f"{self.tag} ")[-1].finished
        for _ in range(TRIES):
            address = self._address()
            self.killer.saw("submitting")
            try:
                address.ask("POST", f"/v1/runs/{story.run_id}/submit_tool_outputs", outputs(story.calls, OUTPUT))
            except Cut:
                if self._run(story)["status"] != "action_required":
                    return
            else:
                self.killer.saw("submitted")
                return
        raise AssertionError("no output is ever accepted")

    def _run(self, story: Story) -> dict[str, Any]:
        return self._persistently(lambda address: address.ask("GET", f"/v1/runs/{story.run_id}"))

    def _check(self, run: dict[str, Any], story: Story) -> None:
        assert story.statuses == STATUSES, story.errors
        assert list(story.texts.values()) == [SAYING, ANSWER]
        assert len(story.calls) == 1
        assert story.answered == story.calls
        stored = self._persistently(lambda address: messages(address, run["thread_id"]))
        assert [message["role"] for message in stored] == ["user", "assistant", "tool", "assistant"]
        assert {message["id"]: message["content"] for message in (stored[1], stored[3])} == story.texts
        assert stored[2]["content"] == OUTPUT
        ended = self._run(story)
        assert ended["status"] == "completed"
        assert [action["result"] for action in ended["actions"]] == [{"output": OUTPUT}]
        assert ended["usage"] == story.usage
        assert (story.usage["prompt_tokens"], story.usage["completion_tokens"]) == (14, DELTAS)
        assert self._persistently(self._again(story)) == [*self.frames, DONE]
        turns = self.asked()
        assert turns.count(0) == self.first_turn
        assert [self.fake.asked(f"{self.tag} ")[at].finished for at in (self.first_turn - 1, -1)] == [True, True]

    def _again(self, story: Story) -> Callable[[Address], list[bytes]]:
        def frames(address: Address) -> list[bytes]:
            with Stream(address, f"/v1/runs/{story.run_id}/events") as stream:
                return list(stream.frames())

        return frames


def have_runs_while_killing(server: Killable, fake: Fake, moments: Iterable[Moment]) -> list[Caller]:
    """Let callers have one run after another, and kill the server at each moment; returns the callers.

    A run that loses three processes before the model says anything fails. So after each second kill, all callers hear
    something before the next.
    """
    killer = Killer(server)
    assistant_id = new_assistant(Address(server.url(), server.key))
    enough = threading.Event()
    callers: list[Caller] = []
    failures: list[BaseException] = []
    spoken = [threading.Event() for _ in range(CALLERS)]

    def have_runs(name: int) -> None:
        for number in itertools.count():
            if enough.is_set():
                return
            tag, delay = f"run-{name}-{number}", 0.002 + name / 1000
            caller = Caller(server, fake, killer, assistant_id, tag, delay, spoken[name])
            callers.append(caller)
            try:
                caller.have_run()
            except BaseException as failure:
                failures.append(failure)  # the first is the cause: without a server, the others fail after it
                enough.set()
                for event in (killer.fired, *spoken):
                    event.set()
                raise

    with ThreadPoolExecutor(CALLERS) as pool:
        having = [pool.submit(have_runs, name) for name in range(CALLERS)]
        try:
            for number, moment in enumerate(moments):
                for event in spoken if number % 2 == 0 else ():
                    event.clear()
                    assert event.wait(PATIENCE), "a caller hears nothing"
                killer.wait_for(moment)
                assert killer.fired.wait(PATIENCE), moment
                if enough.is_set():
                    break
                server.ended()
                server.start()
        finally:
            enough.set()
    if failures:
        raise failures[0]
    for future in having:
        future.result()
    return callers
