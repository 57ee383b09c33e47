"""What a lake holds, to compare it with one Delta table of the same events, the reference, or another lake."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from profiles_sync.lake.listing import public_tables
from profiles_sync.lake.tables import Lake, scan
from profiles_sync.settings import Settings
from profiles_sync.spec import tables
from profiles_sync.spec.space import Space
from tests.benchmarks.measure import Answer, answer
from tests.benchmarks.stamped import events_of
from tests.lakes import expected, rows_of

_CALLS = ("pages", "screens", "identifies", "groups", "aliases")
_PLAIN = "SELECT id, segment_id, event, TRY_CAST(price AS DOUBLE) AS price FROM rows"
#: Of rows with an `id` those that stay, with the profile that each shows; what nobody stamped stays too, and is missed.
STAMPED = """
SELECT DISTINCT id, segment_id, event, price FROM ({rows}) LEFT JOIN stamps USING (id)
WHERE coalesce(received_at >= {since}, true)"""
_ONE = """
SELECT messageId AS id, event, TRY_CAST(properties.price AS DOUBLE) AS price
FROM read_parquet({files}) WHERE messageId IS NOT NULL"""


def events_of_lake(lake: Lake, since: int = 0) -> Answer:
    """Each event received since then, in microseconds, once: its id and profile, of a Track call its name and price."""
    return answer(_PLAIN, rows=_events(lake, since))


def events_of_any_lake(lake: Lake, since: int) -> Answer:
    """The same without profiles: lakes with different hours before have different ones."""
    return answer(f"SELECT * EXCLUDE (segment_id) FROM ({_PLAIN})", rows=_events(lake, since))


def _events(lake: Lake, since: int) -> pa.Table:
    where = [("received_at", ">=", pa.scalar(since, pa.timestamp("us", "UTC")))]
    found = []
    for name in public_tables(lake):
        table = lake.open(name)
        if table is not None and tables.table(name).group == "track event table":
            rows = scan(table, ["id", "segment_id", "event_text", "price"], where)
            found.append(rows.rename_columns(["id", "segment_id", "event", "price"]))
        elif table is not None and name in _CALLS:
            found.append(scan(table, ["id", "segment_id"], where))
    return pa.concat_tables(_texts(found), promote_options="default")


def _texts(found: list[pa.Table]) -> Iterator[pa.Table]:
    """Where a price that is a text came first, the whole column is text."""
    for rows in found:
        place = rows.schema.get_field_index("price")
        yield rows if place < 0 else rows.set_column(place, "price", rows["price"].cast(pa.string()))


def events_of_one_table(path: Path, stamps: pa.Table, since: int = 0) -> Answer:
    """The same of the one Delta table that Spark wrote of the same JSON; the profiles are the reference's."""
    rows = _ONE.format(files=DeltaTable(str(path)).file_uris())
    return answer(STAMPED.format(rows=rows, since=since), stamps=stamps)


def all_of_lake(lake: Lake) -> Answer:
    """Every row of every public table, but for the time of the run."""
    return all_of({name: rows_of(lake, name) for name in public_tables(lake)})


def all_of_reference(settings: Settings) -> Answer:
    """The same of the reference, which takes every file of the sources as one batch."""
    reference = Space(settings.space.slug, settings.rules)
    reference.land(events_of(settings))
    names = {*reference.tables.rows, *(table.name for table in tables.FIXED_TABLES)}
    types = {name: tables.table(name).types | reference.tables.added.get(name, {}) for name in names}
    return all_of({name: expected(reference, name, types[name]) for name in names})


def all_of_duckdb(path: Path, schema: str) -> Answer:
    """The same of a warehouse."""
    with warehouse(path) as opened:
        names = opened.execute(f"SELECT table_name FROM duckdb_tables() WHERE schema_name = '{schema}'").fetchall()
        rows = {name: opened.sql(f'SELECT * FROM {schema}."{name}"').to_arrow_table() for (name,) in names}
    return all_of({name: list(_as_texts(found)) for name, found in rows.items()})


@contextmanager
def warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB file, under a name that no schema in it has."""
    with duckdb.connect() as opened:
        opened.execute(f"ATTACH '{path}' AS warehouse (READ_ONLY)")
        opened.execute("USE warehouse")
        yield opened


def _as_texts(rows: pa.Table) -> Iterator[str]:
    """As `rows_of` has them."""
    whole = [pa.int64() if pa.types.is_timestamp(one.type) else one.type for one in rows.schema]
    plain = rows.cast(pa.schema(list(zip(rows.schema.names, whole, strict=True))))
    for row in plain.drop_columns(["uuid_ts"]).to_pylist():
        yield json.dumps(row, sort_keys=True)


def all_of(rows: dict[str, list[str]]) -> Answer:
    pairs = [(name, row) for name, found in rows.items() for row in found]
    names, texts = zip(*pairs, strict=True) if pairs else ((), ())
    return answer(
        "SELECT * FROM rows", rows=pa.table({"name": pa.array(names, pa.string()), "row": pa.array(texts, pa.string())})
    )
