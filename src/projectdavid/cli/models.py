"""`projectdavid models`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from projectdavid.cli.connections import connect
from projectdavid.cli.declarations import build_help, command
from projectdavid.cli.options import AsJson
from projectdavid.cli.output import CommandError, note, print_fields, print_json, print_table, say

if TYPE_CHECKING:
    from projectdavid.cli.doctor.model_probe import ProbeReport
    from projectdavid.protocol.models import CapabilityFact, ModelInfo, PriceFact

WORDS = {True: "yes", False: "no", None: "?"}
ModelName = Annotated[str, typer.Argument(metavar="NAME", help="The model, as `projectdavid models` lists it.")]
Data = Annotated[Path | None, typer.Option(metavar="DIR", help="The server's data folder, if not the default.")]


class ProbeGroup(TyperGroup):
    """A group that accepts `models --probe [NAME]` as well as `models probe [NAME]`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Replace `--probe` by the command."""
        if "--probe" in args:
            args = ["probe", *(word for word in args if word != "--probe")]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=ProbeGroup,
    help=build_help(
        """The available models and their properties. Use an ID as the model of an assistant.""",
        "projectdavid models",
        "projectdavid models show openai/gpt-5",
        "projectdavid models --probe ollama/llama3.1",
    ),
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def list_models(
    context: typer.Context,
    probe: Annotated[
        bool,
        typer.Option("--probe", help="Test a model with a few small requests: `projectdavid models --probe NAME`."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the available models."""
    del probe  # `ProbeGroup` has converted it to a command.
    if context.invoked_subcommand is not None:
        return
    with connect() as client:
        found = client.models.list()
    if as_json:
        print_json(found)
        return
    print_table(["ID", "WINDOW", "TOOLS", "IMAGES", "REASONING", "PARALLEL", "PRICE", "LEARNED"], map(_row, found))
    if all(model.owned_by == "demo" for model in found):
        note("For others set OPENAI_BASE_URL and OPENAI_API_KEY, or OLLAMA_HOST, and restart the server.")


def _row(model: "ModelInfo") -> list[str | None]:
    can = model.capabilities
    flags = (can.tools, can.images, can.reasoning, can.parallel_calls)
    window = None if model.context_window.value is None else str(model.context_window.value)
    words = [WORDS[flag.value] for flag in flags]
    return [model.id, window, *words, _price(model.price), "; ".join(model.learned)]


@command(app, "show", "projectdavid models show openai/gpt-5")
def show(name: ModelName, as_json: AsJson = False) -> None:
    """Show the known properties of a model, with the source of each: the settings, the provider, its earlier answers,
    the model catalog, or a default.
    """
    with connect() as client:
        found = [model for model in client.models.list() if model.id == name or model.id.partition("/")[2] == name]
    if not found:
        raise CommandError(f"no provider lists the model '{name}'", "list the names with `projectdavid models`")
    if as_json:
        print_json(found[0])
        return
    model = found[0]
    fields = {"id": model.id, "provider": model.owned_by}
    fields["context window"] = _format_fact(model.context_window.value, model.context_window.source)
    fields["longest answer"] = _format_fact(model.max_output_tokens.value, model.max_output_tokens.source)
    for capability in type(model.capabilities).model_fields:
        fact: CapabilityFact = getattr(model.capabilities, capability)
        fields[capability.replace("_", " ")] = _format_fact(WORDS[fact.value], fact.source)
    fields["price"] = _format_fact(_price(model.price), model.price.source)
    fields["learned"] = "; ".join(model.learned) or "nothing"
    print_fields(fields)


@command(
    app,
    "probe",
    "projectdavid models probe ollama/llama3.1",
    "projectdavid models --probe openai/gpt-5-mini --json",
)
def probe(
    name: Annotated[str | None, typer.Argument(help="The model. Default: the only one.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Test a model with a few small requests, and print the results and settings.

    Text, a function call, two calls at once, an image, a JSON schema: at most five requests with answers of at most 256
    tokens each. The provider bills them. It uses the settings of this machine; no running server is needed.
    """
    from projectdavid.cli.doctor.model_probe import probe_model

    report = probe_model(name, data)
    if as_json:
        print_json(report.to_json())
    else:
        _print_report(report)
    if not report.usable:
        raise typer.Exit(1)


def _print_report(report: "ProbeReport") -> None:
    say(report.model, style="bold")
    print_table(["WHAT", "RESULT", "DETAIL"], [(one.name, one.verdict, one.detail) for one in report.outcomes])
    say(f"learned: {'; '.join(report.learned) or 'nothing'}")
    if report.settings:
        say("to set in config.toml:")
        for line in report.settings:
            say(f"  {line}")


@command(app, "update", "projectdavid models update --from api.json")
def update(
    source: Annotated[
        Path, typer.Option("--from", metavar="FILE", help="The api.json of https://models.dev, or a catalog file.")
    ],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Install a newer model catalog from a file; the server reads it at startup. Nothing is downloaded. Models that are
    not in the file keep the values of the package's catalog.
    """
    from datetime import UTC, datetime

    from msgspec.structs import replace

    from projectdavid.adapters.model_catalog import CatalogError, read_catalog, write_catalog
    from projectdavid.cli.configuration import read_settings

    settings = read_settings(data=data)
    try:
        document = read_catalog(source)
        if not document.date:
            day = datetime.fromtimestamp(source.stat().st_mtime, UTC).date()
            document = replace(document, date=day.isoformat())
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_catalog(settings.catalog, document)
    except CatalogError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from error
    count = sum(len(provider.models) for provider in document.providers.values())
    told: dict[str, Any] = {"file": str(settings.catalog), "date": document.date, "models": count}
    if as_json:
        print_json(told)
    else:
        note(f"{settings.catalog} contains {count} models of {document.date}. Restart the server to use them.")


def _format_fact(value: Any, source: str) -> str:
    return "unknown" if value is None or source == "unknown" else f"{value} ({source})"


def _price(price: "PriceFact") -> str | None:
    if price.prompt is None or price.completion is None:
        return None
    unit = "$" if price.source == "catalog" else ""
    return f"{unit}{price.prompt:g} / {unit}{price.completion:g}"
