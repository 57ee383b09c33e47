"""`profiles-sync warehouse …`: what is done with one warehouse."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from profiles_sync.cli.frame import EXIT, File, Json, print_json, print_text, tell
from profiles_sync.cli.named import MaybeFile, field, named, typed
from profiles_sync.errors import SettingsError
from profiles_sync.session import session_of
from profiles_sync.settings import load
from profiles_sync.spec.selection import WORDS
from profiles_sync.terminal import warehouses as terminal
from profiles_sync.warehouses import setup

if TYPE_CHECKING:
    from profiles_sync.control.warehouses import Managed
    from profiles_sync.sync.connecting import Connected

app = typer.Typer(help="Add, test, switch, delete and set up warehouses.", no_args_is_help=True)
_ITEMS = f"A table, a table.column, or one of {', '.join(WORDS)}; may be given again."
Name = Annotated[str, typer.Argument(help="The name of a warehouse.")]


@app.command("list")
def list_warehouses(settings: File, json: Json = False) -> None:
    """Show the warehouses: name, type, place, where each stands, and the last sync."""
    from profiles_sync.sync.status import warehouses_of

    shown = {"warehouses": warehouses_of(load(settings))}
    (print_json if json else terminal.print_list)(shown)


@app.command()
def show(name: Name, settings: File, json: Json = False) -> None:
    """Show how a warehouse is connected to, secrets masked, and the addresses to allowlist there."""
    from profiles_sync.sync.status import connection_of

    shown = connection_of(load(settings), name)
    (print_json if json else terminal.print_connection)(shown)


@app.command()
def add(
    name: Name,
    settings: File,
    fields: Annotated[
        list[str] | None, typer.Argument(metavar="[FIELD=VALUE]...", help="As in a settings file, type=… among them.")
    ] = None,
    json: Json = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Keep the password on the standard input, encrypted.")
    ] = False,
) -> None:
    """Create a warehouse, test it, and request it; an Admin enables it. Takes up again one that was deleted."""
    from profiles_sync.sync import connecting

    given = dict(map(field, fields or []))
    _show(connecting.add(load(settings), name, given, typed() if password_stdin else None), json)


@app.command()
def modify(
    name: Name,
    settings: File,
    fields: Annotated[
        list[str] | None, typer.Argument(metavar="[FIELD=VALUE]...", help="Those that change, as in a settings file.")
    ] = None,
    json: Json = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Keep the new password on the standard input, encrypted.")
    ] = False,
) -> None:
    """Change how a warehouse that was added is connected to, such as its password: tested first, then kept."""
    from profiles_sync.sync import connecting, modifying

    loaded, given = load(settings), dict(map(field, fields or []))
    connecting.check_name(loaded, name, password_stdin)
    connected = modifying.modify(loaded, name, given, typed() if password_stdin else None)
    if not connected.trial.ok:
        tell(f"warehouse {name} is not changed; mend what failed, then do it again")
    _show(connected, json)


@app.command()
def test(
    name: Name,
    settings: File,
    json: Json = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Try the password on the standard input, not the one that is set.")
    ] = False,
) -> None:
    """Test Connection: connect, and try each right that a sync needs on a scratch table, removed afterwards."""
    from profiles_sync.sync import connecting

    loaded = load(settings)
    connecting.check_name(loaded, name, password_stdin)
    _show(connecting.test(loaded, name, typed() if password_stdin else None), json)


@app.command()
def enable(name: Name, settings: File, json: Json = False) -> None:
    """Let a warehouse be synced from the next run on; it then gets all that it has missed."""
    from profiles_sync.control import operating

    _show_change(operating.enable(load(settings), name), json)


@app.command()
def disable(name: Name, settings: File, json: Json = False) -> None:
    """Sync a warehouse no more; its credentials are kept."""
    from profiles_sync.control import operating

    _show_change(operating.disable(load(settings), name), json)


@app.command()
def delete(
    name: Name,
    settings: File,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Forget a disabled warehouse and the credentials that are kept for it; what was synced stays there."""
    from profiles_sync.control import operating

    loaded = load(settings)
    if not yes:
        if not sys.stdin.isatty():
            raise SettingsError(f"warehouse delete {name}: say --yes to do it")
        typer.confirm(f"Delete the warehouse {name} and its credentials?", abort=True)
    _show_change(operating.delete(loaded, name), json)


@app.command()
def selection(
    name: Name,
    settings: File,
    on: Annotated[list[str] | None, typer.Option(metavar="ITEM", help=f"Send it again. {_ITEMS}")] = None,
    off: Annotated[list[str] | None, typer.Option(metavar="ITEM", help="Send it no more; what is there stays.")] = None,
    json: Json = False,
) -> None:
    """Selective Sync: show what is synced to a warehouse, or switch groups, tables and columns on and off."""
    from profiles_sync.control import selecting

    loaded = load(settings)
    if on or off:
        selecting.select(loaded, name, on or (), off or ())
    (print_json if json else terminal.print_selection)(selecting.shown(loaded, name))


@app.command()
def materialize(name: Name, settings: File, json: Json = False) -> None:
    """Switch to materialized views: select them, have them loaded whole, and compare the rows with the lake's."""
    from profiles_sync.sync.materializing import switch

    loaded = load(settings)
    switched = switch(loaded, name, session_of(loaded))
    (print_json if json else terminal.print_switched)(switched.shown())
    if not switched.is_verified:
        raise typer.Exit(EXIT["Failed"])


@app.command()
def retype(
    name: Name,
    table: Annotated[str, typer.Argument(help="As the lake calls it, such as order_completed.")],
    column: Annotated[str, typer.Argument(help="As the lake calls it.")],
    kind: Annotated[str, typer.Argument(metavar="TYPE", help="integer, float, timestamp, varchar or varchar(N).")],
    settings: File,
    json: Json = False,
) -> None:
    """Give a column of a warehouse a wider type; later syncs cast what they bring to it. Nothing is dropped."""
    from profiles_sync.sync.retyping import Asked
    from profiles_sync.sync.retyping import retype as done

    loaded = load(settings)
    shown = done(loaded, name, Asked(table, column, kind), session_of(loaded)).shown()
    (print_json if json else terminal.print_retyped)(shown)


def _show(connected: "Connected", json: bool) -> None:
    (print_json if json else terminal.print_trial)(connected.shown())
    if not connected.trial.ok:
        raise typer.Exit(EXIT["Failed"])


def _show_change(one: "Managed", json: bool) -> None:
    (print_json if json else terminal.print_change)({"warehouse": one.name, "status": str(one.status)})


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
