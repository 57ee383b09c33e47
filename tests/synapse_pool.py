"""A stand-in for a dedicated SQL pool: a driver's connection that says in Postgres's words what it is told in T-SQL.

There is no server of that protocol to run here. What is tried so is the logic of the statements and of the sync around
them, and that nothing is asked that a pool has not; not the protocol, the driver, or a pool.
"""

import re

import psycopg
import pyarrow as pa
import pyarrow.csv
from mssql_python import OperationalError, ProgrammingError

from tests.redshift_server import Refused, Spelling, inside, of_parquet

_TOKEN = re.compile(r"N?'(?:[^']|'')*'|\[(?:[^\]]|\]\])*\]")
_MARK = re.compile(r"(?<![\w'])([tn])(\d+)@")
_NO_COLUMN = r"IF NOT EXISTS \(SELECT 1 FROM sys\.columns WHERE object_id = OBJECT_ID\(t(\d+)@\) AND name = t(\d+)@\) "
_REFUSED = (
    r"\bIF (NOT )?EXISTS\b(?! *\()",
    r"\bLIMIT\b",
    r"\bON CONFLICT\b",
    r"\bADD COLUMN\b",
    r"\bboolean\b|\bTRUE\b|\bFALSE\b",
    r"::",
    r"\bMERGE\b",
    r"\bCREATE (UNIQUE )?INDEX\b",
    r"\bSAVE TRAN",
    r"\bsp_getapplock\b",
    r"\bLOCK_TIMEOUT\b",
    r"\bVALUES *\([^)]*\) *,",
    r"(DELETE|UPDATE)\b.*\b(INNER |LEFT )?JOIN\b",
    r"\bnvarchar\((?!max)([5-9]\d{3}|4[1-9]\d\d|\d{5,})\)",
    r"CREATE TABLE (?!.*WITH \(DISTRIBUTION = )",
)
_LAYOUT = r" WITH \(DISTRIBUTION = (ROUND_ROBIN|HASH\(\S+\)), (HEAP|CLUSTERED COLUMNSTORE INDEX)\)(?=$| AS )"
_TYPES = (
    (r"\bnvarchar\((\d+)\)( COLLATE \w+)?", r"character varying(\1)"),
    (r"\bdatetime2(\(\d\))?", "timestamp"),
    (r"\bfloat\b", "double precision"),
    (r"\bbit\b", "boolean"),
    (r"\btinyint\b", "smallint"),
)
_ARROW = {"bigint": pa.int64(), "double precision": pa.float64(), "boolean": pa.bool_()}
# What INFORMATION_SCHEMA has there, and DATALENGTH and LEN.
PREPARE = """
CREATE SCHEMA IF NOT EXISTS stand_in;
GRANT USAGE ON SCHEMA stand_in TO PUBLIC;
CREATE OR REPLACE VIEW stand_in.columns AS SELECT n.nspname::text AS table_schema, c.relname::text AS table_name,
    a.attname::text AS column_name,
    CASE format_type(a.atttypid, NULL) WHEN 'character varying' THEN 'nvarchar' WHEN 'double precision' THEN 'float'
        WHEN 'boolean' THEN 'bit' WHEN 'timestamp without time zone' THEN 'datetime2' WHEN 'integer' THEN 'int'
        WHEN 'numeric' THEN 'decimal' ELSE format_type(a.atttypid, NULL) END::text AS data_type,
    CASE format_type(a.atttypid, NULL) WHEN 'character varying' THEN a.atttypmod - 4 END AS character_maximum_length,
    CASE format_type(a.atttypid, NULL) WHEN 'numeric' THEN ((a.atttypmod - 4) >> 16) & 65535 END AS numeric_precision,
    CASE format_type(a.atttypid, NULL) WHEN 'numeric' THEN (a.atttypmod - 4) & 65535 END AS numeric_scale,
    CASE WHEN format_type(a.atttypid, NULL) LIKE 'timestamp%' THEN 7 END AS datetime_precision,
    a.attnum::int AS ordinal_position
    FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped;
GRANT SELECT ON stand_in.columns TO PUBLIC;
CREATE OR REPLACE FUNCTION stand_in.datalength(value anyelement) RETURNS int LANGUAGE sql IMMUTABLE AS
    $$ SELECT octet_length(value::text) $$;
CREATE OR REPLACE FUNCTION stand_in.hashbytes(kind text, value text) RETURNS bytea LANGUAGE sql IMMUTABLE AS
    $$ SELECT decode(md5(convert_to(value, 'UTF8')), 'hex') WHERE kind = 'MD5' $$;
CREATE OR REPLACE FUNCTION stand_in.first_four(value bytea) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    $$ SELECT ('x' || encode(substr(value, 1, 4), 'hex'))::bit(32)::bigint $$;
CREATE OR REPLACE FUNCTION stand_in.rounded(value double precision, digits int) RETURNS double precision LANGUAGE sql
    IMMUTABLE AS $$ SELECT round(value) $$;
"""
# From what to what TRY_CAST may, as far as these types go.
FROM = {
    "boolean": "smallint integer bigint double real boolean numeric",
    "integer": "smallint integer bigint double real boolean numeric",
    "bigint": "smallint integer bigint double real boolean numeric",
    "double": "smallint integer bigint double real boolean numeric",
    "varchar": "smallint integer bigint double real boolean numeric timestamp date time timestamptz varchar",
    "text": "smallint integer bigint double real boolean numeric timestamp date time timestamptz varchar",
    "timestamp": "timestamp date time timestamptz",
}


