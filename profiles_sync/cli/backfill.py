"""`profiles-sync backfill`: send warehouses their history, or see how far that is."""

from typing import Annotated

import typer
from rich.markup import escape

from profiles_sync.cli.frame import EXIT, File, Json, listen, print_json, say
from profiles_sync.settings import load
from profiles_sync.terminal.backfill import print_progress

app = typer.Typer()


@app.command()
def backfill(
    settings: File,
    name: Annotated[str | None, typer.Argument(help="A warehouse; else every enabled one.")] = None,
    first: Annotated[
        str | None, typer.Option("--from", help="Day or time of the first event; else the last two months are sent.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="Day or time of the last event.")] = None,
    tables: Annotated[str, typer.Option("--tables", help="Only these, with commas between.")] = "",
    show: Annotated[bool, typer.Option("--show", help="Only show the backfills there were, the newest first.")] = False,
    json: Json = False,
) -> None:
    """Send a warehouse what the lake held before it was connected; goes on with a backfill that was broken off."""
    from profiles_sync.sync import backfill as backfills

    loaded = load(settings)
    listen(loaded)
    names = [name] if name else backfills.backfilled(loaded)
    if show:
        shown = {one: backfills.progress_of(loaded, one) for one in names}
    else:
        wanted = [table.strip() for table in tables.split(",") if table.strip()]
        done = {one: backfills.backfill(loaded, one, first, last, wanted, say=_say) for one in names}
        shown = {one: [backfill.shown()] for one, backfill in done.items()}
    if json:
        print_json({"backfills": shown})
    else:
        print_progress(shown)
    if not show:
        raise typer.Exit(max((_code(one[0]["status"], one[0]["tables_done"]) for one in shown.values()), default=0))


def _say(step: str) -> None:
    say(escape(step))


def _code(status: str, tables_done: int) -> int:
    """Of a backfill that was carried out as far as it got."""
    return EXIT["Success" if status == "completed" else "Partial success" if tables_done else "Failed"]
