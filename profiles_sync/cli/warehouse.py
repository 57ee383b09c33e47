"""`profiles-sync warehouse …`: what is done with one warehouse."""

import getpass
import sys
from typing import Annotated

import typer
from pydantic import SecretStr

from profiles_sync.cli.frame import EXIT, File, Json, print_json, print_text
from profiles_sync.cli.named import MaybeFile, declared_as, named
from profiles_sync.console import warehouses as console
from profiles_sync.errors import SettingsError
from profiles_sync.settings import load
from profiles_sync.warehouses import WarehouseSettings, open_warehouse, setup

app = typer.Typer(help="List, test and set up warehouses.", no_args_is_help=True)


@app.command("list")
def list_warehouses(settings: File, json: Json = False) -> None:
    """Show the warehouses of the settings: name, type, place, whether enabled, and the last sync."""
    from profiles_sync.sync.status import warehouses_of

    shown = {"warehouses": warehouses_of(load(settings))}
    (print_json if json else console.print_list)(shown)


@app.command()
def test(
    name: Annotated[str, typer.Argument(help="The name of a warehouse in the settings.")],
    settings: File,
    json: Json = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Try the password on the standard input, not that of the settings.")
    ] = False,
) -> None:
    """Test Connection: connect, and try each right that a sync needs on a scratch table, removed afterwards."""
    from profiles_sync.sync.trial import try_out

    loaded = load(settings)
    declared = declared_as(name, loaded)
    if password_stdin:
        declared = _with_password(name, declared)
    known = setup.fields_of(declared.model_dump(by_alias=True))
    trial = try_out(open_warehouse(name, declared, loaded.schema_name), known)
    (print_json if json else console.print_trial)(trial.shown())
    if not trial.ok:
        raise typer.Exit(EXIT["Failed"])


def _with_password(name: str, declared: WarehouseSettings) -> WarehouseSettings:
    if "password" not in type(declared).model_fields:
        raise SettingsError(f"--password-stdin: warehouse {name} is of type {declared.type}, which has no password")
    typed = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not typed:
        raise SettingsError("--password-stdin: nothing on the standard input; write the password there")
    return declared.model_copy(update={"password": SecretStr(typed)})


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
