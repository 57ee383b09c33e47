"""Warehouses on a terminal: the list, and what Test Connection found."""

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from profiles_sync.console.overview import screen, table

_MARKS = {True: "[green]ok[/]        ", False: "[red]failed[/]    ", None: "[yellow]not tried[/] "}


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


def print_list(shown: Mapping[str, Any]) -> None:
    """The warehouses of the settings."""
    rows = [
        (one["name"], one["type"], one["place"], "yes" if one["enabled"] else "no", one["last_sync"] or "never")
        for one in shown["warehouses"]
    ]
    screen().print(table("Warehouses", ("name", "type", "place", "enabled", "last sync"), rows))
