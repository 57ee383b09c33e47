"""Backfills as text on a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape

from profiles_sync.spec.sizes import in_bytes
from profiles_sync.terminal.overview import screen, table

_COLUMNS = ("requested at", "events from", "to", "status", "tables", "rows", "bytes", "left")


def print_progress(shown: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """The backfills of each warehouse, with how far each one came."""
    console = screen()
    for name, several in shown.items():
        console.print(table(f"Backfills of {name}", _COLUMNS, map(_row, several)))
        for failed, error in several[0]["errors"].items() if several else ():
            console.print(f"[yellow]{escape(failed)}:[/] {escape(error)}", soft_wrap=True)
        if several and several[0]["error"]:
            console.print(f"[yellow]{escape(several[0]['error'])}[/]", soft_wrap=True)


def _row(one: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        one["requested_at"],
        one["from"],
        one["to"],
        one["status"],
        f"{one['tables_done']:,} of {one['tables']:,}",
        f"{one['rows']:,}",
        f"{in_bytes(one['bytes_done'])} of {in_bytes(one['bytes'])}",
        None if one["estimate_seconds"] is None else f"{one['estimate_seconds']:,.0f} s",
    )
