"""A stand-in for a Redshift cluster: its wire protocol and its rules in front of a real Postgres and an S3 server.

It takes what redshift_connector says at the start, spells Redshift's statements as Postgres does, loads Parquet files
out of S3 in the session and transaction that asks for it, and refuses what Redshift refuses where Postgres is laxer.
"""

import hashlib
import json
import re
import select
import socket
import struct
import threading
from contextlib import contextmanager, suppress

import boto3
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from botocore.config import Config

VERSION = "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017, Redshift 1.0.112233"
ROLE = "arn:aws:iam::123456789012:role/loader"
_SSL, _GSS, _CANCEL, _PROTOCOL = 80877103, 80877104, 80877102, 196608
_DRIVERS = ("client_protocol_version", "driver_version", "os_version", "driver_discovery_version")
_TOKEN = re.compile(r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"]|\"\")*\"")
_LONG = re.compile(rb"~[0-9a-f]{40}")
_LONGEST_HERE = 63
_SYSTEM = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")  # columns that every table of Postgres has

# What Redshift's grammar has not, outside of texts and names.
_REFUSED = (
    r"ADD COLUMN IF NOT EXISTS",
    r"ADD COLUMN [^;]*, *ADD ",
    r"\bON CONFLICT\b",
    r"WHEN (NOT )?MATCHED AND\b",
    r"MERGE INTO \S+ (AS )?(?!USING\b)\w+ ",
    r"MERGE INTO \S+ USING \(",
    r"MERGE INTO (?!.*WHEN MATCHED .*WHEN NOT MATCHED )",
    r"\bCREATE (UNIQUE )?INDEX\b",
    r"\bDISTINCT ON\b",
    r"\bSAVEPOINT\b|\bROLLBACK TO\b",
    r"\bON COMMIT\b",
    r"\bUNLOGGED\b",
    r"\bRETURNING\b",
    r"\bpg_(try_)?advisory",
    r"^DO\b|\bplpgsql\b",
    r"\bjsonb?\b|\buuid\b|\[\]",
    r"\bFILTER *\(",
    r"\bLATERAL\b",
    r"\bCREATE TABLE\b.*\btext\b *[,)]",  # TEXT is VARCHAR(256)
    r"\bIS NOT DISTINCT FROM\b",
    r"\bNOWAIT\b|\bSKIP LOCKED\b",
    r"\bALTER COLUMN\b(?!.* TYPE character varying\(\d+\)$)",
    r"\bRENAME COLUMN\b.*,",
)
_LONGER = re.compile(r"ALTER TABLE (\S+) ALTER COLUMN (\S+) TYPE character varying\((\d+)\)")
_LAYOUT = r"\bDISTSTYLE \w+|\bDISTKEY *\(\s*\S+\s*\)|\b(COMPOUND )?SORTKEY *\([^)]*\)"
_COPY = re.compile(
    r"COPY (\S+) FROM '(s3://[^']+)' IAM_ROLE ('arn:aws:iam::\d{12}:role/[^']+'|default) FORMAT AS PARQUET"
)
_ELSEWHERE = re.compile(r'SELECT \* FROM ("(?:[^"]|"")+")\.(".+"\.".+")')
_SCHEMAS = re.compile(r'SHOW SCHEMAS FROM DATABASE ("(?:[^"]|"")+")')
_LISTED = "SELECT nspname AS schema_name FROM pg_namespace WHERE has_schema_privilege(oid, 'USAGE')"
_ARROW = {
    pa.string(): "character varying",
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.bool_(): "boolean",
    pa.timestamp("us"): "timestamp without time zone",
}
# From what to what TRY_CAST may: the documentation's list, as far as these types go.
_FROM = {
    "boolean": "smallint integer bigint",
    "smallint": "boolean integer bigint numeric real double text varchar bpchar",
    "integer": "boolean smallint bigint numeric real double text varchar bpchar integer",
    "bigint": "boolean smallint integer numeric real double text varchar bpchar bigint",
    "numeric": "smallint integer bigint real double text varchar bpchar numeric",
    "double": "smallint integer bigint numeric real text varchar bpchar double",
    "varchar": "smallint integer bigint numeric real double text bpchar timestamp timestamptz date time timetz varchar",
    "text": "smallint integer bigint numeric real double varchar bpchar timestamp timestamptz date time timetz",
    "timestamp": "text varchar bpchar timestamptz date time timestamp",
}
_TRY_CAST = """
CREATE SCHEMA IF NOT EXISTS stand_in;
GRANT USAGE ON SCHEMA stand_in TO PUBLIC;
CREATE OR REPLACE FUNCTION stand_in.try_cast(value text, given text, kept text, kind anyelement) RETURNS anyelement
LANGUAGE plpgsql STABLE AS $$
DECLARE
    made kind%TYPE;
    may jsonb := '{allowed}';
    wanted text := stand_in.short(pg_typeof(kind)::text);
BEGIN
    IF NOT coalesce(may->stand_in.short(given) ? wanted, false) THEN
        RAISE EXCEPTION 'cannot cast type % to %', given, wanted USING ERRCODE = '42846';
    END IF;
    IF btrim(value) = '' THEN
        RAISE EXCEPTION 'a blank text' USING ERRCODE = '22018';
    END IF;
    EXECUTE format('SELECT %L::%s', value, kept) INTO made;
    RETURN made;
EXCEPTION WHEN numeric_value_out_of_range OR invalid_text_representation OR invalid_datetime_format
    OR datetime_field_overflow OR string_data_right_truncation THEN
    RETURN NULL;
END $$;
"""
_SHORT = """
CREATE SCHEMA IF NOT EXISTS stand_in;
CREATE OR REPLACE FUNCTION stand_in.short(kind text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE split_part(kind, '(', 1)
        WHEN 'character varying' THEN 'varchar' WHEN 'character' THEN 'bpchar' WHEN 'double precision' THEN 'double'
        WHEN 'timestamp without time zone' THEN 'timestamp' WHEN 'timestamp with time zone' THEN 'timestamptz'
        WHEN 'time without time zone' THEN 'time' ELSE split_part(kind, '(', 1) END
$$;
"""


