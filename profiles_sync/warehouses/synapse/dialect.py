"""What a dedicated SQL pool can do and how it spells things.

Source: Microsoft documentation, "Reserved Keywords (Transact-SQL)", "CREATE TABLE (Azure Synapse Analytics)",
"COPY INTO (Transact-SQL)", "TRY_CAST (Transact-SQL)", "INSERT (Transact-SQL)", "Use transactions in a SQL pool in Azure
Synapse".
"""

import hashlib
import re
from collections.abc import Mapping, Sequence

from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import INTERNAL, OPERATION, Capabilities, Cast, Cursor, Transactions
from profiles_sync.warehouses.sql import Dialect
from profiles_sync.warehouses.widening import Widen, by_another_column

_WORDS = """
add all alter and any as asc authorization backup begin between break browse bulk by cascade case check checkpoint close
clustered coalesce collate column commit compute constraint contains containstable continue convert create cross current
current_date current_time current_timestamp current_user cursor database dbcc deallocate declare default delete deny
desc disk distinct distributed double drop dump else end errlvl escape except exec execute exists exit external fetch
file fillfactor for foreign freetext freetexttable from full function goto grant group having holdlock identity
identity_insert identitycol if in index inner insert intersect into is join key kill label left like lineno load merge
national nocheck nonclustered not null nullif of off offsets on open opendatasource openquery openrowset openxml option
or order outer over percent pivot plan precision primary print proc procedure public raiserror read readtext reconfigure
references replication restore restrict return revert revoke right rollback rowcount rowguidcol rule save schema
securityaudit select semantickeyphrasetable semanticsimilaritydetailstable semanticsimilaritytable session_user set
setuser shutdown some statistics system_user table tablesample textsize then to top tran transaction trigger truncate
try_convert tsequal union unique unpivot update updatetext use user values varying view waitfor when where while with
within writetext
"""
#: The longest NVARCHAR that a table is distributed by, in pairs of bytes.
LONGEST = 4000
# Compares texts by their code points; the pool's own collation takes capitals for small letters.
_EXACT = "COLLATE Latin1_General_100_BIN2"
_UTF8 = "Latin1_General_100_BIN2_UTF8"
_SIZED = re.compile(r"n?(var)?char\((\d+)\)")
_INTEGERS = ("tinyint", "smallint", "int", "bigint")
_NUMBERS = (*_INTEGERS, "decimal", "numeric", "real", "float", "bit", "money", "smallmoney")
_TIMES = ("datetime2", "datetime", "smalldatetime", "date", "time", "datetimeoffset")
# Staged type to the types that TRY_CAST makes of it; it fails, and does not answer NULL, where it makes none.
_TRIED = {
    "nvarchar": (*_NUMBERS, *_TIMES, "uniqueidentifier"),
    "bigint": _NUMBERS,
    "float": _NUMBERS,
    "bit": _NUMBERS,
    "datetime2": _TIMES,
}

CAPABILITIES = Capabilities(
    types={
        Type.STRING: "nvarchar(4000)",
        Type.BIGINT: "bigint",
        Type.DOUBLE: "float",
        Type.BOOLEAN: "bit",
        Type.TIMESTAMP: "datetime2(7)",
    },
    reserved=frozenset(_WORDS.split()),
    max_identifier=128,
    folds_case=True,
    schemas_taken="information_schema|sys|guest|db_.*",
    transactions=Transactions.ROWS,
    locks_in_schema=True,
    families=dict.fromkeys(_INTEGERS, "integer")
    | {"real": "float", "float": "float", "bit": "boolean", "date": "date", "datetime2": "timestamp"}
    | {"varchar": "varchar", "nvarchar": "varchar"},
    sized="nvarchar({})",
    longest=LONGEST,
    key_hash=f"CONVERT(bigint, CONVERT(binary(4), HASHBYTES('MD5', CONVERT(varchar(max), {{text}} COLLATE {_UTF8}))))",
)


