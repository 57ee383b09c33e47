"""The command line: `profiles-sync run | plan | status | …`, and the entry of the jobs."""

from typing import Annotated

import typer

from profiles_sync import __version__
from profiles_sync.cli import backfill, console, data_graph, quality, queries, scheduling, space, spaces, warehouse
from profiles_sync.cli.frame import EXIT, WRONG_USAGE, in_one_line, print_text
from profiles_sync.cli.running import carry_out, run_job
from profiles_sync.session import session_of

__all__ = ["EXIT", "WRONG_USAGE", "app", "carry_out", "main", "run_job", "session_of"]

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals hold people's data
    add_completion=False,
)
app.add_typer(space.app)
app.add_typer(spaces.app)
app.add_typer(scheduling.app)
app.add_typer(backfill.app)
app.add_typer(warehouse.app, name="warehouse")
app.add_typer(data_graph.app, name="data-graph")
app.add_typer(queries.app, name="queries")
app.add_typer(quality.app, name="quality")
app.add_typer(console.app)


def _version(asked: bool) -> None:
    if asked:
        print_text(f"profiles-sync {__version__}\n")
        raise typer.Exit


@app.callback()
def of_all(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Identity-resolved customer profiles, in your own warehouse."""


def main() -> None:
    """Run the command line; a deliberate error is one line and an exit code."""
    with in_one_line():
        app()
