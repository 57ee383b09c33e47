"""`profiles-sync warehouse …`: what is done with one warehouse."""

from typing import Annotated

import typer

from profiles_sync.cli.frame import print_text
from profiles_sync.cli.named import MaybeFile, named
from profiles_sync.warehouses import setup

app = typer.Typer(help="Set up a warehouse.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Without it, the only command would stand for the group."""


@app.command("setup-sql")
def setup_sql(
    kind: Annotated[
        str, typer.Argument(help=f"{', '.join(setup.SCRIPTS)}, or the name of a warehouse in the settings.")
    ],
    settings: MaybeFile = None,
    user: Annotated[str | None, typer.Option(help="The sync's user: service account, service principal.")] = None,
    database: Annotated[str | None, typer.Option(help="Database: project, catalog, dedicated SQL pool.")] = None,
    schema: Annotated[
        str | None, typer.Option(help="Make this schema (dataset) now; else the first sync does.")
    ] = None,
    warehouse: Annotated[str | None, typer.Option(help="Virtual warehouse, or the ID of a SQL warehouse.")] = None,
    role: Annotated[str | None, typer.Option(help="The role of the sync's user, on Snowflake.")] = None,
    location: Annotated[str | None, typer.Option(help="Where BigQuery keeps the schema.")] = None,
) -> None:
    """Print what an admin runs in a warehouse before its first sync; runs nothing, and knows no password."""
    of = named(kind, settings, setup.SCRIPTS)
    given = {
        "user": user,
        "database": database,
        "schema": schema,
        "warehouse": warehouse,
        "role": role,
        "location": location,
    }
    print_text(setup.written(of.kind, setup.SCRIPTS, given, of.fields, of.egress).text())
