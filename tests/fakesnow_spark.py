"""What Snowflake's connector for Spark asks of the stand-in and fakesnow does not know; see `fakesnow_server`.

- `ALTER SESSION SET` of what has no meaning there: time zone, formats, search path.
- `GET`, which the connector sends for nothing but to hear where the stage is: at Google's, where a file goes to a URL
  of its own. So fakesnow has Python's driver upload, too; Java's wants to hear that nothing is encrypted.
- `DESC TABLE IDENTIFIER(?)` of a name of several parts in quotes, by which it looks whether a table is there.
- `COPY INTO` of the connector's files: times begin with their zone, "" is a text, and nothing is NULL.
"""

import re
from pathlib import Path

import sqlglot
from fakesnow import transforms
from fakesnow.transforms import stage

_SETS = re.compile(r"\s*alter\s+session\s+set\s+(?!autocommit)", re.I)
_GETS = re.compile(r"\s*get\s+@\S+\s+file://(\S+)", re.I)
_LOOKS = re.compile(r"\s*desc\s+table\s+identifier\s*\(\s*\?\s*\)", re.I)
_COPIES = re.compile(
    r"\s*copy\s+into\s+(?P<table>\S+)\s*\((?P<columns>.*?)\)\s*from\s*\(\s*select\s+(?P<numbers>[tmp.$\d,\s]+?)"
    r"\s+from\s+@(?P<stage>\w+)/(?P<folder>\w+)/?\s+tmp\s*\)(?P<how>.*)",
    re.I | re.S,
)
_HOW = ("TYPE=CSV", "FIELD_DELIMITER='|'", "NULL_IF=()", "FIELD_OPTIONALLY_ENCLOSED_BY='\"'")
_READ = "header = false, delim = '|', quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false"
_TIME = r"^(Z|[+-]\d\d)(\d\d)? (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6})\d{3}$"


def spoken(execute):
    """`FakeSnowflakeCursor.execute`, for the connector's statements, too."""

    def run(self, command, *given, **named):
        if _SETS.match(command):
            self._execute(transforms.SUCCESS_NOP.copy())
        elif got := _GETS.match(command):
            _tell_of_the_stage(self, got[1])
        elif copied := _COPIES.match(command):
            _copy(self, copied)
        elif _LOOKS.match(command):
            execute(self, f"DESC TABLE {named['binding_params'][0]}")
        else:
            execute(self, command, *given, **named)
        return self

    return run


def _tell_of_the_stage(cursor, folder):
    nothing = transforms.SUCCESS_NOP.copy()
    place = {"locationType": "GCS", "location": stage.LOCAL_BUCKET_PATH, "creds": {}}
    told = {"command": "DOWNLOAD", "src_locations": ["nothing"], "localLocation": folder, "parallel": 1}
    nothing.args |= {"put_stage_name": "stage", "put_stage_data": told | {"stageInfo": place}}
    cursor._last_transformed = nothing
    cursor._last_sql = "SELECT 1"


def unencrypted(put):
    """`transforms.put_stage`, with what Java's driver reads; Python's would take that for a key."""

    def made(expression, *given):
        told = put(expression, *given)
        data = told.args.get("put_stage_data")
        if data and data["src_locations"][0].startswith("/dummy_put_"):
            data["encryptionMaterial"] = {}
        return told

    return made


def _copy(cursor, asked):
    assert all(one in "".join(asked["how"].split()) for one in _HOW), asked["how"]
    schema = f"{cursor._conn.database}.{cursor._conn.schema}"
    folder = Path(stage.internal_dir(f"{schema}.{asked['stage'].upper()}", asked["folder"]))
    loaded = [f"('{folder}/{path.name}', {_load(cursor, asked, path)})" for path in sorted(folder.glob("*"))]
    rows = ", ".join(loaded) or "(NULL, NULL)"
    told = f"SELECT file, n AS rows_parsed, n AS rows_loaded FROM (VALUES {rows}) AS t (file, n) WHERE n IS NOT NULL"
    cursor._execute(sqlglot.parse_one(told, read="duckdb"))


def _load(cursor, asked, path):
    """How many rows of a file there are now in the table."""
    wanted = [f"c{number}" for number in re.findall(r"\d+", asked["numbers"])]
    every = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(1, len(wanted) + 1))
    values = ", ".join(f"regexp_replace({one}, '{_TIME}', '\\3\\1\\2')" for one in wanted)
    source = f"read_csv('{path}', auto_detect = false, columns = {{{every}}}, {_READ})"
    cursor._duck_conn.execute(f"INSERT INTO {asked['table']} ({asked['columns']}) SELECT {values} FROM {source}")
    return cursor._duck_conn.fetchall()[0][0]
