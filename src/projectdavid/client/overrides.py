"""Settings of a run that replace those of its assistant, as keyword arguments."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from projectdavid.client.errors import InvalidInputError
from projectdavid.client.wire import IdentifiedObject, id_of
from projectdavid.protocol.model_options import ModelOptionArguments


class RunSettings(ModelOptionArguments, total=False):
    """Settings of a run that replace those of the assistant; omitted ones come from the assistant."""

    model: str
    instructions: str
    additional_instructions: str
    """Text appended to the instructions."""
    tool_choice: str | dict[str, Any]
    """`none`, `auto`, `required`, or `{"type": "function", "function": {"name": ...}}`."""
    parallel_tool_calls: bool
    temperature: float
    top_p: float
    max_prompt_tokens: int
    max_completion_tokens: int
    truncation_strategy: str | dict[str, Any]
    response_format: str | dict[str, Any]
    tool_resources: dict[str, Any]
    meta_data: dict[str, Any]
    max_turns: int
    on_busy: Literal["reject", "queue", "interrupt"]
    """What happens if the thread has an open run: `reject` (the default), `queue` or `interrupt`."""
    action_timeout: float
    """Seconds that the run waits for outputs of calls, each time."""
    on_expiry: Literal["fail", "answer"]
    """What happens if no output arrives in time: the run expires (default), or the model gets `expiry_output`."""
    expiry_output: str
    """The output that the model receives then, with `answer`."""


class RunOverrides(RunSettings, total=False):
    """The same settings, for runs whose tools are not Python functions."""

    tools: Sequence[Any]


def run_body(
    assistant: str | IdentifiedObject | None, thread: str | IdentifiedObject | None, overrides: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the body that creates a run.

    Raises:
        InvalidInputError: the assistant or the thread is missing, or an override is unknown.
    """
    if assistant is None or thread is None:
        raise InvalidInputError("a run needs an assistant and a thread")
    for name in overrides:
        if name not in RunOverrides.__annotations__:
            known = ", ".join(RunOverrides.__annotations__)
            raise InvalidInputError(f"unexpected keyword argument '{name}'; a run takes {known}")
    return {"assistant_id": id_of(assistant), "thread_id": id_of(thread), **overrides}
