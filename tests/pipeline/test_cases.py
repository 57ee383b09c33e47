"""Every named case through the job: the lake's tables and the warehouse's are what the case expects."""

import datetime as dt
import os
from collections import Counter
from dataclasses import replace

import duckdb
import pytest
import yaml

from profiles_sync.lake.listing import public_tables
from profiles_sync.lake.tables import scan
from profiles_sync.pipeline.engine import Engine
from profiles_sync.pipeline.identity import VIOLATIONS
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.settings import load
from profiles_sync.spec.tables import QUARANTINE, Change, Type, table
from profiles_sync.sync.hourly import lake_of
from profiles_sync.sync.run import sync_warehouse
from profiles_sync.warehouses import open_warehouse
from profiles_sync.warehouses.names import physical
from tests import cases
from tests.cases import EPOCH, Case
from tests.outcomes import Outcome, problems

CASES = cases.load()
_FROM_DUCKDB = {
    "VARCHAR": Type.STRING,
    "BIGINT": Type.BIGINT,
    "DOUBLE": Type.DOUBLE,
    "BOOLEAN": Type.BOOLEAN,
    "TIMESTAMP": Type.TIMESTAMP,
}


def settings_of(case: Case, folder, engine):
    """The case's sources and rules as a settings file."""
    rules = {
        kind: {
            "limit": rule.limit,
            "frequency": rule.frequency.value,
            "priority": rule.priority,
            "blocked": {"exact": list(rule.blocked.exact), "patterns": list(rule.blocked.patterns)},
        }
        for kind, rule in case.rules.by_type.items()
    }
    switches = ("ios_idfa_needs_tracking", "normalize_email", "max_merges", "max_mappings", "max_traits")
    written = {
        "space": {"name": "Acme", "slug": cases.SPACE},
        "sources": {
            slug: {"id": source.id, "name": source.name, "path": f"./events/{slug}"}
            for slug, source in case.sources.items()
        },
        "warehouses": {"local": {"type": "duckdb", "path": "./acme.duckdb"}},
        "identity": {"rules": rules, "path": engine["path"]} | {name: getattr(case.rules, name) for name in switches},
        "engine": {"executor": engine["executor"]},
    }
    (folder / "acme.yml").write_text(yaml.safe_dump(written))
    return load(folder / "acme.yml")


def landed(case: Case, folder, engine, spark=None) -> tuple[Outcome, Outcome]:
    """The case as the lake and as the warehouse show it."""
    settings = settings_of(case, folder, engine)
    lake, duplicates = lake_of(settings), 0
    warehouse = open_warehouse("local", settings.warehouses["local"], settings.schema_name)
    for number, batch in enumerate(case.batches):
        write(folder, number, batch)
        report = take_new_events(Engine(settings, lake, lambda: spark))
        assert report.read == len(batch) == report.events + report.duplicates + sum(report.quarantined.values())
        duplicates += report.duplicates
        done = sync_warehouse(warehouse, lake, str(number))
        assert done.status == "Success", done
    reasons = Counter(scan(lake.open(QUARANTINE.name))["reason"].to_pylist())
    about = {"violations": violations(lake), "duplicates": duplicates, "quarantined": dict(reasons)}
    in_lake = of_lake(lake)
    return Outcome(*in_lake, **about), Outcome(*of_duckdb(folder, in_lake[1], warehouse.capabilities), **about)


def write(folder, number, batch):
    lines: dict[str, list[bytes]] = {}
    for line in batch:
        lines.setdefault(line.source, []).append(line.text)
    for source, texts in lines.items():
        path = folder / "events" / source / f"{number:04d}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\n".join(texts))
        os.utime(path, ns=(cases.MODIFIED * 1000, cases.MODIFIED * 1000))


def of_lake(lake):
    names = public_tables(lake)
    rows = {name: [plain(row) for row in scan(lake.open(name)).to_pylist()] for name in names}
    return rows, {name: lake.types(name) for name in names}


def of_duckdb(folder, lake_columns, capabilities):
    """The warehouse's tables by the lake's names: a reserved word has another name there."""
    rows, columns = {}, {}
    every = [*lake_columns, *(column for types in lake_columns.values() for column in types)]
    names = {physical(name, capabilities): name for name in every}
    with duckdb.connect() as opened:
        opened.execute(f"ATTACH '{folder / 'acme.duckdb'}' AS w (READ_ONLY)")
        opened.execute("USE w")
        named = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'acme'"
        for (name,) in opened.execute(named).fetchall():
            found = opened.execute(f'SELECT * FROM acme."{name}"')
            types = {names[column[0]]: _FROM_DUCKDB[str(column[1])] for column in found.description}
            rows[names[name]] = [plain(dict(zip(types, row, strict=True))) for row in found.fetchall()]
            columns[names[name]] = types
    return rows, columns


def plain(row):
    """Times as microseconds; uuid_ts, which the reference does not have, left out."""
    return {name: since(value) for name, value in row.items() if name != "uuid_ts"}


def since(value):
    if not isinstance(value, dt.datetime):
        return value
    return (value.replace(tzinfo=dt.UTC) - EPOCH) // dt.timedelta(microseconds=1)


def violations(lake):
    log = lake.open(VIOLATIONS)
    rows = [] if log is None else scan(log).sort_by("batch").to_pylist()
    return [[row["message_id"], row["code"], *filter(None, [row["external_id_type"]])] for row in rows]


def in_warehouse(case: Case) -> Case:
    """What the warehouse shows of the case: of an id that the lake has again after seven days, the first row."""
    expected = {
        name: rows if rows is None or table(name).change is Change.MERGE else first_per_id(rows)
        for name, rows in case.expect.tables.items()
    }
    return replace(case, expect=replace(case.expect, tables=expected))


def first_per_id(rows):
    ids = [row.get("id", object()) for row in rows]
    return [row for place, row in enumerate(rows) if ids.index(ids[place]) == place]


def assert_as_expected(case, outcomes):
    for place, wanted, outcome in zip(("lake", "warehouse"), (case, in_warehouse(case)), outcomes, strict=True):
        found = cases.differences(wanted, outcome)
        assert not found, "\n".join([f"{case} in the {place}", *found])
    assert problems(outcomes[0]) == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case_in_the_lake_and_in_the_warehouse(case: Case, tmp_path) -> None:
    assert_as_expected(case, landed(case, tmp_path, {"path": "driver", "executor": "driver"}))


def on_spark(number, case):
    """Each takes Spark some ten seconds: of those that are not about profiles, three of four wait for the stand-ins."""
    mark = "slow" if case.file in {"identity", "limits", "case_study"} or number % 4 == 0 else "standin"
    return pytest.param(case, marks=getattr(pytest.mark, mark), id=str(case))


@pytest.mark.parametrize("case", [on_spark(number, case) for number, case in enumerate(CASES)])
def test_case_on_spark(case: Case, tmp_path, spark) -> None:
    assert_as_expected(case, landed(case, tmp_path, {"path": "distributed", "executor": "spark"}, spark))
