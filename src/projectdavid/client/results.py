"""What `runs.run()` gives back."""

from dataclasses import dataclass

from projectdavid.protocol.messages import Message
from projectdavid.protocol.runs import Run


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run that is over."""

    run: Run
    text: str
    """The last message of the assistant."""
    messages: list[Message]
    """All messages of the run, oldest first."""

    def __str__(self) -> str:
        return self.text
