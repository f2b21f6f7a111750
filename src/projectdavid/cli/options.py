"""Options and arguments that several commands have."""

from typing import Annotated

import typer


def _named(value: str) -> str:
    if value.strip(".") == "":
        raise typer.BadParameter("expected an id")
    return value


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Limit = Annotated[int | None, typer.Option(min=1, max=100, help="At most so many, the newest. Default: all.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AssistantId = Annotated[str, typer.Argument(metavar="ASSISTANT", help="The assistant's id.", callback=_named)]
ThreadId = Annotated[str, typer.Argument(metavar="THREAD", help="The thread's id.", callback=_named)]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id.", callback=_named)]
UserId = Annotated[str, typer.Argument(metavar="USER", help="The user's id.", callback=_named)]
FileId = Annotated[str, typer.Argument(metavar="FILE", help="The file's id.", callback=_named)]
StoreId = Annotated[str, typer.Argument(metavar="STORE", help="The vector store's id.", callback=_named)]
DeliveryId = Annotated[
    str,
    typer.Argument(metavar="DELIVERY", help="Its id, as `webhooks deliveries` shows it.", callback=_named),
]
KeyPrefix = Annotated[
    str, typer.Argument(metavar="PREFIX", help="The start of the key, as `keys list` shows it.", callback=_named)
]
IdempotencyKey = Annotated[
    str | None,
    typer.Option(
        metavar="KEY", help="Your own name for this request: within 24 hours, the same command makes nothing new."
    ),
]