_LABEL = re.compile(r" OPTION \(LABEL = N'((?:[^']|'')*)'\)$")


class Words(Spelling):
    """T-SQL as Postgres's SQL."""

    longest = 128

    def names(self, statement):
        """A statement of Postgres's with names in brackets."""
        return _TOKEN.sub(lambda found: self._told(found[0]), statement)

    def tsql(self, statement):
        """The statement, and a question to ask first: it runs where the answer is true.

        Raises:
            Refused: A pool would not take it.
        """
        texts = []

        def kept(found):
            texts.append(found[0])
            return f"{'n' if found[0].startswith('[') else 't'}{len(texts) - 1}@"

        bare = _TOKEN.sub(kept, statement)
        for pattern in _REFUSED:
            if re.search(pattern, bare, re.S):
                raise Refused("42000", "Incorrect syntax near a word that a pool has not.")
        if bare.startswith("EXEC sp_rename "):
            return None, self._renamed(bare, texts)
        asked, bare = self._asked(bare, texts)
        return asked, _MARK.sub(lambda found: self._told(texts[int(found[2])]), self._tsql(bare))

    def _told(self, token):
        if token.startswith("["):
            return self._name('"' + token[1:-1].replace("]]", "]").replace('"', '""') + '"', True)
        return token.removeprefix("N")

    def _asked(self, bare, texts):
        """What stands after IF."""

        def text(number):
            return texts[int(number)].removeprefix("N")[1:-1].replace("''", "'")

        if found := re.fullmatch(r"IF SCHEMA_ID\(t(\d+)@\) IS NULL EXEC \(t(\d+)@\)", bare):
            _, made = self.tsql(text(found[2]))
            texts.append(f"[{text(found[1])}]")
            name = self._told(texts[-1]).strip('"').replace("'", "''")
            texts.append(made)
            return f"SELECT NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '{name}')", made
        if found := re.match(r"IF OBJECT_ID\(t(\d+)@\) IS (NOT )?NULL ", bare):
            _, name = self.tsql(text(found[1]))
            name = name.replace("'", "''")
            return f"SELECT to_regclass('{name}') IS {found[2] or ''}NULL", bare[found.end() :]
        if found := re.match(_NO_COLUMN, bare):
            _, table = self.tsql(text(found[1]))
            name = self._told(f"[{text(found[2]).replace(']', ']]')}]").strip('"').replace('""', '"').replace("'", "''")
            table = table.replace("'", "''")
            there = f"attrelid = '{table}'::regclass AND attname = '{name}' AND NOT attisdropped"
            return f"SELECT NOT EXISTS (SELECT FROM pg_attribute WHERE {there})", bare[found.end() :]
        return None, bare

    def _renamed(self, bare, texts):
        """Columns that get another name."""
        made = []
        for name, new in re.findall(r"EXEC sp_rename t(\d+)@, t(\d+)@, t\d+@(?:; |$)", bare):
            _, quoted = self.tsql(texts[int(name)].removeprefix("N")[1:-1].replace("''", "'"))
            table, column = re.fullmatch(r"(\".*\"\.\".*\")\.(\".*\")", quoted).groups()
            given = texts[int(new)].removeprefix("N")[1:-1].replace("''", "'")
            made.append(f"ALTER TABLE {table} RENAME COLUMN {column} TO {self._told(f'[{given}]')}")
        return "; ".join(made)

    def _tsql(self, bare):
        bare = re.sub(_LAYOUT, "", bare)
        bare = re.sub(r"\bSELECT TOP 1 (.*)$", r"SELECT \1 LIMIT 1", bare)
        bare = re.sub(r"\b(ALTER TABLE \S+ ADD) ", r"\1 COLUMN ", bare)
        bare = re.sub(r"\bIF @@TRANCOUNT > 0 ROLLBACK TRANSACTION", "ROLLBACK", bare)
        bare = re.sub(r"\b(BEGIN|COMMIT) TRANSACTION", r"\1", bare)
        bare = re.sub(
            r"CAST\(DATABASEPROPERTYEX\(DB_NAME\(\), t\d+@\) AS nvarchar\(64\)\)", "'DataWarehouse'::text", bare
        )
        bare = re.sub(r"\bINFORMATION_SCHEMA\.COLUMNS\b", "stand_in.columns", bare)
        bare = re.sub(r"\bDATALENGTH\(", "stand_in.datalength(", bare)
        bare = re.sub(r"\bLEN\(", "char_length(", bare)
        bare = self._hashed(bare)
        bare = re.sub(r"^(ALTER TABLE \S+ ALTER COLUMN) (\S+) (.*?) NULL$", r"\1 \2 TYPE \3 USING \2::\3", bare)
        bare = re.sub(r"\bCONVERT\(nvarchar\(64\), (.*?), 3\)", r"CAST(\1 AS nvarchar(64))", bare)
        bare = re.sub(r"\bROUND\(", "stand_in.rounded(", bare)
        bare = re.sub(r"\bheld = ([01])$", r"held = (\1 = 1)", bare)
        for there, here in _TYPES:
            bare = re.sub(there, here, bare)
        while found := re.search(r"\bTRY_CAST\(", bare):
            within, end = inside(bare, found.end())
            value, _, kind = within.rpartition(" AS ")
            typed = f"stand_in.try_cast(({value})::text, pg_typeof({value})::text, '{kind}', NULL::{kind})::{kind}"
            bare = bare[: found.start()] + typed + bare[end:]
        return bare

    def _hashed(self, bare):
        """The MD5 of texts in UTF-8; that of texts as they lie there would be one of pairs of bytes."""
        while found := re.search(r"\bCONVERT\(bigint, CONVERT\(binary\(4\), ", bare):
            outer, end = inside(bare, found.start() + len("CONVERT("))
            value, _ = inside(outer, len("bigint, CONVERT("))
            bare = f"{bare[: found.start()]}stand_in.first_four({value.removeprefix('binary(4), ')}){bare[end:]}"
        bare = re.sub(r"\bHASHBYTES\(", "stand_in.hashbytes(", bare)
        while found := re.search(r"\bCONVERT\(varchar\(max\), ", bare):
            value, end = inside(bare, found.start() + len("CONVERT("))
            text = value.removeprefix("varchar(max), ").removesuffix(" COLLATE Latin1_General_100_BIN2_UTF8")
            if text == value.removeprefix("varchar(max), "):
                raise Refused("42000", "a text in the pages of the pool's own collation")
            bare = f"{bare[: found.start()]}({text}){bare[end:]}"
        bare = bare.replace("nvarchar(max)", "text")
        return re.sub(r"\bNCHAR\(", "chr(", bare)


