"""A run that is killed at any step of a sync or of a backfill is simply run again, and the tables are a clean run's."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from profiles_sync.settings import load
from tests.lakes import Twin, random_events
from tests.sync.steps import added_late, bought, call, declared_at, job, new, people, recent
from tests.warehouses.contract.places import DuckDBPlace, PostgresPlace

# Imports everything once, then forks for each line "settings, part of the run, step, answer": the child carries a run
# out and kills itself before that step. What is counted: statements, loads, commits to the lake, and files of it.
KILLED = """
import os, signal, sys
from pathlib import Path
import profiles_sync.lake.files as files, profiles_sync.lake.log as log, profiles_sync.sync.hourly as hourly
import adbc_driver_postgresql.dbapi, duckdb, tenacity
from profiles_sync.settings import load
from profiles_sync.warehouses.duckdb import DuckDBConnection
from profiles_sync.warehouses.postgres import PostgresConnection

def child(path, part, step):
    left = None

    def counted(do):
        def one(*given, **named):
            nonlocal left
            if left is not None:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return do(*given, **named)
        return one

    files.write_to, log.commit = counted(files.write_to), counted(log.commit)
    for kind, names in ((DuckDBConnection, ("query", "load")), (PostgresConnection, ("_run", "query", "load"))):
        for name in names:
            setattr(kind, name, counted(getattr(kind, name)))
    begins = getattr(hourly, part)

    def from_here(*given):
        nonlocal left
        left = step
        return begins(*given)

    setattr(hourly, part, from_here)
    hourly.run(load(Path(path)), lambda: None)
    print("steps", step - left, flush=True)

for line in sys.stdin:
    path, part, step = line.split()
    if not (pid := os.fork()):
        try:
            child(path, part, int(step))
        finally:
            os._exit(1)
    print("ended", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
PARTS = {"sync": "sync_warehouses", "backfill": "carry_on"}


@pytest.fixture(scope="module")
def runs():
    """Carry out the run of a space in a process that is killed before a step; how many there were if it was not."""
    # a child that loads what numba has compiled takes seconds for it, and a few events are soon read without
    given = {"env": os.environ | {"PYTHONPATH": os.getcwd(), "PROFILES_SYNC_NO_NUMBA": "1"}, "text": True}
    with subprocess.Popen(
        [sys.executable, "-c", KILLED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **given
    ) as process:

        def run(folder, part, step):
            process.stdin.write(f"{folder / 'acme.yml'} {PARTS[part]} {step}\n")
            process.stdin.flush()
            said = process.stdout.readline().split()
            if said[0] == "steps":
                process.stdout.readline()
                return int(said[1])
            assert said == ["ended", str(-signal.SIGKILL)]
            return None

        yield run
        process.stdin.close()


class Space:
    """A space that can be put back to where it was, with its warehouse; its paths stay the same."""

    def __init__(self, folder, place, part):
        self.folder, self.place, self.part = folder, place, part
        self.twin = _synced_once(folder, place) if part == "sync" else _added_late(folder, place)
        self.kept = folder.with_name("kept")
        self._keep()

    def _keep(self):
        shutil.copytree(self.folder, self.kept)
        if self.place.kind == "postgres":
            self._copied(self.place.database, f"{self.place.database}_kept")
        elif Path(self.place.settings.path).exists():
            shutil.copy(self.place.settings.path, self.kept / "acme.duckdb")

    def put_back(self):
        shutil.rmtree(self.folder)
        shutil.copytree(self.kept, self.folder)
        if self.place.kind == "postgres":
            self._copied(f"{self.place.database}_kept", self.place.database)
        else:
            shutil.copy(self.kept / "acme.duckdb", self.place.settings.path)

    def _copied(self, source, copy):
        if self.place.owner is not None:
            self.place.owner.close()
        server = self.place.server
        server.admin(f"DROP DATABASE IF EXISTS {copy} (FORCE)", "postgres")
        server.admin(f"CREATE DATABASE {copy} TEMPLATE {source}", "postgres")
        server.admin(f"GRANT CREATE ON DATABASE {copy} TO segment", "postgres")

    def close(self):
        if self.place.kind == "postgres":
            self.place.server.admin(f"DROP DATABASE {self.place.database}_kept", "postgres")
        self.place.close()

    def rows(self):
        """Of every table; uuid_ts is the time of the run."""
        found, tables = {}, self.place.columns()
        with self.place.reading():
            for name, types in tables.items():
                columns = [column for column in types if column != "uuid_ts"]
                found[name] = columns, sorted(map(repr, map(list, self.place.rows(name, columns))))
        return found


def _synced_once(folder, place):
    """A space with a batch that was synced, and news of every kind."""
    twin = Twin(folder)
    twin.settings = declared_at(folder, place)
    twin.write(random_events(1, 40))
    job(twin)
    twin.write([*random_events(2, 40, day=3), bought("n1", event="New"), call("identify", "x", traits={"added": 1})])
    return twin


def _added_late(folder, place):
    """A space whose history has not been sent yet, and news of every kind."""
    day = [call("page", "b1", anonymousId="ab") | {"receivedAt": recent(2)}]
    twin = added_late(folder, people(), day)
    twin.settings = declared_at(folder, place)
    job(twin)
    twin.write(new())
    return twin


@pytest.fixture(scope="module", params=["sync", "backfill"])
def part(request):
    return request.param


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def space(request, part, tmp_path_factory):
    folder = tmp_path_factory.mktemp(f"{request.param}-{part}")
    kind = request.param
    place = DuckDBPlace(folder) if kind == "duckdb" else PostgresPlace(request.getfixturevalue("server"))
    made = Space(folder / "space", place, part)
    yield made
    made.close()


@pytest.fixture(scope="module")
def clean(space, runs):
    """How many steps there are, and the tables of a run that nobody kills."""
    steps = runs(space.folder, space.part, 1_000_000)
    assert steps > 20
    return steps, space.rows()


SHARES = 8


def _marks(share):
    """Every eighth step is tried in each run of the slow tests, every step with the stand-ins."""
    return pytest.mark.timeout(1800), pytest.mark.standin if share else pytest.mark.slow


@pytest.mark.parametrize("share", ["some", *(pytest.param(n, marks=_marks(n)) for n in range(SHARES))])
def test_killed_before_a_step_and_run_again(space, clean, runs, share):
    steps, rows = clean
    chosen = [steps // 2] if share == "some" else range(1 + share, steps + 1, SHARES)
    for step in chosen:
        space.put_back()
        assert runs(space.folder, space.part, step) is None
        again = space.twin
        again.settings = load(space.folder / "acme.yml")
        result = job(again)
        assert result.status == "Success", (step, result.shown())
        assert all(one["status"] == "completed" for one in result.backfills.values()), step
        assert space.rows() == rows, step
