"""`projectdavid assistants`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from projectdavid.cli.connections import connect
from projectdavid.cli.declarations import command, new_group
from projectdavid.cli.options import AsJson, AssistantId, IdempotencyKey, Limit, Yes
from projectdavid.cli.output import confirm, moment, note, print_fields, print_json, print_table, told_deleted

app = new_group(
    "Assistants: models with instructions and tools.",
    "projectdavid assistants create --model demo/assistant --name Mathy",
    "projectdavid assistants list",
)

Name = Annotated[str | None, typer.Option(help="At most 128 characters.")]
Description = Annotated[str | None, typer.Option(help="At most 256 characters.")]
Instructions = Annotated[str | None, typer.Option(help="The system prompt.")]
Tools = Annotated[
    list[str] | None,
    typer.Option("--tool", help="A platform tool (web_search), or @FILE with function tools as JSON. Repeatable."),
]
Temperature = Annotated[float | None, typer.Option(min=0, max=2, help="Creativity.")]
TopP = Annotated[float | None, typer.Option(min=0, max=1, help="Nucleus sampling.")]
Meta = Annotated[list[str] | None, typer.Option("--meta", metavar="KEY=VALUE", help="Custom metadata. Repeatable.")]
Webhook = Annotated[
    str | None,
    typer.Option(
        "--webhook-url", help=("An https URL that is notified when a run waits for the output of a function.")
    ),
]
WebhookEvents = Annotated[
    list[str] | None,
    typer.Option("--webhook-event", help="Another event to send, such as run.completed or run.failed. Repeatable."),
]
WebhookSecret = Annotated[
    str | None,
    typer.Option(
        "--webhook-secret", help=("Secret that signs the webhooks; at least 16 characters. Default: generated.")
    ),
]


@command(app, "list", "projectdavid assistants list", "projectdavid assistants list --json | jq -r '.[].id'")
def list_(limit: Limit = None, as_json: AsJson = False) -> None:
    """List your assistants, newest first."""
    with connect() as client:
        found = client.assistants.list(limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [(one.id, one.name, one.model, _tools(one.tools), moment(one.created_at)) for one in found]
    print_table(["ID", "NAME", "MODEL", "TOOLS", "CREATED"], rows)
    if not found:
        note("None yet: projectdavid assistants create --model demo/assistant --name Mathy")


@command(
    app,
    "create",
    "projectdavid assistants create --model demo/assistant --name Mathy --instructions 'You teach math.'",
    "projectdavid assistants create --model llama3.1 --tool web_search --tool @functions.json",
)
def create(
    model: Annotated[str, typer.Option(help="The model; `projectdavid models` lists them.")],
    name: Name = None,
    description: Description = None,
    instructions: Instructions = None,
    tools: Tools = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    meta: Meta = None,
    webhook_url: Webhook = None,
    idempotency_key: IdempotencyKey = None,
    webhook_events: WebhookEvents = None,
    webhook_secret: WebhookSecret = None,
    as_json: AsJson = False,
) -> None:
    """Create an assistant, and print its id."""
    fields = _drop_unset(
        name=name,
        description=description,
        instructions=instructions,
        tools=_read_tools(tools),
        temperature=temperature,
        top_p=top_p,
        meta_data=_pairs(meta),
        webhook_url=webhook_url,
        webhook_events=webhook_events,
        webhook_secret=webhook_secret,
    )
    with connect() as client:
        assistant = client.assistants.create_assistant(model=model, idempotency_key=idempotency_key, **fields)
    if as_json:
        print_json(assistant)
        return
    typer.echo(assistant.id)
    if assistant.webhook_secret is not None:
        note(f"Its webhook is signed with {assistant.webhook_secret}, which is shown only once.")
    note(f"Talk to it: projectdavid chat --assistant {assistant.id}")


@command(app, "show", "projectdavid assistants show asst_5X2dIbKJsm8IgQTOAvK5WI")
def show(assistant_id: AssistantId, as_json: AsJson = False) -> None:
    """Show one assistant."""
    with connect() as client:
        assistant = client.assistants.retrieve_assistant(assistant_id)
    if as_json:
        print_json(assistant)
    else:
        print_fields({**assistant.dict(), "created_at": moment(assistant.created_at)})


@command(app, "update", "projectdavid assistants update asst_5X2dIbKJsm8IgQTOAvK5WI --instructions 'Answer in verse.'")
def update(
    assistant_id: AssistantId,
    model: Annotated[str | None, typer.Option(help="The model that answers.")] = None,
    name: Name = None,
    description: Description = None,
    instructions: Instructions = None,
    tools: Tools = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    meta: Meta = None,
    webhook_url: Webhook = None,
    webhook_events: WebhookEvents = None,
    webhook_secret: WebhookSecret = None,
    as_json: AsJson = False,
) -> None:
    """Update an assistant; omitted options do not change."""
    fields = _drop_unset(
        model=model,
        name=name,
        description=description,
        instructions=instructions,
        tools=_read_tools(tools),
        temperature=temperature,
        top_p=top_p,
        meta_data=_pairs(meta),
        webhook_url=webhook_url,
        webhook_events=webhook_events,
        webhook_secret=webhook_secret,
    )
    if not fields:
        raise typer.BadParameter("nothing to change; pass an option such as --name")
    with connect() as client:
        assistant = client.assistants.update_assistant(assistant_id, **fields)
    if as_json:
        print_json(assistant)
    else:
        print_fields({**assistant.dict(), "created_at": moment(assistant.created_at)})


@command(app, "delete", "projectdavid assistants delete asst_5X2dIbKJsm8IgQTOAvK5WI --yes")
def delete(assistant_id: AssistantId, yes: Yes = False, as_json: AsJson = False) -> None:
    """Delete an assistant; its messages stay in their threads."""
    confirm(f"Delete the assistant {assistant_id}?", yes=yes)
    with connect() as client:
        gone = client.assistants.delete_assistant(assistant_id)
    told_deleted(gone, as_json=as_json)


def _drop_unset(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _tools(tools: list[dict[str, Any]] | None) -> str:
    return ", ".join(tool.get("function", {}).get("name") or tool.get("type", "?") for tool in tools or [])


def _read_tools(texts: list[str] | None) -> list[Any] | None:
    if texts is None:
        return None
    tools: list[Any] = []
    for text in texts:
        tools += _read_file(text[1:]) if text.startswith("@") else [{"type": text}]
    return tools


def _read_file(path: str) -> list[Any]:
    try:
        found = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"--tool @{path}: {error}") from error
    return found if isinstance(found, list) else [found]


def _pairs(texts: list[str] | None) -> dict[str, str] | None:
    if texts is None:
        return None
    for text in texts:
        if "=" not in text:
            raise typer.BadParameter(f"--meta {text}: expected KEY=VALUE")
    return dict(text.split("=", 1) for text in texts)
