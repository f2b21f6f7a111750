"""The result of `runs.run()`."""

from dataclasses import dataclass

from projectdavid.protocol.messages import Annotation, Message
from projectdavid.protocol.runs import Run


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run that has ended, with its messages."""

    run: Run
    text: str
    """The last message of the assistant."""
    messages: list[Message]
    """All messages of the run, oldest first."""

    @property
    def citations(self) -> list[Annotation]:
        """The citations of the last message, in order."""
        return list(self.messages[-1].annotations) if self.messages else []

    def __str__(self) -> str:
        return self.text
