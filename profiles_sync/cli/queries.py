"""`profiles-sync queries …`: sample queries, and what a warehouse answers."""

from typing import Annotated

import typer

from profiles_sync import queries
from profiles_sync.cli.frame import File, Json, print_json, print_text
from profiles_sync.cli.named import MaybeFile, field
from profiles_sync.settings import load
from profiles_sync.terminal import queries as terminal

app = typer.Typer(help="Sample queries over the tables of a space.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The name of a query.")]
Given = Annotated[list[str] | None, typer.Argument(metavar="[PARAMETER=VALUE]...", help="What the query asks for.")]
Where = Annotated[
    str | None, typer.Option("--warehouse", help="The name of a warehouse; else the only one that is enabled.")
]


@app.command("list")
def list_queries(json: Json = False) -> None:
    """Show the queries: what each is for, and what it asks for."""
    shown = {"queries": [one.model_dump(exclude={"body", "bodies"}) for one in queries.library().values()]}
    (print_json if json else terminal.print_queries)(shown)


@app.command()
def show(name: Name, given: Given = None, settings: MaybeFile = None, warehouse: Where = None) -> None:
    """Print a query: as its file has it, or, with --settings, as a warehouse reads it; asks no warehouse."""
    from profiles_sync.sync.asking import written

    if settings is None:
        print_text(queries.plain(queries.named(name), warehouse) + "\n")
    else:
        print_text(written(load(settings), name, _parameters(given), warehouse) + "\n")


@app.command()
def run(name: Name, settings: File, given: Given = None, warehouse: Where = None, json: Json = False) -> None:
    """Run a query in a warehouse and print its rows; changes nothing there."""
    from profiles_sync.sync.asking import answer

    shown = answer(load(settings), name, _parameters(given), warehouse).shown()
    (print_json if json else terminal.print_answer)(shown)


def _parameters(given: list[str] | None) -> dict[str, str]:
    return dict(field(one, "event=order_completed") for one in given or [])
