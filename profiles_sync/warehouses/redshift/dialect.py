"""What Redshift can do and how it spells things.

Source: Amazon Redshift documentation, "Reserved words", "Names and identifiers", "MERGE", "TRY_CAST function",
"Character types"; Segment, "Redshift Warehouse Destination".
"""

import hashlib
import re
from collections.abc import Mapping, Sequence

from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import INTERNAL, OPERATION, Capabilities, Cast
from profiles_sync.warehouses.sql import Dialect
from profiles_sync.warehouses.widening import Widen, by_another_column, is_longer

# Redshift's reserved words, and its system columns, which no column may be called.
_WORDS = """
aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup between binary
blanksasnull both bytedict bzip2 case cast check collate column constraint create credentials cross current_date
current_time current_timestamp current_user current_user_id default deferrable deflate defrag delta delta32k desc
disable distinct do else emptyasnull enable encode encrypt encryption end except explicit false for foreign freeze from
full globaldict256 globaldict64k grant group gzip having identity ignore ilike in initially inner intersect interval
into is isnull join leading left like limit localtime localtimestamp lun luns lzo lzop minus mostly16 mostly32 mostly8
natural new not notnull null nulls off offline offset oid old on only open or order outer overlaps parallel partition
percent permissions pivot placing primary raw readratio recover references rejectlog resort respect restore right
select session_user similar snapshot some sysdate system table tag tdes text255 text32k then timestamp to top trailing
true truncatecolumns union unique unnest unpivot user using verbose wallet when where with without
tableoid xmin cmin xmax cmax ctid insertxid deletexid
"""
#: The longest VARCHAR, in bytes.
LONGEST = 65535
_LONG = frozenset({"name", "value"})  # key columns of any length: what is a key is never cut
_SPACED = frozenset({"value"})  # key columns with people's own texts; ids and names of traits end in no space
_SORTED_BY = "received_at"
_MERGED = '"rows to merge"'  # no table can be called so
_SIZED = re.compile(r"(character varying|character)\((\d+)\)")
_INTEGERS = ("smallint", "integer", "bigint")
_NUMBERS = (*_INTEGERS, "numeric", "real", "double precision")
_TIMES = ("timestamp without time zone", "timestamp with time zone", "date", "time without time zone")
_TRUE, _FALSE = "'true', 't', 'yes', 'y', '1'", "'false', 'f', 'no', 'n', '0'"
# Staged type to the types that TRY_CAST makes of it; it fails, and does not answer NULL, where it makes none.
_TRIED = {
    "character varying": (*_NUMBERS, *_TIMES, "character", "time with time zone", "super"),
    "bigint": (*_NUMBERS, "boolean", "super"),
    "double precision": (*_NUMBERS, "super"),
    "timestamp without time zone": _TIMES,
}

CAPABILITIES = Capabilities(
    types={
        Type.STRING: "character varying(512)",
        Type.BIGINT: "bigint",
        Type.DOUBLE: "double precision",
        Type.BOOLEAN: "boolean",
        Type.TIMESTAMP: "timestamp without time zone",
    },
    reserved=frozenset(_WORDS.split()),
    max_identifier=127,
    leading_digit=False,
    folds_case=True,
    schemas_taken="information_schema|pg_.*",
    locks_in_schema=True,
    families=dict.fromkeys(_INTEGERS, "integer")
    | {"real": "float", "double precision": "float", "boolean": "boolean", "date": "date"}
    | {"timestamp without time zone": "timestamp", "character varying": "varchar"},
    sized="character varying({})",
    longest=LONGEST,
    key_hash="STRTOL(LEFT(MD5({text}), 8), 16)",
)


def lock_name(schema: str) -> str:
    """The table of `INTERNAL` whose lock keeps every other sync out of a schema; no staging table is called so."""
    return f"lock {hashlib.sha1(schema.encode(), usedforsecurity=False).hexdigest()}"


def owner_name(schema: str) -> str:
    """The table of `INTERNAL` whose one row says which sync has a schema's lock."""
    return f"owner {hashlib.sha1(schema.encode(), usedforsecurity=False).hexdigest()}"


