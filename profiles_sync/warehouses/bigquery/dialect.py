"""What BigQuery can do, and what it spells in its own way."""

import re
from collections.abc import Mapping, Sequence

from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import INTERNAL, Capabilities, Cast, Transactions
from profiles_sync.warehouses.bigquery.labels import labels_of
from profiles_sync.warehouses.sql import Dialect
from profiles_sync.warehouses.widening import Widen, by_another_column, is_longer

# The reserved words, but PARTITION: nothing may be called `_partition`, and quotes do for that one.
_WORDS = """
all and any array as asc assert_rows_modified at between by case cast collate contains create cross cube current default
define desc distinct else end enum escape except exclude exists extract false fetch following for from full graph_table
group grouping groups hash having if ignore in inner intersect interval into is join lateral left like limit lookup
merge natural new no not null nulls of on or order outer over preceding proto qualify range recursive respect right
rollup rows select set some struct tablesample then to treat true unbounded union unnest using when where window with
within
"""
_PREFIXES = """
_change_sequence_number _change_timestamp _change_type _colidentifier _file_ _partition __root__ _row_timestamp _table_
"""
_VIEW = "_view"
_DAYS = 60  # that a view looks back
_MOST_CLUSTERED = 4
_SIZED = re.compile(r"STRING\((\d+)\)")
_NUMBERS = ("INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC")
# What CAST takes from each type, beside texts; from a text it takes all of these.
_TAKES = {
    "BOOL": ("INT64",),
    "INT64": (*_NUMBERS, "BOOL"),
    "FLOAT64": _NUMBERS,
    "TIMESTAMP": ("DATE", "DATETIME", "TIME"),
}

CAPABILITIES = Capabilities(
    types={
        Type.STRING: "STRING",
        Type.BIGINT: "INT64",
        Type.DOUBLE: "FLOAT64",
        Type.BOOLEAN: "BOOL",
        Type.TIMESTAMP: "TIMESTAMP",
    },
    reserved=frozenset(_WORDS.split()),
    reserved_prefixes=tuple(_PREFIXES.split()),
    max_identifier=300,
    leading_digit=False,
    folds_case=True,
    transactions=Transactions.ROWS,
    schemas_fold=False,
    tables_at_once=99,  # a transaction changes 100 at most, and the record is one
    locks_in_schema=True,
    families={"INT64": "integer", "FLOAT64": "float", "BOOL": "boolean", "DATE": "date", "TIMESTAMP": "timestamp"}
    | {"STRING": "varchar"},
    sized="STRING({})",
    key_hash="CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5({text})), 1, 8)) AS INT64)",
)


