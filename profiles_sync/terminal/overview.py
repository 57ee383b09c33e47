"""Runs, plans, syncs and settings as text on a terminal."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

_COLOURS = {"Success": "green", "Partial success": "yellow", "Failed": "red"}

_RULE = ("limit", "frequency", "priority", "blocked")


def screen() -> Console:
    """The terminal; wide enough for a table where output goes to a file."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=140)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table with a title."""
    made = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    return made


def print_run(shown: dict[str, Any]) -> None:
    """The outcome of a run."""
    console, lines = screen(), shown["lines"]
    console.print(f"[{_COLOURS[shown['status']]}]{shown['status']}[/]")
    console.print(
        f"{lines['read']:,} lines read: {lines['events']:,} events, {lines['duplicates']:,} duplicates, "
        f"{lines['quarantined']:,} quarantined"
    )
    for title, counts in (("Quarantined", lines["by_reason"]), ("Rule violations", shown["violations"])):
        if counts:
            console.print(table(title, ("reason", "count"), sorted(counts.items())))
    for name, one in shown["warehouses"].items():
        error = f" ({escape(one['error'])})" if one["error"] else ""
        console.print(f"warehouse {name}: {one['status']}, {one['rows']:,} rows{error}", soft_wrap=True)
    _print_warnings(console, shown["warnings"])
    if shown["error"]:
        console.print(f"[red]error:[/] {escape(shown['error'])}", soft_wrap=True)


def print_space(shown: dict[str, Any], read_by: Callable[[dict[str, Any]], None]) -> None:
    """The outcome for one of many spaces, printed by what prints that of one."""
    screen().print(f"[bold]{escape(shown['space'] or shown['settings'])}[/]")
    read_by(shown)


def print_rules(shown: dict[str, Any]) -> None:
    """The identity rules that a space took over."""
    rows = [(kind, *(one.get(key) for key in _RULE)) for kind, one in shown["identity"].get("rules", {}).items()]
    screen().print(table("Identity rules", ("external ID type", *_RULE), rows))


def _print_warnings(console: Console, warnings: Iterable[str]) -> None:
    for warning in warnings:
        console.print(f"[yellow]warning:[/] {escape(warning)}", soft_wrap=True)


def print_rebuild(shown: dict[str, Any], root: object) -> None:
    """The outcome of a rebuild."""
    console, lines = screen(), shown["lines"]
    console.print(f"{lines['read']:,} lines taken again, {lines['events']:,} events, into {escape(str(root))}")
    console.print(table("Rows", ("table", "rows"), sorted(shown["tables"].items())))


def print_upkeep(compacted: dict[str, int]) -> None:
    """Which tables had small files."""
    rows = sorted(compacted.items())
    screen().print(table("Small files put together", ("table", "files"), rows) if rows else "nothing needed upkeep")


def print_upkept(shown: dict[str, Any]) -> None:
    """The outcome of the upkeep job."""
    print_upkeep(shown["compacted"])


def print_health(shown: dict[str, Any]) -> None:
    """What is well and what is not."""
    console = screen()
    console.print(f"[{_COLOURS[shown['status']]}]{shown['status']}[/]")
    for part, wrong in shown["parts"].items():
        console.print(f"{escape(part)}: {'[red]' + escape(wrong) + '[/]' if wrong else 'well'}", soft_wrap=True)


def print_backfills(shown: dict[str, Any]) -> None:
    """How far the backfills came that were carried on with."""
    console = screen()
    console.print(f"[{_COLOURS[shown['status']]}]{shown['status']}[/]")
    for name, one in shown["backfills"].items():
        console.print(f"backfill of {name}: {one['status']}, {one['tables_done']:,} of {one['tables']:,} tables")
    if shown["error"]:
        console.print(f"[red]error:[/] {escape(shown['error'])}", soft_wrap=True)