def lock_name(schema: str) -> str:
    """The table of `INTERNAL` whose lock keeps every other sync out of a schema; no staging table is called so."""
    return f"lock {_digest(schema)}"


def owner_name(schema: str) -> str:
    """The table of `INTERNAL` whose one row says which sync has a schema's lock."""
    return f"owner {_digest(schema)}"


def staged_name(schema: str, *of: object) -> str:
    """How a schema's staging tables begin, and with owner and number how one is called."""
    return "_".join(map(str, ("staged", _digest(schema), *of)))


def _digest(schema: str) -> str:
    return hashlib.sha1(schema.encode(), usedforsecurity=False).hexdigest()


class SynapseDialect(Dialect):
    """What T-SQL, and a dedicated pool's part of it, spells in its own way."""

    def quote(self, *parts: str) -> str:
        """A name in brackets."""
        return ".".join("[" + part.replace("]", "]]") + "]" for part in parts)

    def text(self, value: str) -> str:
        """A text literal in Unicode."""
        return f"N{super().text(value)}"

    def lock(self, schema: str) -> str:
        """The quoted name of a schema's `lock_name`."""
        return self.quote(INTERNAL, lock_name(schema))

    def create_schema(self, schema: str) -> list[str]:
        """The schema, if it is not there; CREATE SCHEMA is alone in its batch."""
        create = self.text(f"CREATE SCHEMA {self.quote(schema)}")
        return [f"IF SCHEMA_ID({self.text(schema)}) IS NULL EXEC ({create})"]

    def create_table(self, schema: str, table: str, columns: Mapping[str, str], keys: Sequence[str]) -> list[str]:
        """Rows lie in columns, spread by a hash of their first key."""
        layout = f"DISTRIBUTION = HASH({self.quote(keys[0])}), CLUSTERED COLUMNSTORE INDEX"
        return [self._created(self.quote(schema, table), columns, layout)]

    def create_lock(self, schema: str) -> list[str]:
        """The lock's table with a row to lock, both at once, if it is not there; and the one that says who has it."""
        lock, owner = self.lock(schema), self._owner(schema)
        made = f"CREATE TABLE {lock} WITH ({_HEAP}) AS SELECT CAST(0 AS bit) AS [held]"
        also = f"CREATE TABLE {owner} WITH ({_HEAP}) AS SELECT CAST(N'' AS nvarchar(64)) AS [owner]"
        return [f"IF OBJECT_ID({self.text(lock)}) IS NULL {made}", f"IF OBJECT_ID({self.text(owner)}) IS NULL {also}"]

    def lock_tables(self, schema: str) -> list[str]:
        """See `Dialect.lock_tables`."""
        return [lock_name(schema), owner_name(schema)]

    def take_lock(self, schema: str) -> list[str]:
        """Wait for the row; what is taken lasts as long as the transaction."""
        return ["BEGIN TRANSACTION", f"UPDATE {self.lock(schema)} SET held = 1"]

    def own(self, schema: str, owner: str) -> list[str]:
        """Write down who has the lock; whoever believed to have it commits before, or never."""
        return [f"UPDATE {self._owner(schema)} SET [owner] = {self.text(owner)}"]

    def still_own(self, schema: str, owner: str) -> str:
        """Changes one row where nobody else has the lock; nobody can have it then before the transaction ends."""
        return f"UPDATE {self._owner(schema)} SET [owner] = [owner] WHERE [owner] = {self.text(owner)}"

    def _owner(self, schema: str) -> str:
        return self.quote(INTERNAL, owner_name(schema))

    def create_staged(self, staging: str, columns: Mapping[str, str]) -> list[str]:
        """A staging table without order, in place of one that was left there."""
        return [*self.drop_staging(staging), self._created(staging, columns, _HEAP)]

    def _created(self, table: str, columns: Mapping[str, str], layout: str) -> str:
        listed = ", ".join(f"{self.quote(name)} {_declared(kind)}" for name, kind in columns.items())
        return f"IF OBJECT_ID({self.text(table)}) IS NULL CREATE TABLE {table} ({listed}) WITH ({layout})"

    def add_columns(self, schema: str, table: str, columns: Mapping[str, str]) -> list[str]:
        """Further columns, where they are not there."""
        there = self.quote(schema, table)
        return [
            f"IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID({self.text(there)}) "
            f"AND name = {self.text(name)}) ALTER TABLE {there} ADD {self.quote(name)} {_declared(kind)}"
            for name, kind in columns.items()
        ]

    def widen(self, schema: str, one: Widen) -> list[str]:
        """What a pool makes of a value by itself is what a sync makes of it, but for truths and floats as texts."""
        if one.was is None or (one.was in _SPELT and _SIZED.fullmatch(one.kind)):
            return by_another_column(self, schema, one)
        altered = f"ALTER TABLE {self.quote(schema, one.table)} ALTER COLUMN {self.quote(one.column)}"
        return [f"{altered} {_declared(one.kind)}"]

    def widened(self, value: str, was: str, kind: str) -> str:
        """See `Dialect.widened`."""
        return _shown(value, was)

    def rename_columns(self, schema: str, table: str, renamed: Mapping[str, str]) -> list[str]:
        """See `Dialect.rename_columns`; in one batch, for a pool has no transaction for it."""
        calls = [(self.quote(schema, table, name), new) for name, new in renamed.items()]
        return ["; ".join(f"EXEC sp_rename {self.text(name)}, {self.text(new)}, 'COLUMN'" for name, new in calls)]

    def drop_staging(self, staging: str) -> list[str]:
        """See `Dialect.drop_staging`."""
        return [f"IF OBJECT_ID({self.text(staging)}) IS NOT NULL DROP TABLE {staging}"]

    def copy(self, staging: str, place: str) -> str:
        """Load Parquet files; the columns come in the order of the table's."""
        identity = "CREDENTIAL = (IDENTITY = 'Managed Identity')"
        return f"COPY INTO {staging} FROM {super().text(place)} WITH (FILE_TYPE = 'PARQUET', {identity})"

    def any_row(self, schema: str, table: str) -> str:
        """See `Dialect.any_row`."""
        return f"SELECT TOP 1 1 FROM {self.quote(schema, table)}"

    def append(
        self, schema: str, table: str, source: str, key: str, values: Mapping[str, str], keys_differ: bool = False
    ) -> list[str]:
        """See `Dialect.append`."""
        columns, there = ", ".join(map(self.quote, values)), self.quote(schema, table)
        landed, one = f"{self.quote('uuid_ts')}, {self.quote('received_at')}", self.quote(key)
        placed = (
            f"SELECT *, ROW_NUMBER() OVER (PARTITION BY {one}, DATALENGTH({one}) ORDER BY {landed}) AS _place "
            f"FROM {source}"
        )
        rows = f"{source} AS s WHERE" if keys_differ else f"({placed}) AS s WHERE s._place = 1 AND"
        return [
            f"INSERT INTO {there} ({columns}) SELECT {', '.join(values.values())} FROM {rows} NOT EXISTS ("
            f"SELECT 1 FROM {there} WHERE {self.same_text(f'{there}.{one}', values[key])})"
        ]

    def delete_missing(
        self, schema: str, table: str, source: str, keys: Sequence[str], values: Mapping[str, str]
    ) -> list[str]:
        """See `Dialect.delete_missing`; DELETE takes no other name for its table."""
        there = self.quote(schema, table)
        found = " AND ".join(self.same_text(f"{there}.{self.quote(key)}", values[key]) for key in keys)
        return [f"DELETE FROM {there} WHERE NOT EXISTS (SELECT 1 FROM {source} AS s WHERE {found})"]

    def merge(self, schema: str, table: str, source: str, keys: Sequence[str], values: Mapping[str, str]) -> list[str]:
        """Delete, update, insert: MERGE has too many conditions of its own there."""
        there, operation = self.quote(schema, table), f"s.{self.quote(OPERATION)}"
        found = " AND ".join(self.same_text(f"{there}.{self.quote(key)}", values[key]) for key in keys)
        updates = ", ".join(f"{self.quote(name)} = {value}" for name, value in values.items() if name not in keys)
        columns, chosen = ", ".join(map(self.quote, values)), ", ".join(values.values())
        return [
            f"DELETE FROM {there} WHERE EXISTS (SELECT 1 FROM {source} AS s WHERE {found} AND {operation} = 'D')",
            f"UPDATE {there} SET {updates} FROM {source} AS s WHERE {found} AND {operation} = 'U'",
            f"INSERT INTO {there} ({columns}) SELECT {chosen} FROM {source} AS s WHERE {operation} = 'U' "
            f"AND NOT EXISTS (SELECT 1 FROM {there} WHERE {found})",
        ]

    def joined(self, texts: Sequence[str]) -> str:
        """See `Dialect.joined`; of texts of 4,000 characters + makes one of as many."""
        long = [f"CAST({text} AS nvarchar(max))" for text in texts]
        return long[0] if len(long) == 1 else f"CONCAT({', NCHAR(31), '.join(long)})"

    def same_text(self, one: str, other: str) -> str:
        """See `Dialect.same_text`; = takes a text with spaces behind it for one without them."""
        return f"{one} = {other} AND DATALENGTH({one}) = DATALENGTH({other})"

    def record_cursors(self, schema: str, cursors: Mapping[str, Cursor], sync_id: str) -> list[str]:
        """One row after the other: VALUES takes one alone."""
        rows = " UNION ALL ".join(
            f"SELECT {self._recorded(schema, table, one, sync_id)}" for table, one in cursors.items()
        )
        columns = "schema_name, table_name, table_id, version, commit_digest, sync_id"
        return [f"INSERT INTO {self.cursors(schema)} ({columns}) {rows}"]

    def cast(self, value: str, cast: Cast) -> str:
        """A text is read as the column's type reads it, and was cut to its length before; a number is rounded."""
        staged, sized = _family(cast.staged), _SIZED.fullmatch(cast.kept)
        if sized and staged == "nvarchar":
            return value
        if sized:
            return f"CASE WHEN LEN({_shown(value, staged)}) <= {sized[2]} THEN {_shown(value, staged)} END"
        if staged == "nvarchar":
            return _read(f"NULLIF(LTRIM(RTRIM({value})), '')", cast.kept)
        if staged == "float" and cast.kept in _INTEGERS:
            return f"TRY_CAST(ROUND({value}, 0) AS {cast.kept})"
        return _tried(f"CAST({value} AS int)" if staged == "bit" else value, staged, cast.kept)