class Cursor:
    """What the sync uses of a driver's cursor."""

    def __init__(self, connection):
        self.connection, self.told, self.rowcount = connection, None, -1

    def execute(self, statement):
        self.connection.tell(self, statement)
        return self

    def fetchall(self):
        long = self.connection.pool.words.long
        return [
            tuple(long.get(cell.encode(), cell.encode()).decode() if isinstance(cell, str) else cell for cell in row)
            for row in self.told.fetchall()
        ]

    def close(self):
        if self.told is not None:
            self.told.close()


class Connection:
    """What the sync uses of a driver's connection; `timeout` is in seconds, for each statement."""

    def __init__(self, pool, settings):
        self.pool, self.timeout, self.waits = pool, 0, 0
        given = {"user": settings.username, "password": settings.password.get_secret_value()}
        try:
            self.opened = psycopg.connect(
                host=settings.server,
                port=settings.port,
                dbname=settings.database,
                autocommit=True,
                application_name="profiles-sync",
                connect_timeout=5,
                **given,
            )
        except psycopg.OperationalError as error:
            said = str(error)
            if "authentication" in said:
                raise ProgrammingError(
                    "Invalid authorization", f"Login failed for user '{settings.username}'."
                ) from None
            if "does not exist" in said:
                raise ProgrammingError("Invalid", f'Cannot open database "{settings.database}".') from None
            raise OperationalError("Client unable to establish connection", "TCP Provider: Error code 0x2749") from None

    def cursor(self):
        return Cursor(self)

    def close(self):
        self.opened.close()

    def tell(self, cursor, statement):
        statement, label = self._labelled(statement)
        if label:
            self.pool.labels.append(label)
        try:
            if copy := re.fullmatch(r"COPY INTO (\S+) FROM '(https://[^']+)' WITH \((.*)\)", statement):
                self._copy(*copy.groups())
                return
            asked, told = self.pool.words.tsql(statement)
            if self._within() and re.match("CREATE|DROP|ALTER", told):
                raise Refused("42000", "DDL in a transaction is not supported.")
            if self.timeout != self.waits:
                self.opened.execute(f"SET statement_timeout = {int(self.timeout * 1000)}")
                self.waits = self.timeout
            if asked is None or self.opened.execute(asked).fetchone()[0]:
                cursor.told = self.opened.execute(told)
                cursor.rowcount = cursor.told.rowcount if cursor.told.description is None else -1
        except Refused as refused:
            raise ProgrammingError("Syntax error or access violation", _said(refused.said)) from None
        except psycopg.errors.QueryCanceled:
            raise OperationalError("Timeout expired", _said("Query timeout expired")) from None
        except psycopg.OperationalError:
            raise OperationalError("Communication link failure", _said("TCP Provider: Error code 0x2746")) from None
        except (psycopg.errors.UniqueViolation, psycopg.errors.DuplicateTable, psycopg.errors.DuplicateSchema):
            return  # two at once ask whether it is there; a pool has one of them wait for the other
        except psycopg.Error as error:
            raise ProgrammingError("Syntax error or access violation", _said(str(error).splitlines()[0])) from None

    def _labelled(self, statement):
        """Without its label, or its comment, which Postgres cannot have behind a statement that is one of several."""
        label = _LABEL.search(statement)
        return _LABEL.sub("", re.sub(r" /\*[^*]*\*/$", "", statement)), label and label[1].replace("''", "'")

    def _within(self):
        return self.opened.info.transaction_status != psycopg.pq.TransactionStatus.IDLE

    def _copy(self, table, url, options):
        if options != "FILE_TYPE = 'PARQUET', CREDENTIAL = (IDENTITY = 'Managed Identity')":
            raise Refused("42000", "a credential that is not the pool's own")
        rows = self.pool.parquet(url)
        _, quoted = self.pool.words.tsql(table)
        columns = self.opened.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            f"WHERE attrelid = '{quoted}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        ).fetchall()
        if len(columns) != rows.num_columns:
            raise Refused("42000", "the columns of table and file differ in number")
        for (_, kind), column in zip(columns, rows.columns, strict=True):
            _check(column, kind)
        sink = pa.BufferOutputStream()
        pyarrow.csv.write_csv(rows, sink, pyarrow.csv.WriteOptions(include_header=False))
        with self.opened.cursor() as cursor, cursor.copy(f"COPY {quoted} FROM STDIN (FORMAT csv)") as copy:
            copy.write(sink.getvalue().to_pybytes())