_STRTOL = """
CREATE OR REPLACE FUNCTION stand_in.strtol(digits text, base int) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT ('x' || lpad(digits, 16, '0'))::bit(64)::bigint WHERE base = 16
$$;
"""


def prepare(server, database, may=None):
    """What the stand-in needs in a database of the Postgres behind it; `may` is from what to what TRY_CAST may."""
    allowed = json.dumps({given: made.split() for given, made in (may or _FROM).items()})
    server.admin(_SHORT, database)
    server.admin(_STRTOL, database)
    server.admin(_TRY_CAST.replace("{allowed}", allowed), database)


_TAG = re.compile(r" /\*[^*]*\*/$")


class Refused(Exception):
    """What the stand-in says no to: SQLSTATE and text."""

    def __init__(self, state, said):
        super().__init__(said)
        self.state, self.said = state, said


class Spelling:
    """Redshift's statements as Postgres's; remembers names that Postgres cannot have."""

    longest = 127

    def __init__(self):
        self.long, self.version = {}, VERSION

    def of(self, statement, strict=True):
        """A statement as Postgres takes it.

        Raises:
            Refused: Redshift would not take it.
        """
        texts = []

        def kept(found):
            token = found[0]
            texts.append(self._name(token, strict) if token.startswith('"') else token)
            return f'"{len(texts) - 1}"' if token.startswith('"') else f"'{len(texts) - 1}'"

        bare = _TOKEN.sub(kept, statement)
        if strict:
            bare = self._spelt(bare)

        def whole(found):
            return texts[int(found[0][1:-1])]

        return re.sub(r"\"\d+\"|'\d+'", whole, bare)

    def _name(self, token, strict):
        name = token[1:-1].replace('""', '"')
        if strict:
            name = name.lower()
        if len(name.encode()) > self.longest:
            raise Refused("42622", "identifier is too long")
        if len(name.encode()) > _LONGEST_HERE or name in _SYSTEM:
            short = f"~{hashlib.sha1(name.encode()).hexdigest()}"
            self.long[short.encode()] = name.encode()
            name = short
        return '"' + name.replace('"', '""') + '"'

    def _spelt(self, bare):
        for pattern in _REFUSED:
            if re.search(pattern, bare, re.S):
                raise Refused("42601", "syntax error")
        bare = re.sub(_LAYOUT, "", bare)
        if longer := _LONGER.fullmatch(bare):
            return self._longer(*longer.groups())
        bare = re.sub(r"(\"\d+\") character varying\((\d+)\)", _checked, bare)
        bare = re.sub(r"\bSET query_group TO", "SET redshift.query_group TO", bare)
        bare = re.sub(r"\bversion\(\)", f"'{self.version}'::text", bare)
        bare = re.sub(r"\bSTRTOL\(", "stand_in.strtol(", bare)
        while found := re.search(r"\bTRY_CAST\(", bare):
            inner, end = inside(bare, found.end())
            value, _, kind = inner.rpartition(" AS ")
            typed = f"stand_in.try_cast(({value})::text, pg_typeof({value})::text, '{kind}', NULL::{kind})::{kind}"
            bare = bare[: found.start()] + typed + bare[end:]
        return bare

    def _longer(self, table, column, width):
        """The one type that Redshift alters; Postgres measures it by a check of the column's."""
        checked = _checked(re.fullmatch(r"(.+) character varying\((\d+)\)", f"{column} character varying({width})"))
        longer = f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {column}, ALTER COLUMN {column} TYPE "
        return f"{longer}character varying({width}), ADD {checked[checked.index('CONSTRAINT') :]}"

    def told(self, data):
        """A row with names as long as they were given."""
        if not _LONG.search(data):
            return data
        (count,), at, made = struct.unpack_from("!h", data), 2, [data[:2]]
        for _ in range(count):
            (size,) = struct.unpack_from("!i", data, at)
            value = data[at + 4 : at + 4 + max(size, 0)]
            at += 4 + max(size, 0)
            value = self.long.get(value, value)
            made.append(struct.pack("!i", -1 if size < 0 else len(value)) + value)
        return b"".join(made)


