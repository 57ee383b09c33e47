"""What checks found as text on a terminal."""

from typing import Any

from rich.markup import escape

from profiles_sync.terminal.overview import screen, table


def print_checks(shown: dict[str, Any]) -> None:
    """A row for each table, then what is not as expected."""
    console = screen()
    rows = [(one["warehouse"], one["table"], one["state"], one["rows"], one["expectations"]) for one in shown["checks"]]
    console.print(table("Checks", ("warehouse", "table", "state", "rows", "expectations"), rows))
    for one in shown["checks"]:
        for colour, found in (("red", one["held_back"]), ("yellow", one["warnings"])):
            for line in found:
                console.print(f"[{colour}]{escape(one['table'])}:[/] {escape(line)}", soft_wrap=True)
    for name in shown["expected_of_no_table"]:
        said = "there are expectations of it, and the lake has no such table"
        console.print(f"[yellow]{escape(name)}:[/] {said}", soft_wrap=True)


def print_released(shown: dict[str, Any]) -> None:
    """What was sent."""
    console = screen()
    console.print(f"warehouse {shown['warehouse']}: {shown['status']}", soft_wrap=True)
    console.print(table("Released", ("table", "rows"), shown["tables"].items()))
    if shown["error"]:
        console.print(f"[red]error:[/] {escape(shown['error'])}", soft_wrap=True)


def print_docs(shown: dict[str, Any]) -> None:
    """Where they are."""
    screen().print(f"Data Docs of {shown['tables']:,} tables: {escape(shown['index'])}", soft_wrap=True)
