"""A space's folder, and the command as a user runs it there."""

import io
import json
import os
import subprocess
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import duckdb

from profiles_sync import cli
from profiles_sync.settings import ENV_PREFIX

BIN = Path(sys.executable).parent
SETTINGS = """\
space: {name: Acme, slug: acme}
lake: ./lake
sources:
  website: {id: source_1, name: Website, path: ./events/website/}
warehouses:
  local: {type: duckdb, path: ./acme.duckdb}
"""
EVENTS = [
    {"type": "page", "anonymousId": "a1", "messageId": "m1", "receivedAt": "2026-01-05T00:00:00Z"},
    {
        "type": "identify",
        "anonymousId": "a1",
        "messageId": "m2",
        "receivedAt": "2026-01-05T00:00:01Z",
        "traits": {"email": "jane@example.com", "plan": "pro"},
    },
    {
        "type": "track",
        "event": "Order Completed",
        "anonymousId": "a1",
        "messageId": "m3",
        "receivedAt": "2026-01-05T00:00:02Z",
        "properties": {"total": 5},
    },
]


def a_space(folder, settings=SETTINGS, events=EVENTS):
    """Write the settings and one file of events; returns the path of the settings."""
    folder.mkdir(parents=True, exist_ok=True)
    if events:
        write_events(folder, "first.jsonl", events)
    return written(folder, settings)


def written(folder, *parts):
    """Write a settings file of these parts; returns its path."""
    path = folder / "acme.yml"
    path.write_text("".join(parts))
    return path


def write_events(folder, name, events):
    """One file of the source; an event that is a text is a line as it is."""
    lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
    (folder / "events" / "website").mkdir(parents=True, exist_ok=True)
    (folder / "events" / "website" / name).write_text("\n".join(lines) + "\n")


def environment(**added):
    """This environment without anybody's settings in it."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(ENV_PREFIX)} | added


def profiles_sync(*arguments, program=(BIN / "profiles-sync",), cwd=None, **added):
    """Run the command to its end."""
    command = [str(part) for part in (*program, *arguments)]
    return subprocess.run(
        command,
        env=environment(**added),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def in_process(*arguments):
    """The command's main function in this process, which takes no second; its exit code, stdout and stderr."""
    argv, out, err = sys.argv, io.StringIO(), io.StringIO()
    sys.argv = ["profiles-sync", *map(str, arguments)]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            cli.main()
    except SystemExit as ended:
        return ended.code, out.getvalue(), err.getvalue()
    finally:
        sys.argv = argv
    raise AssertionError("the command returned; it has to exit")


@contextmanager
def warehouse(folder, read_only=False, file="acme.duckdb"):
    """The space's DuckDB file, opened; under another name, because a schema may be called like its file."""
    with duckdb.connect() as opened:
        opened.execute(f"ATTACH '{folder / file}' AS w{' (READ_ONLY)' if read_only else ''}")
        opened.execute("USE w")
        yield opened


def query(folder, text, file="acme.duckdb"):
    """The rows of one query."""
    with warehouse(folder, read_only=True, file=file) as opened:
        return opened.execute(text).fetchall()


def columns(folder, schema="acme"):
    """Table to its columns and their types, of every table in a schema."""
    rows = query(
        folder,
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        f"WHERE table_catalog = 'w' AND table_schema = '{schema}' ORDER BY table_name, ordinal_position",
    )
    found = {}
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return found
