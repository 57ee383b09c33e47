"""Sample queries and their rows on a terminal."""

from collections.abc import Mapping
from typing import Any

from profiles_sync.terminal.overview import screen, table

_MOST = 100  # rows that anybody reads


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
    """The first rows, and how many there are."""
    console, rows = screen(), shown["rows"]
    first = [list(row.values()) for row in rows[:_MOST]]
    console.print(table(f"{shown['warehouse']}: {shown['query']}", shown["columns"], first))
    more = f"; shown are the first {_MOST}, --json prints all" if len(rows) > _MOST else ""
    console.print(f"{len(rows):,} rows{more}" if len(rows) != 1 else "1 row")
