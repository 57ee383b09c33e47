"""`profiles-sync quality …`: what the checks found, and what is done about it."""

from pathlib import Path
from typing import Annotated

import typer

from profiles_sync.cli.frame import EXIT, File, Json, print_json
from profiles_sync.session import session_of
from profiles_sync.settings import load
from profiles_sync.terminal import quality as terminal

app = typer.Typer(
    help="See what the checks of each batch found, and release what they hold back.", no_args_is_help=True
)


@app.command()
def show(settings: File, json: Json = False) -> None:
    """Show what was found of each table when it last had rows to send; what is held back comes first."""
    from profiles_sync.sync.checked import checks_of, of_no_table

    loaded = load(settings)
    shown = {"checks": checks_of(loaded), "expected_of_no_table": of_no_table(loaded)}
    (print_json if json else terminal.print_checks)(shown)


@app.command()
def release(
    name: Annotated[str, typer.Argument(help="The name of a warehouse.")],
    settings: File,
    tables: Annotated[str, typer.Option("--tables", help="Only these, with commas between; else all.")] = "",
    json: Json = False,
) -> None:
    """Send rows that are held back as they are, now; takes an Admin, and is written to the audit log."""
    from profiles_sync.sync.releasing import release as let_go

    loaded = load(settings)
    wanted = [table.strip() for table in tables.split(",") if table.strip()]
    result = let_go(loaded, name, wanted, session_of(loaded))
    shown = {
        "warehouse": name,
        "status": result.status,
        "tables": {table: one.rows for table, one in result.tables.items() if not one.error},
        "error": result.said,
    }
    (print_json if json else terminal.print_released)(shown)
    raise typer.Exit(EXIT[result.status])


@app.command()
def docs(
    settings: File,
    into: Annotated[Path, typer.Option("--into", help="Folder of the site; its index.html is the way in.")],
    json: Json = False,
) -> None:
    """Write Great Expectations' Data Docs of these findings: a static site with counts, and nobody's data."""
    from profiles_sync.sync.checked import write_docs

    shown = {"tables": write_docs(load(settings), into), "index": str(into / "index.html")}
    (print_json if json else terminal.print_docs)(shown)