_SPELT = ("bit", "float", "real")  # types whose values a pool would write otherwise than a sync does
_HEAP = "DISTRIBUTION = ROUND_ROBIN, HEAP"


def _declared(kind: str) -> str:
    return f"{kind} {_EXACT} NULL" if _SIZED.fullmatch(kind) else f"{kind} NULL"


def _family(kind: str) -> str:
    """A type without its size."""
    return kind.partition("(")[0]


def _shown(value: str, staged: str) -> str:
    """A value as text."""
    if staged == "bit":
        return f"CASE CAST({value} AS int) WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
    if staged in ("float", "real"):
        return f"CONVERT(nvarchar(64), {value}, 3)"  # every digit; CAST leaves six
    return f"CAST({value} AS nvarchar(64))"


def _read(value: str, kept: str) -> str:
    """What a text says, in a column of another type."""
    if kept in _INTEGERS:
        rounded = f"ROUND(TRY_CAST({value} AS float), 0)"
        return f"COALESCE(TRY_CAST({value} AS {kept}), TRY_CAST({rounded} AS {kept}))"
    return _tried(value, "nvarchar", kept)


def _tried(value: str, staged: str, kept: str) -> str:
    if _family(kept) not in _TRIED.get(staged, ()):
        return f"CAST(NULL AS {kept})"
    return f"TRY_CAST({value} AS {kept})"


DIALECT = SynapseDialect(CAPABILITIES)
