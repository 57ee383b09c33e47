"""`profiles-sync data-graph …`: the Data Graph's own access to a warehouse."""

from typing import Annotated

import typer

from profiles_sync import data_graph
from profiles_sync.cli.frame import EXIT, File, Json, print_json, print_text
from profiles_sync.cli.named import MaybeFile, field, named, typed
from profiles_sync.settings import load
from profiles_sync.terminal import warehouses as terminal
from profiles_sync.warehouses import setup

app = typer.Typer(help="Set up the Data Graph's access to a warehouse.", no_args_is_help=True)


@app.command()
def prerequisites(
    name: Annotated[str, typer.Argument(help="The name of a warehouse.")], settings: File, json: Json = False
) -> None:
    """Tell what the Data Graph lacks in a warehouse: tables that are not selected, or not there yet."""
    from profiles_sync.sync.prerequisites import prerequisites_of

    found = prerequisites_of(load(settings), name)
    (print_json if json else terminal.print_lacking)({"warehouse": name, "ok": not found, "lacking": list(found.told)})
    if found:
        raise typer.Exit(EXIT["Failed"])


@app.command()
def connect(
    name: Annotated[str, typer.Argument(help="The name of a warehouse.")],
    settings: File,
    fields: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FIELD=VALUE]...", help="What differs from the sync's connection: username=… and so on."
        ),
    ] = None,
    json: Json = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Keep the password on the standard input, encrypted.")
    ] = False,
) -> None:
    """Test the Data Graph's own connection to a warehouse as its linked user, and keep it where that goes well."""
    from profiles_sync.sync import linking

    found = linking.connect(load(settings), name, dict(map(field, fields or [])), typed() if password_stdin else None)
    (print_json if json else terminal.print_connected)(found.shown())
    if not found.ok:
        raise typer.Exit(EXIT["Failed"])


@app.command()
def validate(
    name: Annotated[str, typer.Argument(help="The name of a warehouse.")], settings: File, json: Json = False
) -> None:
    """Run the queries that show what the linked user may do, then tell what the Data Graph lacks."""
    from profiles_sync.sync import linking

    found = linking.validate(load(settings), name)
    (print_json if json else terminal.print_validated)(found.shown())
    if not found.ok:
        raise typer.Exit(EXIT["Failed"])


@app.command("setup-sql")
def setup_sql(
    kind: Annotated[
        str, typer.Argument(help=f"{', '.join(data_graph.SCRIPTS)}, or the name of a warehouse in the settings.")
    ],
    settings: MaybeFile = None,
    user: Annotated[str | None, typer.Option(help="The Data Graph's user: service account or principal.")] = None,
    role: Annotated[str | None, typer.Option(help="Its role, on Redshift and Snowflake.")] = None,
    database: Annotated[str | None, typer.Option(help="Database (project, catalog) for bookkeeping.")] = None,
    warehouse: Annotated[str | None, typer.Option(help="Virtual warehouse, or the ID of a SQL warehouse.")] = None,
    profiles_database: Annotated[str | None, typer.Option(help="Database (project, catalog) to read.")] = None,
    profiles_schema: Annotated[str | None, typer.Option(help="Schema of the profiles; else the settings' one.")] = None,
    schema: Annotated[list[str] | None, typer.Option(help="A further schema to read, whole.")] = None,
    table: Annotated[list[str] | None, typer.Option(help="A table to read, as schema.table; not its schema.")] = None,
    sync_user: Annotated[str | None, typer.Option(help="Who makes new track event tables, on Redshift.")] = None,
    location: Annotated[str | None, typer.Option(help="Where BigQuery keeps the bookkeeping.")] = None,
    existing_reverse_etl: Annotated[
        bool, typer.Option("--existing-reverse-etl", help="The database has a schema of Reverse ETL already.")
    ] = False,
) -> None:
    """Print what an admin runs for the Data Graph, and the queries that check it; runs nothing."""
    of = named(kind, settings, data_graph.SCRIPTS)
    given = {
        "user": user,
        "role": role,
        "database": database,
        "warehouse": warehouse,
        "profiles_database": profiles_database,
        "profiles_schema": profiles_schema,
        "schemas": tuple(schema or ()) or None,
        "tables": tuple(table or ()) or None,
        "sync_user": sync_user,
        "location": location,
        "existing_reverse_etl": existing_reverse_etl or None,
    }
    print_text(setup.written(of.kind, data_graph.SCRIPTS, given, data_graph.known(of.fields, of.schema)).text())
