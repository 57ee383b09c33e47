"""The BigQuery stand-in, with what it lacks of what the sync needs: `python bigquery_standin.py PORT FOLDER [STREAMS]`.

Spark's connector writes to the port STREAMS by TLS, for it speaks nothing else; `key.pem` and `cert.pem` lie beside
the folder. A bucket of Cloud Storage is a folder of `buckets` there.

It runs in an environment of its own, where bqemulator is. What is added here behaves as BigQuery's documentation says:

- a transaction goes on over the jobs of a session, may change 100 tables, takes no statement that makes a table, and
  cancels whoever changes rows of a table that another transaction has changed, and is taken back when it is not ended;
- `CALL BQ.ABORT_SESSION`, which takes back what the session's transaction did;
- `If-Match` on a table, which bqemulator says it knows and does not look at;
- several columns in one ALTER TABLE, and what it changed as the catalog tells it;
- how many bytes a load job wrote, which Spark's connector reads, and nobody else;
- a request of a stream that goes on names no stream again;
- the names of types that the REST interface has, which are those of legacy SQL; Spark's connector knows no others;
- INFORMATION_SCHEMA.COLUMNS, of which bqemulator makes a statement of as many literals as there are columns: seconds
  for a few tables, minutes for thousands. It is the same here in one literal, with the columns that a sync asks for.
"""

import json
import re
import sys
from contextvars import ContextVar
from pathlib import Path

import grpc.aio
from bqemulator import server
from bqemulator.api.routes import jobs
from bqemulator.catalog import ddl_sync
from bqemulator.config import LogLevel, PersistenceMode, Settings
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.grpc_api.write_servicer import BigQueryWriteHandler
from bqemulator.scripting.interpreter import ScriptInterpreter, _dml_targets
from bqemulator.sql.rewriter import information_schema
from fastapi import Request
from fastapi.responses import JSONResponse

MOST_TABLES = 100
JOURNAL = Path(sys.argv[2]).parent / "open-transactions.json"
_SESSION = ContextVar("session", default=None)
_ABORT = re.compile(r"CALL BQ\.ABORT_SESSION\((?:'([^']*)')?\)", re.I)
_CONTROL = re.compile(r"(BEGIN|COMMIT|ROLLBACK) TRANSACTION", re.I)
_ALTER = re.compile(r"(ALTER TABLE \S+) ((ADD|RENAME) COLUMN [^;]*)")
_ALTERED = re.compile(r"ALTER TABLE `?(\w+)`?\.`?(\w+)`? ")
_LEGACY = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN"}
_DEFINES = re.compile(r"\s*(CREATE|ALTER|DROP)\b", re.I)

open_sessions = {}  # session to the interpreter that holds its open transaction
execute, validated = jobs.execute_query_job, jobs._validate_session_id


def validate(query_config):
    validated(query_config)
    properties = {one["key"]: one["value"] for one in query_config.get("connectionProperties") or []}
    _SESSION.set(properties.get("session_id"))


async def run(project, job, text, parameters, ctx, **options):
    async def done():
        return await execute(project, job, "SELECT 1", parameters, ctx, **options)

    session = _SESSION.get()
    if aborted := _ABORT.fullmatch(text.strip()):
        await abort(aborted[1] or session)
        return await done()
    if session and (control := _CONTROL.fullmatch(text.strip())):
        await {"BEGIN": begin, "COMMIT": commit, "ROLLBACK": rollback}[control[1].upper()](session, ctx, project)
        return await done()
    await watch(session, text, project)
    for one in one_by_one(text):
        made = await execute(project, job, one, parameters, ctx, **options)
    if altered := _ALTERED.match(text):
        look_again(project, *altered.groups(), ctx)
    return made


def look_again(project, dataset, name, ctx):
    """Without it the catalog has the columns that a table was made with."""
    if table := ctx.catalog.get_table(project, dataset, name):
        columns = ddl_sync._introspect_schema(project, dataset, name, ctx)
        ctx.catalog.update_table(table.model_copy(update={"schema_": columns}))


async def begin(session, ctx, project):
    if session in open_sessions:
        raise InvalidQueryError("Transaction is already in progress")
    open_sessions[session] = ScriptInterpreter(ctx, project)
    open_sessions[session]._active_txn = {}


async def commit(session, ctx, project):
    committed = taken(session)
    note()
    await committed._drop_txn_snapshots()


async def rollback(session, ctx, project):
    await taken(session)._restore_txn_snapshots()
    note()


def taken(session):
    if session not in open_sessions:
        raise InvalidQueryError("There is no active transaction")
    return open_sessions.pop(session)


async def abort(session):
    if session not in jobs._SESSION_CATALOG:
        raise InvalidQueryError(f"Session {session} does not exist or has already been terminated")
    jobs._SESSION_CATALOG.discard(session)
    if session in open_sessions:
        await rollback(session, None, None)