class RedshiftDialect(Dialect):
    """What Redshift spells in its own way."""

    def text(self, value: str) -> str:
        """A text literal; a backslash escapes in one."""
        return super().text(value.replace("\\", "\\\\"))

    def lock(self, schema: str) -> str:
        """The quoted name of a schema's `lock_name`."""
        return self.quote(INTERNAL, lock_name(schema))

    def create_lock(self, schema: str) -> list[str]:
        """The lock, and the table that says who has it, if they are not there."""
        owner = f"CREATE TABLE IF NOT EXISTS {self._owner(schema)} (owner character varying(64))"
        return [f"CREATE TABLE IF NOT EXISTS {self.lock(schema)} (held boolean)", owner]

    def lock_tables(self, schema: str) -> list[str]:
        """See `Dialect.lock_tables`."""
        return [lock_name(schema), owner_name(schema)]

    def own(self, schema: str, owner: str) -> list[str]:
        """Write down who has the lock; whoever believed to have it commits before, or never."""
        there = self._owner(schema)
        return [f"DELETE FROM {there}", f"INSERT INTO {there} (owner) VALUES ({self.text(owner)})"]

    def still_own(self, schema: str, owner: str) -> str:
        """Changes one row where nobody else has the lock; nobody can have it then before the transaction ends."""
        return f"UPDATE {self._owner(schema)} SET owner = owner WHERE owner = {self.text(owner)}"

    def _owner(self, schema: str) -> str:
        return self.quote(INTERNAL, owner_name(schema))

    def create_table(self, schema: str, table: str, columns: Mapping[str, str], keys: Sequence[str]) -> list[str]:
        """Rows lie where their first key says, in the order they were received; keys of any length are wide."""
        wide = {name: f"character varying({LONGEST})" for name in keys if name in _LONG}
        listed = ", ".join(f"{self.quote(name)} {kind}" for name, kind in {**columns, **wide}.items())
        created = f"CREATE TABLE IF NOT EXISTS {self.quote(schema, table)} ({listed})"
        by_key = f"{created} DISTSTYLE KEY DISTKEY ({self.quote(keys[0])})"
        return [f"{by_key} SORTKEY ({self.quote(_SORTED_BY)})" if _SORTED_BY in columns else by_key]

    def add_columns(self, schema: str, table: str, columns: Mapping[str, str]) -> list[str]:
        """One column per statement, without IF NOT EXISTS, which is not there."""
        altered = f"ALTER TABLE {self.quote(schema, table)} ADD COLUMN"
        return [f"{altered} {self.quote(name)} {kind}" for name, kind in columns.items()]

    def widen(self, schema: str, one: Widen) -> list[str]:
        """Redshift alters the length of a VARCHAR, alone and outside of a transaction; all else goes in one."""
        if not is_longer(one.was, one.kind):
            return by_another_column(self, schema, one)
        altered = f"ALTER TABLE {self.quote(schema, one.table)} ALTER COLUMN {self.quote(one.column)}"
        return [f"{altered} TYPE {one.kind}"]

    def widened(self, value: str, was: str, kind: str) -> str:
        """See `Dialect.widened`; Redshift makes no text of a boolean."""
        return _shown(value, was) if was == "boolean" else super().widened(value, was, kind)

    def create_staged(self, name: str, columns: Mapping[str, str], key: str) -> str:
        """A temporary table for staged rows, which lie where their table's rows do."""
        listed = ", ".join(f"{self.quote(column)} {kind}" for column, kind in columns.items())
        return f"CREATE TEMPORARY TABLE {name} ({listed}) DISTSTYLE KEY DISTKEY ({self.quote(key)})"

    def copy(self, name: str, place: str, role: str) -> str:
        """Load the Parquet files below a URL; the columns come in the order of the table's."""
        who = "default" if role == "default" else self.text(role)
        return f"COPY {name} FROM {self.text(place)} IAM_ROLE {who} FORMAT AS PARQUET"

    def append(
        self, schema: str, table: str, source: str, key: str, values: Mapping[str, str], keys_differ: bool = False
    ) -> list[str]:
        """See `Dialect.append`."""
        columns, there, one = ", ".join(map(self.quote, values)), self.quote(schema, table), self.quote(key)
        landed = f"{self.quote('uuid_ts')}, {self.quote('received_at')}"
        placed = f"SELECT *, row_number() OVER (PARTITION BY {one}, OCTET_LENGTH({one}) ORDER BY {landed}) AS _place"
        rows = f"{source} AS s WHERE" if keys_differ else f"({placed} FROM {source}) AS s WHERE s._place = 1 AND"
        return [
            f"INSERT INTO {there} ({columns}) SELECT {', '.join(values.values())} FROM {rows} NOT EXISTS ("
            f"SELECT 1 FROM {there} AS t WHERE {self._same('t', key, values[key])})"
        ]

    def delete_missing(
        self, schema: str, table: str, source: str, keys: Sequence[str], values: Mapping[str, str]
    ) -> list[str]:
        """See `Dialect.delete_missing`; DELETE takes no other name for its table."""
        there = self.quote(schema, table)
        found = " AND ".join(self._same(there, key, values[key], key in _SPACED) for key in keys)
        return [f"DELETE FROM {there} WHERE NOT EXISTS (SELECT 1 FROM {source} AS s WHERE {found})"]

    def merge(self, schema: str, table: str, source: str, keys: Sequence[str], values: Mapping[str, str]) -> list[str]:
        """Delete, then MERGE; where a key may end in spaces, UPDATE and INSERT, which take any condition."""
        there, operation = self.quote(schema, table), f"s.{self.quote(OPERATION)}"
        found = " AND ".join(self._same(there, key, values[key], key in _SPACED) for key in keys)
        deleted = f"DELETE FROM {there} USING {source} AS s WHERE {found} AND {operation} = 'D'"
        if _SPACED.isdisjoint(keys):
            return self._merged(there, source, keys, values, deleted)
        updates = ", ".join(f"{self.quote(name)} = {value}" for name, value in values.items() if name not in keys)
        columns, chosen = ", ".join(map(self.quote, values)), ", ".join(values.values())
        return [
            deleted,
            f"UPDATE {there} SET {updates} FROM {source} AS s WHERE {found} AND {operation} = 'U'",
            f"INSERT INTO {there} ({columns}) SELECT {chosen} FROM {source} AS s WHERE {operation} = 'U' "
            f"AND NOT EXISTS (SELECT 1 FROM {there} WHERE {found})",
        ]

    def _merged(
        self, there: str, source: str, keys: Sequence[str], values: Mapping[str, str], deleted: str
    ) -> list[str]:
        """MERGE has no conditions and reads a table alone: what is not to be deleted has one of its own.

        A column of the owner's may be NOT NULL, and is filled by its default there too.
        """
        names, quoted_keys = list(map(self.quote, values)), list(map(self.quote, keys))
        on = " AND ".join(f"{there}.{key} = {_MERGED}.{key}" for key in quoted_keys)
        updates = ", ".join(f"{name} = {_MERGED}.{name}" for name in names if name not in quoted_keys)
        return [
            f"CREATE TEMPORARY TABLE {_MERGED} (LIKE {there} INCLUDING DEFAULTS)",
            f"INSERT INTO {_MERGED} ({', '.join(names)}) SELECT {', '.join(values.values())} "
            f"FROM {source} AS s WHERE s.{self.quote(OPERATION)} = 'U'",
            deleted,
            f"MERGE INTO {there} USING {_MERGED} ON {on} WHEN MATCHED THEN UPDATE SET {updates} "
            f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)}) "
            f"VALUES ({', '.join(f'{_MERGED}.{name}' for name in names)})",
            f"DROP TABLE {_MERGED}",
        ]

    def _same(self, there: str, key: str, value: str, exactly: bool = True) -> str:
        """Whether two keys are the same; = takes a text with spaces behind it for one without them."""
        one = f"{there}.{self.quote(key)}"
        is_text = value == f"s.{self.quote(key)}"  # else it is cast to the type of a column that holds something else
        return self.same_text(one, value) if exactly and is_text else f"{one} = {value}"

    def same_text(self, one: str, other: str) -> str:
        """See `Dialect.same_text`; = takes a text with spaces behind it for one without them."""
        return f"{one} = {other} AND OCTET_LENGTH({one}) = OCTET_LENGTH({other})"

    def cast(self, value: str, cast: Cast) -> str:
        """A text is read as the column's type reads it, and was cut to its width before; a number is rounded."""
        staged, sized = cast.staged.partition("(")[0], _SIZED.fullmatch(cast.kept)
        if sized and staged != "character varying":
            text = _shown(value, staged)
            return f"CASE WHEN OCTET_LENGTH({text}) <= {sized[2]} THEN CAST({text} AS {cast.kept}) END"
        if sized and sized[1] == "character varying":
            return value
        if staged == "boolean" and _family(cast.kept) in _NUMBERS:
            return f"TRY_CAST(CASE WHEN {value} THEN 1 WHEN NOT {value} THEN 0 END AS {cast.kept})"
        if staged == "character varying":
            return _read(f"NULLIF(TRIM({value}), '')", cast.kept)
        if staged == "double precision" and cast.kept in _INTEGERS:
            return f"TRY_CAST(ROUND({value}) AS {cast.kept})"
        return _tried(value, staged, cast.kept)


def _family(kind: str) -> str:
    """A type without its size."""
    return re.sub(r"\(.*?\)", "", kind)


def _shown(value: str, staged: str) -> str:
    """A value as text; Redshift makes none of a boolean."""
    if staged == "boolean":
        return f"CASE WHEN {value} THEN 'true' WHEN NOT {value} THEN 'false' END"
    return f"CAST({value} AS character varying(64))"


def _read(value: str, kept: str) -> str:
    """What a text says, in a column of another type."""
    if kept == "boolean":
        return f"CASE WHEN LOWER({value}) IN ({_TRUE}) THEN TRUE WHEN LOWER({value}) IN ({_FALSE}) THEN FALSE END"
    if kept in _INTEGERS:
        rounded = f"ROUND(TRY_CAST({value} AS double precision))"
        return f"COALESCE(TRY_CAST({value} AS {kept}), TRY_CAST({rounded} AS {kept}))"
    return _tried(value, "character varying", kept)


def _tried(value: str, staged: str, kept: str) -> str:
    if _family(kept) not in _TRIED.get(staged, ()):
        return f"CAST(NULL AS {kept})"
    return f"TRY_CAST({value} AS {kept})"


DIALECT = RedshiftDialect(CAPABILITIES)
