"""Warehouses on a terminal: the list, and what Test Connection found."""

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from profiles_sync.console.overview import screen, table

_MARKS = {True: "[green]ok[/]        ", False: "[red]failed[/]    ", None: "[yellow]not tried[/] "}
_NEXT = {
    "created": "mend what failed, then test it again",
    "requested": "an Admin enables it with `profiles-sync warehouse enable`",
}


def print_trial(shown: Mapping[str, Any]) -> None:
    """Each right, then what to do for those that are missing."""
    console, failed = screen(), [check for check in shown["checks"] if check["ok"] is False]
    for check in shown["checks"]:
        console.print(f"{_MARKS[check['ok']]} {escape(check['check'])}")
    for check in failed:
        console.print(f"[red]{escape(check['check'])}:[/] {escape(check['error'])}", soft_wrap=True)
        if check["advice"]:
            console.print(f"  {check['error_class']}: {escape(check['advice'])}", soft_wrap=True)
        if check["grant"]:
            console.print(f"  {escape(check['grant'])}", soft_wrap=True)
    if next_step := _NEXT.get(shown["status"]):
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
