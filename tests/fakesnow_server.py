"""The stand-in for Snowflake as the tests start it, in its own environment; nothing of the product is imported here.

    .venv-fakesnow/bin/python tests/fakesnow_server.py PORT

Put right here, where fakesnow and Snowflake differ:
- An error of the engine beneath is an answer with its text, and not a fault of the server, which clients repeat.
- MERGE works in a transaction; the rows it compares lie in the database that it changes, not in a temporary one.
- A time that is NULL is NULL in an answer, and not 1970.
- What the connector for Spark says is understood, see `fakesnow_spark`.
- Who updates a row that another transaction has updated waits for its end, up to ten seconds.
- TO_NUMBER reads hexadecimal digits, as many as its format has.
POST /cut-off ends every session at once.
"""

import importlib
import sys
import time
import uuid

import duckdb
import fakesnow_spark
import pyarrow as pa
import pyarrow.compute as pc
import snowflake.connector.errors
import uvicorn
from fakesnow import arrow, transforms
from fakesnow.cursor import FakeSnowflakeCursor
from sqlglot import exp
from starlette.responses import JSONResponse
from starlette.routing import Route

_TRIES = 200
server = importlib.import_module("fakesnow.server")  # the package has a function of that name too


def told(execute):
    def run(self, *given, **named):
        try:
            return waiting(execute, self, *given, **named)
        except duckdb.Error as error:
            said = f"{type(error).__name__}: {error}"
            raise snowflake.connector.errors.ProgrammingError(msg=said, errno=100132, sqlstate="P0000") from error

    return run


def waiting(execute, *given, **named):
    for _ in range(_TRIES):
        try:
            return execute(*given, **named)
        except duckdb.TransactionException as error:
            if "Conflict on update" not in str(error):
                raise
            time.sleep(0.05)
    return execute(*given, **named)


def in_one_database(merge):
    def parts(expression):
        made, name = merge(expression), f"merge_candidates_{uuid.uuid4().hex}"
        if not isinstance(expression, exp.Merge):
            return made
        for one in made:
            one.set("properties", None)
            for table in one.find_all(exp.Table):
                if table.name.lower() == "merge_candidates":
                    table.set("this", exp.to_identifier(name, quoted=True))
                    table.set("db", exp.to_identifier("_fs_information_schema", quoted=True))
        return made

    return parts


def hexadecimal(to_decimal):
    def number(expression):
        told = expression.args.get("format") if isinstance(expression, exp.ToNumber) else None
        if told is None or not told.is_string or set(told.this) != {"X"}:
            return to_decimal(expression)
        digits = exp.DPipe(this=exp.Literal.string("0x"), expression=expression.this)
        return exp.cast(exp.cast(digits, "BIGINT"), "DECIMAL(38, 0)")

    return number


def with_nulls(struct):
    def made(times):
        whole = times.combine_chunks() if isinstance(times, pa.ChunkedArray) else times
        filled = struct(pc.fill_null(whole, 0))
        return pa.StructArray.from_arrays(filled.flatten(), fields=list(filled.type), mask=pc.is_null(whole))

    return made


async def cut_off(request):
    server.sessions.clear()
    return JSONResponse({"success": True})


if __name__ == "__main__":
    FakeSnowflakeCursor.execute = told(fakesnow_spark.spoken(FakeSnowflakeCursor.execute))
    transforms.put_stage = fakesnow_spark.unencrypted(transforms.put_stage)
    transforms.merge = in_one_database(transforms.merge)
    transforms.to_decimal = hexadecimal(transforms.to_decimal)
    arrow.timestamp_to_sf_struct = with_nulls(arrow.timestamp_to_sf_struct)
    server.app.router.routes.append(Route("/cut-off", cut_off, methods=["POST"]))
    uvicorn.run(server.app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