async def watch(session, text, project):
    """Refuse what a transaction does not take; note what it changes, to be able to take that back."""
    targets = set(_dml_targets(text, project))
    mine = open_sessions.get(session)
    if not text.startswith("INSERT"):
        others = {table for one in open_sessions.values() if one is not mine for table in one._active_txn}
        if targets & others:
            raise InvalidQueryError("Transaction is aborted due to concurrent update against table")
    if mine is None:
        return
    if _DEFINES.match(text):
        raise InvalidQueryError("DDL is not supported in a transaction")
    await mine._snapshot_dml_targets(text)
    note()
    if len(mine._active_txn) > MOST_TABLES:
        raise InvalidQueryError(f"A transaction may not mutate more than {MOST_TABLES} tables")


def note():
    """Write down how each table was before the open transactions, for a server that goes down before they end."""
    JOURNAL.write_text(json.dumps([pair for one in open_sessions.values() for pair in one._active_txn.items()]))


def take_back(engine):
    """What no transaction ended before the server went down has never been."""
    for table, backup in json.loads(JOURNAL.read_text()) if JOURNAL.exists() else ():
        engine.execute(f"DELETE FROM {table}")
        engine.execute(f'INSERT INTO {table} SELECT * FROM "{backup}"')
        engine.execute(f'DROP TABLE "{backup}"')
    JOURNAL.unlink(missing_ok=True)


def one_by_one(text):
    """Each column in a statement of its own."""
    if altered := _ALTER.fullmatch(text):
        verb = altered[3]
        return [f"{altered[1]} {verb} {one}" for one in altered[2].removeprefix(f"{verb} ").split(f", {verb} ")]
    return [text]


jobs.execute_query_job, jobs._validate_session_id = run, validate


def columns_of(tables, project, dataset):
    lines = [
        "|".join((table.table_id, field.name, str(number), information_schema._render_data_type(field)))
        for table in tables
        for number, field in enumerate(table.schema_.fields, 1)
    ]
    if not lines:
        return information_schema._empty_columns_values_subquery()
    names = ("table_name", "column_name", "ordinal_position", "data_type")
    parts = [f"SPLIT(line, '|')[OFFSET({n})] AS {name}" for n, name in enumerate(names)]
    parts[2] = parts[2].replace("SPLIT", "CAST(SPLIT").replace(" AS ", " AS INT64) AS ")
    return f"(SELECT {', '.join(parts)}, 'NO' AS is_hidden FROM UNNEST(SPLIT('{';'.join(lines)}', ';')) AS line)"


information_schema._columns_as_values = columns_of
made = server.create_app


def create_app(context):
    take_back(context.engine)
    app = made(context)

    @app.middleware("http")
    async def if_match(request: Request, call_next):
        wanted, parts = request.headers.get("if-match"), request.url.path.split("/")
        if wanted and request.method in ("PATCH", "PUT", "DELETE") and parts[-2] == "tables":
            table = context.catalog.get_table(parts[-5], parts[-3], parts[-1])
            if table is not None and table.etag != wanted:
                error = {"code": 412, "message": "Precondition Failed", "errors": [{"reason": "conditionNotMet"}]}
                return JSONResponse({"error": error}, status_code=412)
        return await call_next(request)

    @app.middleware("http")
    async def as_spark_reads(request: Request, call_next):
        response = await call_next(request)
        kind = request.url.path.split("/")[-2]
        if request.method != "GET" or kind not in ("tables", "jobs") or response.status_code != 200:
            return response
        told = json.loads(b"".join([part async for part in response.body_iterator]))
        for field in told.get("schema", {}).get("fields", []):
            field["type"] = _LEGACY.get(field["type"], field["type"])
        if load := told.get("statistics", {}).get("load"):
            load.setdefault("outputBytes", "0")
        return JSONResponse(told)

    return app


server.create_app = create_app


def add_tls_port(grpc_server, address):
    key, certificate = ((JOURNAL.parent / name).read_bytes() for name in ("key.pem", "cert.pem"))
    return grpc_server.add_secure_port(address, grpc.ssl_server_credentials([(key, certificate)]))


bind = BigQueryWriteHandler._ensure_stream_bound


def bound(handler, name, before, context):
    return before if before and not name else bind(handler, name, before, context)


BigQueryWriteHandler._ensure_stream_bound = bound
if len(sys.argv) > 3:
    grpc.aio._server.Server.add_insecure_port = add_tls_port  # `grpc.aio.Server` is only what it comes from

if __name__ == "__main__":
    settings = Settings(
        rest_host="127.0.0.1",
        rest_port=int(sys.argv[1]),
        grpc_host="127.0.0.1",
        grpc_port=int(sys.argv[3]) if len(sys.argv) > 3 else 0,
        persistence_mode=PersistenceMode.PERSISTENT,
        data_dir=Path(sys.argv[2]),
        gcs_local_root=JOURNAL.parent / "buckets",
        log_level=LogLevel.ERROR,
    )
    server.run_forever(settings)