def print_plan(shown: dict[str, Any]) -> None:
    """What the next run would do."""
    console = screen()
    if shown["unfinished"]:
        console.print(f"batch {shown['unfinished']} was left open by an earlier run and is finished first")
    if files := [(one["source"], one["path"], f"{one['bytes']:,}") for one in shown["files"]]:
        last = shown["batch"] + shown["batches"] - 1
        title = f"Batch {shown['batch']}" if shown["batches"] == 1 else f"Batches {shown['batch']} to {last}"
        console.print(table(f"{title}: new files", ("source", "file", "bytes"), files))
    else:
        console.print("no new files" if shown["unfinished"] else "nothing to take: there are no new files")
    for name, one in shown["warehouses"].items():
        if one["error"]:
            error = escape(one["error"].removeprefix(f"warehouse {name}: "))
            console.print(f"warehouse {name}: [red]error:[/] {error}", soft_wrap=True)
        elif rows := [(of, "; ".join(steps)) for of, steps in one["tables"].items()]:
            console.print(table(f"{name}: what the lake has and it has not", ("table", "steps"), rows))
        else:
            console.print(f"warehouse {name}: has all that the lake has", soft_wrap=True)
    _print_warnings(console, shown["warnings"])


def print_status(shown: dict[str, Any], detail: bool) -> None:
    """The overview and the Syncs table."""
    console = screen()
    rows = [
        (name, one["status"], one["last_sync"], one["last_status"], one["next_sync"], one["frequency"])
        for name, one in shown["warehouses"].items()
    ]
    columns = ("warehouse", "status", "last sync", "sync status", "next sync", "frequency")
    console.print(table("Warehouses", columns, rows))
    for name, one in shown["warehouses"].items():
        if (backfill := one["backfill"]) and backfill["status"] != "completed":
            _print_backfill(console, name, backfill)
    known = ("sync_id", "warehouse", "status", "duration_minutes", "start_time", "synced_rows")
    syncs = [[one[name] for name in known] for one in shown["syncs"][:20]]
    console.print(table("Syncs", ("id", "warehouse", "sync status", "minutes", "start time", "synced rows"), syncs))
    if left_out := [(one["status"], one["due_time"], one["reason"]) for one in shown.get("skipped", [])[:20]]:
        console.print(table("Left out", ("status", "due time", "reason"), left_out))
    for one in shown["syncs"] if detail else []:
        _print_sync(console, one)


def _print_backfill(console: Console, name: str, one: dict[str, Any]) -> None:
    """One that is not completed, and what holds it up."""
    done = f", {one['tables_done']:,} of {one['tables']:,} tables" if one["tables"] else ""
    more = "; `profiles-sync backfill --show` has more" if done else ""
    console.print(f"backfill of {name}: {one['status']}{done}{more}", soft_wrap=True)
    if one["error"]:
        console.print(f"  [yellow]{escape(one['error'])}[/]", soft_wrap=True)


def _print_sync(console: Console, one: dict[str, Any]) -> None:
    """Rows by table in their groups, then every error with its class and what to do."""
    for group, rows in one["grouped"].items():
        console.print(f"{one['warehouse'] or 'lake'}: {one['groups'][group]:,} rows in {group}")
        if rows:
            console.print(table("", ("table", "rows"), rows.items()))
    for name, why in one["resent"].items():
        console.print(f"{escape(name)}: all rows were sent again: {escape(why)}", soft_wrap=True)
    for name, found in one["quality"].items():
        console.print(f"[yellow]{escape(name)}:[/] {escape('; '.join(found))}", soft_wrap=True)
    if one["error"]:
        said = one["error"].removeprefix(f"warehouse {one['warehouse']}: ")
        _print_error(console, one["warehouse"] or "run", said, one["problem"])
    for error in dict.fromkeys(one["errors"].values()):
        names = [name for name, said in one["errors"].items() if said == error]
        _print_error(console, ", ".join(names), error, one["problems"].get(names[0]))


def _print_error(console: Console, of: str, said: str, problem: dict[str, str] | None) -> None:
    console.print(f"[red]{escape(of)}:[/] {escape(said)}", soft_wrap=True)
    if problem:
        console.print(f"  {problem['class']}: {escape(problem['advice'])}", soft_wrap=True)


def print_audit(shown: dict[str, Any]) -> None:
    """The control log."""
    rows = [
        (one["at"], one["who"], one["action"], f"{one['about']} {one['name']}", one["number"])
        for one in shown["changes"]
    ]
    screen().print(table("Changes", ("at", "who", "did", "to", "number"), rows))


def print_settings(rows: Sequence[tuple[str, object, str]], warnings: Sequence[str]) -> None:
    """Every effective setting, as one would write it in the file."""
    console = screen()
    shown = [(key, value if isinstance(value, str) else orjson.dumps(value).decode(), of) for key, value, of in rows]
    console.print(table("Settings", ("key", "value", "origin"), shown))
    _print_warnings(console, warnings)
