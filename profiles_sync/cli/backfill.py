"""`profiles-sync backfill`: send warehouses their history, or see how far that is."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from profiles_sync.cli.frame import EXIT, File, Json, listen, print_json, say, tell
from profiles_sync.errors import ProfilesSyncError, SettingsError
from profiles_sync.settings import load
from profiles_sync.terminal.backfill import print_progress

if TYPE_CHECKING:
    from profiles_sync.control.backfills import Backfill

app = typer.Typer()


@app.command()
def backfill(
    settings: File,
    name: Annotated[str | None, typer.Argument(help="A warehouse; else every enabled one.")] = None,
    first: Annotated[
        str | None, typer.Option("--from", help="Day or time of the first event; else the last two months are sent.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="Day or time of the last event.")] = None,
    tables: Annotated[str | None, typer.Option("--tables", help="Only these, with commas between.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Only show the backfills there were, the newest first.")] = False,
    json: Json = False,
) -> None:
    """Send a warehouse what the lake held before it was connected; goes on with a backfill that was broken off."""
    from profiles_sync.sync import backfill as backfills
    from profiles_sync.sync.results import together

    loaded = load(settings)
    listen(loaded)
    names, errors, code = [name] if name else backfills.backfilled(loaded), dict[str, str](), EXIT["Success"]
    if not names:
        say("no warehouse is enabled")
    if show:
        shown = {one: backfills.progress_of(loaded, one) for one in names}
    else:
        wanted = _listed(tables)
        tries = {one: partial(backfills.backfill, loaded, one, first, last, wanted, say=_say) for one in names}
        done, errors = _each(tries)
        shown = {one: [backfill.shown()] for one, backfill in done.items()}
        code = EXIT[together([*map(_status, done.values()), *("Failed" for _ in errors)])]
    if json:
        print_json({"backfills": shown} | ({"errors": errors} if errors else {}))
    else:
        print_progress(shown)
    raise typer.Exit(code)


def _listed(tables: str | None) -> list[str]:
    """None for all; a variable of a script that is empty means no such thing."""
    wanted = [table.strip() for table in (tables or "").split(",") if table.strip()]
    if tables is not None and not wanted:
        raise SettingsError("--tables: expected the names of tables; leave it out for all")
    return wanted


def _each(tries: "Mapping[str, Callable[[], Backfill]]") -> "tuple[dict[str, Backfill], dict[str, str]]":
    """What came of each, and what is wrong; what one of several runs into is not the others' concern."""
    done, errors = dict[str, "Backfill"](), dict[str, str]()
    for name, carry_out in tries.items():
        try:
            done[name] = carry_out()
        except ProfilesSyncError as error:
            if len(tries) == 1 or isinstance(error, SettingsError):  # what is asked for is wrong for all
                raise
            errors[name] = str(error)
            tell(errors[name])
    return done, errors


def _say(step: str) -> None:
    say(escape(step))


def _status(one: "Backfill") -> str:
    """Of a backfill that was carried out as far as it got."""
    return "Success" if one.status == "completed" else "Partial success" if one.sent else "Failed"