def _said(text):
    return f"[Microsoft][ODBC Driver 18 for SQL Server][SQL Server]{text}"


def _check(column, kind):
    family = kind.partition("(")[0]
    if family == "character varying":
        longest = max((len(text.encode("utf-16-le")) // 2 for text in column.to_pylist() if text), default=0)
        if column.type != pa.string() or longest > int(kind.split("(")[1][:-1]):
            raise Refused("42000", "String or binary data would be truncated")
    elif not (pa.types.is_timestamp(column.type) if family.startswith("timestamp") else column.type == _ARROW[family]):
        raise Refused("42000", f"the file has {column.type}, the table {kind}")


class Pool:
    """The stand-in: who connects to it comes to a Postgres, and its container is a folder."""

    def __init__(self, server, folder):
        self.server, self.folder, self.words, self.labels = server, folder, Words(), []

    def connect(self, settings):
        return Connection(self, settings)

    def parquet(self, url):
        """The rows of all files that a URL means."""
        prefix = "https://staging.dfs.core.windows.net/rows/"
        if not url.startswith(prefix) or not url.endswith("/*.parquet"):
            raise Refused("42000", "no such location")
        files = sorted((self.folder / url.removeprefix(prefix)).parent.glob("*.parquet"))
        if not files:
            raise Refused("42000", "no file at the location")
        return pa.concat_tables(of_parquet(file.read_bytes()) for file in files)
