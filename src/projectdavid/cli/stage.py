"""How the demo tells what happens: numbered steps, a line each."""

from rich.console import Console
from rich.text import Text

from projectdavid.cli.printing import plain


class Stage:
    """Numbered steps, a line each."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._number = 0

    def title(self, text: str) -> None:
        """Begin."""
        self._console.print(Text(text, style="bold"))

    def step(self, name: str, text: str) -> None:
        """Tell the next step."""
        self._number += 1
        line = Text.assemble((f"\n{self._number}  ", "bold cyan"), (f"{name:<17}", "bold"), plain(text))
        self._console.print(line, soft_wrap=True)

    def line(self, text: str) -> None:
        """Tell more of this step."""
        self._console.print(Text(f"   {plain(text)}"), soft_wrap=True)
