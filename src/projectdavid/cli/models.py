"""`projectdavid models`."""

import typer

from projectdavid.cli.connecting import connect
from projectdavid.cli.options import AsJson
from projectdavid.cli.printing import note, print_json, print_table
from projectdavid.cli.teaching import command


def declare(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "models", "projectdavid models")(models)


def models(as_json: AsJson = False) -> None:
    """List the models that can be used now.

    An ID is what the model of an assistant says.
    """
    with connect() as client:
        found = client.models.list()
    if as_json:
        print_json(found)
        return
    print_table(["ID", "PROVIDER"], [(model.id, model.owned_by) for model in found])
    if all(model.owned_by == "demo" for model in found):
        note("For others set OPENAI_BASE_URL and OPENAI_API_KEY, or OLLAMA_HOST, and start the server again.")
