"""Sample queries and their rows on a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from profiles_sync.terminal.overview import screen, table

_MOST = 100  # rows that anybody reads
_BESIDE = 8  # columns that a terminal has room for


def print_queries(shown: Mapping[str, Any]) -> None:
    """Each query with what it is for and what it asks for."""
    rows = [
        (one["name"], one["purpose"], ", ".join(map(_asked, one["parameters"].items()))) for one in shown["queries"]
    ]
    screen().print(table("Queries", ("name", "what it answers", "parameters"), rows))


def _asked(parameter: tuple[str, Mapping[str, Any]]) -> str:
    name, about = parameter
    return name if about["default"] is None else f"{name}={about['default']}"


def print_answer(shown: Mapping[str, Any]) -> None:
    """The first rows, and how many there are; of many columns each has a line, for none could be read else."""
    console, rows = screen(), shown["rows"]
    title, first = f"{shown['warehouse']}: {shown['query']}", rows[:_MOST]
    if len(shown["columns"]) > _BESIDE and first:
        console.print(_one_by_one(title, first))
    else:
        console.print(table(title, shown["columns"], [list(row.values()) for row in first]))
    more = f"; shown are the first {_MOST}, --json prints all" if len(rows) > _MOST else ""
    console.print(f"{len(rows):,} rows{more}" if len(rows) != 1 else "1 row")


def _one_by_one(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Each row below the one before it, without what is empty."""
    made = table(title, ("column", "value"), ())
    for row in rows:
        for name, value in row.items():
            if value is not None:
                made.add_row(escape(name), escape(str(value)))
        made.add_section()
    return made
