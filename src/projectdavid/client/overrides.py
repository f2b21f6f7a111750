"""What one run may do differently from its assistant, as keyword arguments."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from projectdavid.client.wire import Identified, id_of
from projectdavid.protocol.assistants import ReasoningEffort


class RunSettings(TypedDict, total=False):
    """Fields of a run that replace those of the assistant; what is left out comes from the assistant."""

    model: str
    instructions: str
    additional_instructions: str
    """Appended to the instructions."""
    tool_choice: str | dict[str, Any]
    """`none`, `auto`, `required`, or `{"type": "function", "function": {"name": ...}}`."""
    parallel_tool_calls: bool
    temperature: float
    top_p: float
    max_prompt_tokens: int
    max_completion_tokens: int
    truncation_strategy: str | dict[str, Any]
    response_format: str | dict[str, Any]
    reasoning_effort: ReasoningEffort
    """How long the model is to think, where it can choose."""
    tool_resources: dict[str, Any]
    meta_data: dict[str, Any]
    max_turns: int
    on_busy: Literal["reject", "queue", "interrupt"]
    """What the run does in a thread that another run has: `reject` (the default), `queue` or `interrupt`."""
    action_timeout: float
    """Seconds for which the run waits for outputs of calls, each time."""
    on_expiry: Literal["fail", "answer"]
    """What follows where nobody answers in time: the run expires (the default), or the model is told so."""
    expiry_output: str
    """What the model is told then, with `answer`."""


class RunOverrides(RunSettings, total=False):
    """The same, where tools are not Python functions."""

    tools: Sequence[Any]


def run_body(
    assistant: str | Identified | None, thread: str | Identified | None, overrides: Mapping[str, Any]
) -> dict[str, Any]:
    """The body that creates a run.

    Raises:
        TypeError: the assistant or the thread is missing, or there is no such override.
    """
    if assistant is None or thread is None:
        raise TypeError("a run needs an assistant and a thread")
    for name in overrides:
        if name not in RunOverrides.__annotations__:
            known = ", ".join(RunOverrides.__annotations__)
            raise TypeError(f"unexpected keyword argument '{name}'; a run takes {known}")
    return {"assistant_id": id_of(assistant), "thread_id": id_of(thread), **overrides}
