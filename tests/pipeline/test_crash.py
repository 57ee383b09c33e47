"""A run that is killed at any write is simply run again, and the tables are those of a clean run."""

import json
import os
import signal
import subprocess
import sys

import duckdb
import pytest

from profiles_sync.lake.listing import public_tables
from profiles_sync.pipeline import batches
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.sync.hourly import run
from tests.lakes import Twin, random_events, rows_of

KILLED_AT = """
import os, signal, sys
from pathlib import Path
from deltalake import DeltaTable
import deltalake, profiles_sync.lake.log as log, profiles_sync.lake.merging as merging
import profiles_sync.lake.tables as tables
from profiles_sync.settings import load
from profiles_sync.sync.hourly import run
from profiles_sync.warehouses.duckdb import DuckDBConnection

left = int(sys.argv[2])

def counted(do):
    def step(*args, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return do(*args, **options)
    return step

tables.Lake.append = counted(tables.Lake.append)
tables.Lake.append_files = counted(tables.Lake.append_files)
log.commit = counted(log.commit)
tables.Lake.add_columns = counted(tables.Lake.add_columns)
merging.merge = counted(merging.merge)
DuckDBConnection.query = counted(DuckDBConnection.query)
result = run(load(Path(sys.argv[1])), lambda: None)
sys.exit(0 if result.status == "Success" else 1)
"""


def killed_run(folder, step):
    arguments = [sys.executable, "-c", KILLED_AT, str(folder / "acme.yml"), str(step)]
    return subprocess.run(arguments, env=os.environ | {"PYTHONPATH": os.getcwd()}, check=False).returncode


def warehouse_rows(folder):
    with duckdb.connect() as opened:
        opened.execute(f"ATTACH '{folder / 'acme.duckdb'}' AS w (READ_ONLY)")
        opened.execute("USE w")
        names = opened.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'acme'"
        ).fetchall()
        found = {}
        for (name,) in sorted(names):
            rows = opened.execute(f'SELECT * EXCLUDE (uuid_ts) FROM acme."{name}"').fetchall()
            found[name] = sorted(map(repr, rows))
        return found


def first_and_second(folder):
    """A lake with one batch landed and synced, and the files of a second one waiting."""
    twin = Twin(folder)
    twin.write(random_events(1, 60))
    assert run(twin.settings, lambda: None).status == "Success"
    second = random_events(2, 60, day=3)
    twin.engine = None
    for event in second:
        if event["type"] == "identify":
            event["traits"]["added"] = 1
    return twin, second


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean") / "space"
    twin, second = first_and_second(folder)
    write_second(folder, second)
    assert run(twin.settings, lambda: None).status == "Success"
    lake = {name: rows_of(twin.lake, name) for name in public_tables(twin.lake)}
    return lake, warehouse_rows(folder)


def write_second(folder, events):
    (folder / "events" / "second.jsonl").write_text("\n".join(map(json.dumps, events)))


SOME, ALL = (4, 14, 60), [step for step in range(1, 80, 2) if step not in (4, 14, 60)]


@pytest.mark.parametrize("step", [*SOME, *(pytest.param(step, marks=pytest.mark.slow) for step in ALL)])
def test_killed_before_a_write_and_run_again(tmp_path, clean, step):
    folder = tmp_path / "space"
    twin, second = first_and_second(folder)
    write_second(folder, second)
    assert killed_run(folder, step) == -signal.SIGKILL
    assert run(twin.settings, lambda: None).status == "Success"
    assert {name: rows_of(twin.lake, name) for name in public_tables(twin.lake)} == clean[0]
    assert warehouse_rows(folder) == clean[1]


@pytest.mark.parametrize("step", [110, *(pytest.param(step, marks=pytest.mark.slow) for step in (75, 140, 190))])
def test_killed_in_a_run_of_several_batches_and_run_again(tmp_path, step):
    events = sorted(random_events(4, 90), key=lambda event: event["receivedAt"])
    one, several = Twin(tmp_path / "one"), Twin(tmp_path / "several", executor="driver, batch_bytes: 7000")
    for hour in range(3):
        several.write(events[hour * 30 : hour * 30 + 30], files=1)
        os.utime(several.folder / "events" / f"{hour:04d}-0.jsonl", (hour, hour))
    one.land(events)
    assert killed_run(several.folder, step) == -signal.SIGKILL
    assert batches.last_landed(several.lake) < 3
    run(several.settings, lambda: None)
    assert batches.last_landed(several.lake) == 3
    assert public_tables(one.lake) == public_tables(several.lake)
    for name in public_tables(one.lake):
        assert rows_of(one.lake, name) == rows_of(several.lake, name), name


def test_a_file_is_taken_once_however_often_the_job_runs(tmp_path):
    twin = Twin(tmp_path)
    twin.land(random_events(3, 30))
    before = {name: rows_of(twin.lake, name) for name in public_tables(twin.lake)}
    for _ in range(2):
        assert take_new_events(twin.engine).read == 0
    assert {name: rows_of(twin.lake, name) for name in public_tables(twin.lake)} == before
