"""What Postgres can do, and what it spells in its own way."""

import hashlib
import re
from collections.abc import Mapping, Sequence

from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import INTERNAL, Capabilities, Cast
from profiles_sync.warehouses.sql import Dialect
from profiles_sync.warehouses.widening import Widen

# The words that cannot name a column without quotes, and the system columns, which no column may be called.
_WORDS = """
all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
concurrently constraint create cross current_catalog current_date current_role current_schema current_time
current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from
full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
returning right select session_user similar some symmetric system_user table tablesample then to trailing true union
unique user using variadic verbose when where window with
tableoid xmin cmin xmax cmax ctid
"""
_LONG = frozenset({"name", "value"})  # key columns of any length; an index takes 2,700 bytes
_INTEGERS = ("smallint", "integer", "bigint")
_NUMBERS = (*_INTEGERS, "real", "double", "numeric")
_SIZED = re.compile(r"(character varying|character)\((\d+)\)")
_PRECISE = re.compile(r"numeric\((\d+),(-?\d+)\)")

CAPABILITIES = Capabilities(
    types={
        Type.STRING: "text",
        Type.BIGINT: "bigint",
        Type.DOUBLE: "double precision",
        Type.BOOLEAN: "boolean",
        Type.TIMESTAMP: "timestamp without time zone",
    },
    reserved=frozenset(_WORDS.split()),
    max_identifier=63,
    schemas_taken="information_schema|pg_.*",
    families=dict.fromkeys(_INTEGERS, "integer")
    | {"real": "float", "double precision": "float", "boolean": "boolean", "date": "date"}
    | {"timestamp without time zone": "timestamp", "character varying": "varchar", "text": "varchar"},
    sized="character varying({})",
    longest=10_485_760,
    key_hash="('x' || substr(md5(convert_to({text}, 'UTF8')), 1, 8))::bit(32)::bigint",
)


class PostgresDialect(Dialect):
    """What Postgres spells in its own way."""

    def create_schema(self, schema: str) -> list[str]:
        """The schema, if it is not there; where it is, nothing is asked that needs the right to create one."""
        there = f"SELECT FROM pg_namespace WHERE nspname = {self.text(schema)}"
        return [_unless(there, super().create_schema(schema)[0])]

    def create_table(self, schema: str, table: str, columns: Mapping[str, str], keys: Sequence[str]) -> list[str]:
        """Has an index that finds a row by its key; its name has a space, so that no table can be called like it."""
        listed = ", ".join(f"{self.quote(name)} {kind}" for name, kind in columns.items())
        named = self.quote(_index_name(table))
        indexed = ", ".join(self.quote(key) for key in keys if key not in _LONG)
        created = f"CREATE TABLE IF NOT EXISTS {self.quote(schema, table)} ({listed}"
        if _LONG.isdisjoint(keys):
            return [f"{created}, CONSTRAINT {named} PRIMARY KEY ({indexed}))"]
        index = f"CREATE INDEX IF NOT EXISTS {named} ON {self.quote(schema, table)} ({indexed})"
        return [f"{created})", index]

    def create_cursors(self, schema: str) -> list[str]:
        """The sync record, if it is not there; another sync may make it at the same moment."""
        named = self.text(self.record(schema))
        there = f"SELECT FROM pg_tables WHERE schemaname = {self.text(INTERNAL)} AND tablename = {named}"
        return [_unless(there, "; ".join(super().create_cursors(schema)))]

    def widen(self, schema: str, one: Widen) -> list[str]:
        """See `Dialect.widen`."""
        altered = f"ALTER TABLE {self.quote(schema, one.table)} ALTER COLUMN {self.quote(one.column)}"
        return [f"{altered} TYPE {one.kind} USING CAST({self.quote(one.column)} AS {one.kind})"]

    def cast(self, value: str, cast: Cast) -> str:
        """A text is read as the column's type reads it; a number is rounded, a text that is too long is cut."""
        precise, sized = _PRECISE.fullmatch(cast.kept), _SIZED.fullmatch(cast.kept)
        given = f"{value}::integer" if cast.staged == "boolean" and cast.kept.startswith(_NUMBERS) else value
        if cast.kept in _INTEGERS:
            return _tried(f"round({_tried(given, 'numeric')})", cast.kept)
        if precise:
            digits, scale = map(int, precise.groups())
            rounded = f"round({_tried(given, 'numeric')}, {scale})"
            return f"CASE WHEN abs({rounded}) < 1e{digits - scale} THEN {rounded}::{cast.kept} END"
        if sized and cast.staged != "text":
            return f"CASE WHEN length({value}::text) <= {sized[2]} THEN {value}::{cast.kept} END"
        return f"{value}::{cast.kept}" if sized else _tried(given, cast.kept)

    def too_long(self, value: str, cast: Cast) -> str | None:
        """See `Dialect.too_long`."""
        sized = _SIZED.fullmatch(cast.kept)
        return f"length({value}) > {sized[2]}" if sized and cast.staged == "text" else None


def _unless(there: str, statement: str) -> str:
    raced = "duplicate_schema OR duplicate_table OR unique_violation"
    return f"DO $$ BEGIN IF NOT EXISTS ({there}) THEN {statement}; END IF; EXCEPTION WHEN {raced} THEN NULL; END $$"


def _index_name(table: str) -> str:
    if len(table.encode()) <= CAPABILITIES.max_identifier - 4:
        return f"{table} key"
    return f"{hashlib.sha1(table.encode(), usedforsecurity=False).hexdigest()} key"


def _tried(value: str, kind: str) -> str:
    return f"pg_temp.try_cast({value}::text, NULL::{kind})::{kind}"


DIALECT = PostgresDialect(CAPABILITIES)
