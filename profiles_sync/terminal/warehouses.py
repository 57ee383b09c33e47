"""Warehouses on a terminal: the list, and what Test Connection found."""

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from profiles_sync.terminal.overview import screen, table

_MARKS = {True: "[green]ok[/]        ", False: "[red]failed[/]    ", None: "[yellow]not tried[/] "}
_NEXT = {
    "created": "mend what failed, then test it again",
    "requested": "an Admin enables it with `profiles-sync warehouse enable`",
}


def print_trial(shown: Mapping[str, Any]) -> None:
    """Each right, then what to do for those that are missing."""
    console, failed = screen(), [check for check in shown["checks"] if check["ok"] is False]
    for check in shown["checks"]:
        console.print(f"{_MARKS[check['ok']]} {escape(check['check'])}", soft_wrap=True)
    for check in failed:
        console.print(f"[red]{escape(check['check'])}:[/] {escape(check['error'])}", soft_wrap=True)
        if check["advice"]:
            console.print(f"  {check['error_class']}: {escape(check['advice'])}", soft_wrap=True)
        if check["grant"]:
            console.print(f"  {escape(check['grant'])}", soft_wrap=True)
    if next_step := _NEXT.get(shown.get("status", "")):
        console.print(f"warehouse {shown['warehouse']} is {shown['status']}; {next_step}", soft_wrap=True)


def print_change(shown: Mapping[str, Any]) -> None:
    """Where a warehouse stands now."""
    screen().print(f"warehouse {shown['warehouse']} is {shown['status']}")


def print_connection(shown: Mapping[str, Any]) -> None:
    """Connection settings."""
    rows = [(field, value) for field, value in shown["connection"].items() if value is not None]
    console = screen()
    console.print(table(f"{shown['warehouse']} is {shown['status']}", ("field", "value"), rows))
    if shown["egress_addresses"]:
        console.print(f"let in: {', '.join(shown['egress_addresses'])}")


def print_list(shown: Mapping[str, Any]) -> None:
    """The warehouses."""
    rows = [
        (one["name"], one["type"], one["place"], one["status"], one["last_sync"] or "never")
        for one in shown["warehouses"]
    ]
    screen().print(table("Warehouses", ("name", "type", "place", "status", "last sync"), rows))


def print_selection(shown: Mapping[str, Any]) -> None:
    """Each group with the tables of it that differ, then the columns that are off."""
    console = screen()
    rows = [
        (word, "on" if one["on"] else "off", ", ".join(name for name, on in one["tables"].items() if on != one["on"]))
        for word, one in shown["groups"].items()
    ]
    console.print(table(f"{shown['warehouse']}: Selective Sync", ("tables", "", "but for"), rows))
    if shown["columns_off"]:
        console.print(f"columns that are off: {escape(', '.join(shown['columns_off']))}", soft_wrap=True)
    for level, colour in (("warning", "yellow"), ("error", "red")):
        for told in shown[f"{level}s"]:
            console.print(f"[{colour}]{level}:[/] {escape(told)}", soft_wrap=True)


def print_switched(shown: Mapping[str, Any]) -> None:
    """Whether the materialized views have the lake's rows."""
    console = screen()
    rows = [(name, one["lake"], one["warehouse"]) for name, one in shown["tables"].items()]
    console.print(table(f"{shown['warehouse']}: rows", ("table", "lake", "warehouse"), rows))
    for name, error in (
        *shown["errors"].items(),
        *((shown["warehouse"], error) for error in [shown["error"]] if error),
    ):
        console.print(f"[red]{escape(name)}:[/] {escape(error)}", soft_wrap=True)
    done = (
        "[green]verified[/]"
        if shown["verified"]
        else "[red]not verified[/]: mend what the errors say, then do it again"
    )
    console.print(done, soft_wrap=True)


def print_retyped(shown: Mapping[str, Any]) -> None:
    """A column and its new type."""
    column = escape(f"{shown['table']}.{shown['column']} of {shown['warehouse']}")
    screen().print(f"{column} is {shown['type']} now, and was {shown['was'] or 'nearly so'}", soft_wrap=True)
    if shown["kept_as"]:
        kept = escape(shown["kept_as"])
        screen().print(
            f"its old values stay in {kept}, which nobody writes any more; drop it when you like", soft_wrap=True
        )


def print_lacking(shown: Mapping[str, Any]) -> None:
    """What is to be done before the Data Graph can be used."""
    for line in shown["lacking"] or ["the Data Graph has what it needs"]:
        screen().print(escape(line), soft_wrap=True)


def print_connected(shown: Mapping[str, Any]) -> None:
    """The checks of the Data Graph's connection, and whether it is kept."""
    print_trial(shown)
    kept = "is kept" if shown["ok"] else "is not kept; mend what failed, then connect it again"
    screen().print(f"the Data Graph's connection to {shown['warehouse']} {kept}", soft_wrap=True)


def print_validated(shown: Mapping[str, Any]) -> None:
    """The checks of the Data Graph's connection, and what it lacks."""
    print_trial(shown)
    print_lacking(shown)