def _checked(found):
    """Postgres counts characters."""
    name, width = found.groups()
    if int(width) > 65535:
        raise Refused("22023", f"length for type varchar cannot exceed 65535, got {width}")
    return f"{name} character varying({width}) CONSTRAINT {name} CHECK (octet_length({name}) <= {width})"


def inside(text, start):
    """What stands between a bracket and its partner, and where it ends."""
    depth, at = 1, start
    while depth:
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return text[start : at - 1], at


class Caller(threading.Thread):
    """One session: what a client says, in turns with what Postgres answers."""

    def __init__(self, cluster, client):
        super().__init__(daemon=True)
        self.cluster, self.client, self.backend = cluster, client, None
        self.strict, self.user = False, ""
        self.skipping = False
        self.state = b"I"

    def run(self):
        with suppress(OSError, EOFError):
            if self._start():
                while self._turn():
                    pass
        self.end()

    def end(self):
        for one in (self.client, self.backend):
            if one is not None:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()

    def _start(self):
        while True:
            size, code = struct.unpack("!ii", _exactly(self.client, 8))
            body = _exactly(self.client, size - 8)
            if code in (_SSL, _GSS):
                self.client.sendall(b"N")
                continue
            if code == _CANCEL:
                return False
            break
        pairs = body.rstrip(b"\0").split(b"\0")
        given = dict(zip(pairs[::2], pairs[1::2], strict=True))
        self.strict, self.user = _DRIVERS[0].encode() in given, given[b"user"].decode()
        for name in _DRIVERS:
            given.pop(name.encode(), None)
        if self.strict:
            given |= {b"standard_conforming_strings": b"off", b"escape_string_warning": b"off"}
            given |= {b"client_connection_check_interval": b"1000"}
        body = b"".join(part + b"\0" for pair in given.items() for part in pair) + b"\0"
        self.backend = socket.create_connection(("127.0.0.1", self.cluster.server.port))
        self.backend.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.backend.sendall(struct.pack("!ii", len(body) + 8, _PROTOCOL) + body)
        return self._answer()

    def _turn(self):
        """Take messages until the client waits for an answer."""
        while True:
            kind, data = _message(self.client)
            if kind == b"X":
                return False
            if self.skipping:
                if kind == b"S":
                    self.skipping = False
                    self._say(b"Z", self.state)
                    return True
                continue
            try:
                data = self._spelt(kind, data)
            except Refused as refused:
                self._refuse(refused)
                if kind == b"Q":
                    self._say(b"Z", self.state)
                    return True
                self.skipping = True
                continue
            self.backend.sendall(kind + struct.pack("!i", len(data) + 4) + data)
            if kind in (b"S", b"Q", b"p"):
                return self._answer()

    def _spelt(self, kind, data):
        if kind not in (b"P", b"Q"):
            return data
        name, rest = data.split(b"\0", 1) if kind == b"P" else (None, data)
        statement, rest = rest.split(b"\0", 1)
        text = statement.decode()
        if self.strict and (copy := _COPY.fullmatch(_TAG.sub("", text))):
            self._copy(*copy.groups())
            text = "SELECT 1 WHERE false"
        elif self.strict and (found := _ELSEWHERE.match(text)):
            text = self._elsewhere(found[1], f"SELECT * FROM {text[found.start(2) :]}")
        elif self.strict and (found := _SCHEMAS.fullmatch(text)):
            text = self._elsewhere(found[1], _LISTED)
        elif self.strict and self.state == b"T" and "ALTER COLUMN" in text:
            raise Refused("25001", "ALTER TABLE ALTER COLUMN cannot run inside a transaction block")
        elif self.strict and text.startswith("COPY"):
            raise Refused("42601", "syntax error")
        spelt = self.cluster.spelling.of(text, self.strict).encode()
        return (b"" if name is None else name + b"\0") + spelt + b"\0" + rest

    def _elsewhere(self, database, query):
        """A query that has the rows of one in another database of the cluster, which the same user may read."""
        import psycopg

        try:
            with self.cluster.server.connect(database[1:-1].replace('""', '"')) as opened:
                opened.execute(
                    psycopg.sql.SQL("SET SESSION AUTHORIZATION {}").format(psycopg.sql.Identifier(self.user))
                )
                cursor = opened.execute(query)
                names, rows = [column.name for column in cursor.description], cursor.fetchall()
        except psycopg.Error as error:
            raise Refused(error.sqlstate or "XX000", str(error).splitlines()[0]) from None
        texts = [[None if value is None else str(value) for value in row] for row in rows]
        quoted = [[psycopg.sql.quote(value) + "::varchar" for value in row] for row in [*texts, [""] * len(names)]]
        values = ", ".join(f"({', '.join(row)})" for row in quoted)
        columns = ", ".join('"' + name + '"' for name in names)
        return f"SELECT * FROM (VALUES {values}) AS found ({columns}) LIMIT {len(rows)}"

    def _answer(self):
        """Pass on what Postgres says until it waits; whoever hangs up meanwhile ends the session."""
        while True:
            ready, _, _ = select.select([self.client, self.backend], [], [])
            if self.client in ready and not self.client.recv(1, socket.MSG_PEEK):
                return False
            if self.backend not in ready:
                continue
            kind, data = _message(self.backend)
            if kind == b"D":
                data = self.cluster.spelling.told(data)
            if kind == b"R" and data[:4] == struct.pack("!i", 10) and self.strict:
                data = data[:-1]  # the driver takes the end of the list for a further name
            if kind == b"S" and data.startswith(b"server_version\0") and self.strict:
                data = b"server_version\x008.0.2\0"
            self._say(kind, data)
            if kind == b"Z":
                self.state = data
                return True
            if kind == b"R" and data[:4] in (struct.pack("!i", code) for code in (3, 5, 10, 11)):
                kind, data = _message(self.client)
                self.backend.sendall(kind + struct.pack("!i", len(data) + 4) + data)

    def _say(self, kind, data):
        self.client.sendall(kind + struct.pack("!i", len(data) + 4) + data)

    def _refuse(self, refused):
        if self.state == b"T":
            with suppress(Refused):
                self._ask("SELECT 1/0")  # the transaction is spoilt
        fields = {b"S": b"ERROR", b"C": refused.state.encode(), b"M": refused.said.encode()}
        self._say(b"E", b"".join(key + value + b"\0" for key, value in fields.items()) + b"\0")

    def _ask(self, statement, content=None):
        """Run a statement of the stand-in's own in the session; rows as texts."""
        body = statement.encode() + b"\0"
        self.backend.sendall(b"Q" + struct.pack("!i", len(body) + 4) + body)
        rows, refused = [], None
        while True:
            kind, data = _message(self.backend)
            if kind == b"G":
                for first in range(0, len(content), 1_000_000):
                    piece = content[first : first + 1_000_000]
                    self.backend.sendall(b"d" + struct.pack("!i", len(piece) + 4) + piece)
                self.backend.sendall(b"c" + struct.pack("!i", 4))
            elif kind == b"D":
                rows.append(_texts(data))
            elif kind == b"E":
                fields = {field[:1]: field[1:].decode() for field in data.split(b"\0") if field}
                refused = Refused(fields[b"C"], fields[b"M"])
            elif kind == b"Z":
                self.state = data
                if refused:
                    raise refused
                return rows

    def _copy(self, table, url, role):
        """Load Parquet files as COPY does: by position, types as they are, texts by their bytes."""
        if role.strip("'") != ROLE:
            raise Refused("XX000", "the role is not attached to the cluster")
        rows = self.cluster.parquet(url)
        quoted = self.cluster.spelling.of(table)
        columns = self._ask(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            f"WHERE attrelid = '{quoted}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        if len(columns) != rows.num_columns:
            raise Refused("XX000", "the columns of table and file differ in number")
        for (_, kind), column in zip(columns, rows.columns, strict=True):
            _check(column, kind)
        sink = pa.BufferOutputStream()
        pyarrow.csv.write_csv(rows, sink, pyarrow.csv.WriteOptions(include_header=False))
        self._ask(f"COPY {quoted} FROM STDIN (FORMAT csv)", memoryview(sink.getvalue()))


def of_parquet(content):
    """The rows of a file, whose times have to be in the one form that COPY is known to read."""
    file = pq.ParquetFile(pa.BufferReader(content), coerce_int96_timestamp_unit="us")
    columns = [file.schema.column(number) for number in range(len(file.schema))]
    if any("timestamp" in str(column.logical_type).lower() for column in columns):
        raise Refused("XX000", "Spectrum Scan Error: a time that is not INT96")
    return file.read()


def _check(column, kind):
    if _ARROW.get(column.type) != kind.split("(")[0]:
        raise Refused("XX000", f"Spectrum Scan Error: the file has {column.type}, the table {kind}")
    if sized := re.search(r"\((\d+)\)", kind):
        longest = pc.max(pc.binary_length(column)).as_py() or 0
        if longest > int(sized[1]):
            raise Refused("XX000", "Spectrum Scan Error: the length of the data column is longer than the table's")


def _texts(data):
    (count,), at, values = struct.unpack_from("!h", data), 2, []
    for _ in range(count):
        (size,) = struct.unpack_from("!i", data, at)
        values.append(data[at + 4 : at + 4 + size].decode() if size >= 0 else None)
        at += 4 + max(size, 0)
    return values


def _exactly(source, size):
    parts, left = [], size
    while left:
        if not (part := source.recv(min(left, 1 << 20))):
            raise EOFError
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _message(source):
    kind, size = struct.unpack("!ci", _exactly(source, 5))
    return kind, _exactly(source, size - 4)


class Cluster:
    """The stand-in: listens on loopback, in front of `tests.servers.Postgres` and the S3 server of `tests.stores`."""

    def __init__(self, server, s3):
        self.server, self.s3, self.spelling = server, s3, Spelling()
        self.port, self.callers, self.listening = 0, [], None
        self.client = boto3.client(
            "s3",
            endpoint_url=s3["AWS_ENDPOINT_URL"],
            aws_access_key_id=s3["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=s3["AWS_SECRET_ACCESS_KEY"],
            region_name=s3["AWS_REGION"],
            config=Config(connect_timeout=5, read_timeout=10),
        )

    def start(self):
        self.listening = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._listen, args=[self.listening], daemon=True).start()

    def stop(self):
        """Nobody listens any more, and everybody is cut off."""
        with suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.cut_off()

    def cut_off(self):
        for caller in self.callers:
            caller.end()
        self.callers.clear()

    def _listen(self, listening):
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                caller = Caller(self, client)
                self.callers.append(caller)
                caller.start()

    def keys(self, bucket):
        return [one["Key"] for one in self.client.list_objects_v2(Bucket=bucket).get("Contents", ())]

    def parquet(self, url):
        """The rows of all files whose names begin so."""
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        try:
            found = self.client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
        except self.client.exceptions.NoSuchBucket:
            raise Refused("XX000", "the S3 bucket does not exist") from None
        if not found:
            raise Refused("XX000", "the specified S3 prefix does not exist")
        files = (self.client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in found)
        return pa.concat_tables(map(of_parquet, files))

    def connect(self, database):
        """As the owner of what is behind it, by another driver; names may be as long as Redshift's."""
        import psycopg

        from tests.servers import PASSWORD

        where = f"host=127.0.0.1 port={self.port} user=postgres password={PASSWORD} dbname={database}"
        return psycopg.connect(where, autocommit=True)


@contextmanager
def redshift(server, s3):
    """A started stand-in, gone afterwards."""
    cluster = Cluster(server, s3)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()
