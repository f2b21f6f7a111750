"""Options and arguments shared by several commands."""

from typing import Annotated

import typer


def _check_id(value: str) -> str:
    if value.strip(".") == "":
        raise typer.BadParameter("expected an id")
    return value


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Limit = Annotated[int | None, typer.Option(min=1, max=100, help="Maximum number, newest first. Default: all.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
AssistantId = Annotated[str, typer.Argument(metavar="ASSISTANT", help="The assistant's id.", callback=_check_id)]
ThreadId = Annotated[str, typer.Argument(metavar="THREAD", help="The thread's id.", callback=_check_id)]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id.", callback=_check_id)]
UserId = Annotated[str, typer.Argument(metavar="USER", help="The user's id.", callback=_check_id)]
FileId = Annotated[str, typer.Argument(metavar="FILE", help="The file's id.", callback=_check_id)]
StoreId = Annotated[str, typer.Argument(metavar="STORE", help="The vector store's id.", callback=_check_id)]
DeliveryId = Annotated[
    str,
    typer.Argument(metavar="DELIVERY", help="The id, as shown by `webhooks deliveries`.", callback=_check_id),
]
ApprovalId = Annotated[
    str, typer.Argument(metavar="APPROVAL", help="The id, as shown by `approvals list`.", callback=_check_id)
]
KeyPrefix = Annotated[
    str, typer.Argument(metavar="PREFIX", help="The prefix of the key, as shown by `keys list`.", callback=_check_id)
]
IdempotencyKey = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="An idempotency key: repeating the command within 24 hours creates nothing new."),
]
