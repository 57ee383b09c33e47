"""`profiles-sync demo`: the four-event story and a generated stream, through the real job."""

import shlex
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from profiles_sync.generator.case_study import case_study_events
from profiles_sync.generator.stream import Shape
from profiles_sync.generator.write import write_events
from profiles_sync.settings import Settings, load
from profiles_sync.spec.tables import BY_NAME, Change
from profiles_sync.terminal.overview import screen, table
from profiles_sync.warehouses import open_warehouse

_STORY = {
    "id_graph_updates": "segment_id canonical_segment_id triggering_event_type triggering_event_id timestamp",
    "external_id_mapping_updates": "segment_id external_id_type external_id_value triggering_event_id timestamp",
    "profile_traits_updates": "segment_id email triggering_event_id timestamp",
    "pages": "segment_id context_url anonymous_id id timestamp",
    "identifies": "segment_id context_url anonymous_id email id timestamp",
    "id_graph": "segment_id canonical_segment_id timestamp",
    "external_id_mapping": "canonical_segment_id external_id_type external_id_value timestamp",
    "profile_traits": "canonical_segment_id email merged_to",
    "user_traits": "canonical_segment_id name value",
}
_WHY = """
SELECT m.segment_id, m.canonical_segment_id, g.triggering_event_type, g.triggering_event_id, g.timestamp
FROM {s}.profile_merges m JOIN {s}.id_graph_updates g USING (segment_id, canonical_segment_id)
WHERE m.segment_id <> m.canonical_segment_id ORDER BY g.seq DESC LIMIT 5"""
_BIGGEST = """
SELECT canonical_segment_id, count(*) AS identifiers, count(DISTINCT type) AS types
FROM {s}.user_identifiers GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5"""


def show(folder: Path, events: int, carry_out: Callable[[Settings], Any]) -> None:
    """Run both and print what came out."""
    for part in ("story", "stream"):  # of an earlier demo; whatever else is in the folder stays
        shutil.rmtree(folder / part, ignore_errors=True)
    console = screen()
    _story(console, folder / "story", carry_out)
    _stream(console, folder / "stream", events, carry_out)


def _settings(folder: Path, slug: str, name: str, sources: tuple[str, ...]) -> Settings:
    folder.mkdir(parents=True)
    declared = {
        source: {"id": f"source_{place}", "name": source.capitalize(), "path": f"./events/{source}"}
        for place, source in enumerate(sources, 1)
    }
    path = folder / f"{slug}.yml"
    warehouses = {"local": {"type": "duckdb", "path": f"./{slug}.duckdb"}}
    written = {"space": {"name": name, "slug": slug}, "lake": "./lake", "sources": declared, "warehouses": warehouses}
    path.write_bytes(orjson.dumps(written, option=orjson.OPT_INDENT_2))  # JSON is YAML too
    return load(path)


def _story(console: Console, folder: Path, carry_out: Callable[[Settings], Any]) -> None:
    settings = _settings(folder, "story", "Story", ("website",))
    events = folder / "events" / "website" / "events.jsonl"
    events.parent.mkdir(parents=True)
    events.write_bytes(b"\n".join(map(orjson.dumps, case_study_events())))
    console.rule("Four events: two anonymous visits become one profile")
    result = carry_out(settings)
    profiles = {
        row[0]: f"profile_{n}"
        for n, row in enumerate(_query(settings, "SELECT segment_id FROM {s}.id_graph ORDER BY seq"), 1)
    }
    for name, columns in _STORY.items():
        order = "ALL" if BY_NAME[name].change is Change.MERGE else "received_at"
        rows = _query(settings, f"SELECT {', '.join(columns.split())} FROM {{s}}.{name} ORDER BY {order}")
        shown = [[profiles.get(str(cell), cell) for cell in row] for row in rows]
        console.print(table(name, columns.split(), shown))
    console.print(f"{result.status}. In the tables, profile_1 and profile_2 are: {', '.join(profiles)}\n")


def _stream(console: Console, folder: Path, events: int, carry_out: Callable[[Settings], Any]) -> None:
    shape = Shape(events=events)
    settings = _settings(folder, "shop", "Shop", shape.sources)
    console.rule(f"{events:,} generated events: an initial load and an hourly increment")
    stepped_in = Counter[str]()
    for title, first, last in (("initial load", 0, shape.hours - 1), ("one more hour", shape.hours - 1, shape.hours)):
        write_events(folder / "events", shape, first_hour=first, last_hour=last)
        started = time.perf_counter()
        result = carry_out(settings)
        report = result.report
        seconds = time.perf_counter() - started
        console.print(
            f"{title}: {result.status} in {seconds:.1f} s: {report.read:,} lines, {report.events:,} events, "
            f"{report.duplicates:,} duplicates, {sum(report.quarantined.values())} quarantined, "
            f"{report.profiles_created:,} profiles created, {report.merges:,} merges, "
            f"{result.warehouses['local'].rows:,} rows synced"
        )
        stepped_in.update(report.violations)
    console.print(table("Identity rules that stepped in", ("rule", "times"), sorted(stepped_in.items())))
    console.print(table("Tables in the warehouse", ("table", "rows"), _counts(settings)))
    why = ("segment_id", "canonical_segment_id", "event type", "event", "timestamp")
    console.print(table("The last merges, and the event that caused each", why, _query(settings, _WHY)))
    console.print(
        table("The profiles with the most identifiers", ("profile", "identifiers", "types"), _query(settings, _BIGGEST))
    )
    _where_next(console, folder)


def _where_next(console: Console, folder: Path) -> None:
    """Paths and a command as one can paste them: in one line each, whatever the width of the terminal."""
    lines = (
        f"{folder}/shop.duckdb    the warehouse: open it with DuckDB and USE shop.shop",
        f"{folder}/lake/shop/     the same tables in Delta",
        f"{this_command()} status --settings {shlex.quote(f'{folder}/shop.yml')}",
    )
    for line in ("Where to look next:", *(f"  {line}" for line in lines)):
        console.print(line, markup=False, soft_wrap=True)


def this_command() -> str:
    """`profiles-sync` as one types it where one is: its path from here, its name if the shell finds it, or its path."""
    called, found = Path(sys.argv[0]).absolute(), shutil.which("profiles-sync")
    if not called.is_file() or called.name != "profiles-sync":  # called by another program
        return "profiles-sync"
    if called.is_relative_to(Path.cwd()):
        path = str(called.relative_to(Path.cwd()))
        return shlex.quote(path if "/" in path else f"./{path}")
    return "profiles-sync" if found and called.samefile(found) else shlex.quote(str(called))


def _counts(settings: Settings) -> list[tuple[str, int]]:
    names = _query(settings, "SELECT table_name FROM duckdb_tables() WHERE schema_name = '{s}' ORDER BY 1")
    return [(name, _query(settings, f'SELECT count(*) FROM {{s}}."{name}"')[0][0]) for (name,) in names]


def _query(settings: Settings, text: str) -> list[Any]:
    warehouse = open_warehouse("local", settings.warehouses["local"], settings.schema_name)
    with warehouse.connect() as connection:
        return list(connection.query(text.replace("{s}", warehouse.schema)))