class BigQueryDialect(Dialect):
    """What BigQuery spells in its own way.

    Tables are partitioned by the day on which rows arrived. A table whose rows have an `id` has a view beside it: the
    latest row of each `id` of the last 60 days.
    """

    def __init__(self, location: str = "US", labels: Mapping[str, str] | None = None) -> None:
        super().__init__(CAPABILITIES)
        self.location, self.labels = location, labels or {}

    def quote(self, *parts: str) -> str:
        """See `Dialect.quote`."""
        return ".".join("`" + _escaped(part, "`") + "`" for part in parts)

    def text(self, value: str) -> str:
        """See `Dialect.text`."""
        return "'" + _escaped(value, "'").replace("\n", r"\n").replace("\r", r"\r") + "'"

    # Tables and columns

    def create_schema(self, schema: str) -> list[str]:
        """The dataset, where the settings say, if it is not there."""
        options = f"location = {self.text(self.location)}, {self._labels()}"
        return [f"{super().create_schema(schema)[0]} OPTIONS ({options})"]

    def create_table(self, schema: str, table: str, columns: Mapping[str, str], keys: Sequence[str]) -> list[str]:
        """With its view. Table and view have one space of names: where a table has a view's name, the table stays."""
        clustered = ", ".join(map(self.quote, keys[:_MOST_CLUSTERED]))
        parted = "" if schema == INTERNAL else " PARTITION BY _PARTITIONDATE"
        created = super().create_table(schema, table, columns, keys)[0]
        made = [f"{created}{parted} CLUSTER BY {clustered} OPTIONS ({self._labels(table=table)})"]
        if table.endswith(_VIEW):
            made.insert(0, f"DROP VIEW IF EXISTS {self.quote(schema, table)}")
        return made + (self._create_view(schema, table) if list(keys) == ["id"] else [])

    def _create_view(self, schema: str, table: str) -> list[str]:
        placed = f"ROW_NUMBER() OVER (PARTITION BY {self.quote('id')} ORDER BY {self.quote('uuid_ts')} DESC) AS _place"
        since = f"TIMESTAMP_SUB(TIMESTAMP_TRUNC(CURRENT_TIMESTAMP(), DAY), INTERVAL {_DAYS} DAY)"
        rows = f"SELECT *, {placed} FROM {self.quote(schema, table)} WHERE _PARTITIONTIME >= {since}"
        view = f"CREATE VIEW IF NOT EXISTS {self.quote(schema, table + _VIEW)}"
        return [f"{view} AS SELECT * EXCEPT (_place) FROM ({rows}) WHERE _place = 1"]

    def add_columns(self, schema: str, table: str, columns: Mapping[str, str]) -> list[str]:
        """In one statement, for BigQuery takes five changes of a table in ten seconds."""
        added = ", ".join(f"ADD COLUMN IF NOT EXISTS {self.quote(name)} {kind}" for name, kind in columns.items())
        return [f"ALTER TABLE {self.quote(schema, table)} {added}"]

    def widen(self, schema: str, one: Widen) -> list[str]:
        """BigQuery alters few types; see "Converting column data types" in its documentation."""
        in_place = is_longer(one.was, one.kind) or (one.was, one.kind) == ("INT64", "FLOAT64")
        return super().widen(schema, one) if in_place else by_another_column(self, schema, one)

    def rename_columns(self, schema: str, table: str, renamed: Mapping[str, str]) -> list[str]:
        """See `Dialect.rename_columns`; in one statement, so that no moment is without the column."""
        each = ", ".join(f"RENAME COLUMN {self.quote(name)} TO {self.quote(new)}" for name, new in renamed.items())
        return [f"ALTER TABLE {self.quote(schema, table)} {each}"]

    def fill(self, schema: str, table: str, column: str, value: str) -> list[str]:
        """See `Dialect.fill`; without a condition BigQuery updates nothing."""
        return [f"{super().fill(schema, table, column, value)[0]} WHERE TRUE"]

    def _labels(self, **further: str) -> str:
        pairs = [f"({self.text(key)}, {self.text(value)})" for key, value in labels_of(self.labels, **further).items()]
        return f"labels = [{', '.join(pairs)}]"

    # Rows

    def delete_all(self, schema: str, table: str) -> list[str]:
        """See `Dialect.delete_all`; without a condition BigQuery deletes nothing."""
        return [f"{super().delete_all(schema, table)[0]} WHERE TRUE"]

    def cast(self, value: str, cast: Cast) -> str:
        """A number is rounded, a text is read as the column's type reads it, or cut where the column has a length."""
        if sized := _SIZED.fullmatch(cast.kept):
            if cast.staged == "STRING":
                return f"SUBSTR({value}, 1, {sized[1]})"
            return f"IF(CHAR_LENGTH({_text(value)}) <= {sized[1]}, {_text(value)}, NULL)"
        if cast.kept == "STRING":
            return _text(value)
        if cast.kept == "JSON":
            return f"SAFE.PARSE_JSON({value})" if cast.staged == "STRING" else f"TO_JSON({value})"
        return f"SAFE_CAST({_ready(value, cast)} AS {cast.kept})"

    def too_long(self, value: str, cast: Cast) -> str | None:
        """See `Dialect.too_long`."""
        sized = _SIZED.fullmatch(cast.kept)
        return f"CHAR_LENGTH({value}) > {sized[1]}" if sized and cast.staged == "STRING" else None


def _ready(value: str, cast: Cast) -> str:
    """The value as something that SAFE_CAST takes; what it does not take it refuses, also where it is safe."""
    kept = cast.kept.partition("(")[0]
    if cast.staged == "STRING":
        trimmed = f"TRIM({value})"
        return f"SAFE_CAST({trimmed} AS NUMERIC)" if kept == "INT64" else trimmed
    if kept in _TAKES[cast.staged]:
        return value
    return f"CAST({value} AS INT64)" if cast.staged == "BOOL" and kept in _NUMBERS else _text(value)


def _text(value: str) -> str:
    return f"CAST({value} AS STRING)"


def _escaped(text: str, quote: str) -> str:
    return text.replace("\\", "\\\\").replace(quote, f"\\{quote}")
