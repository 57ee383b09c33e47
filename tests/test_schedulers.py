"""conf/ for systemd, cron and Airflow: each is read by its own scheduler, and the command in it is run as it stands."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.commands import BIN, EVENTS, SETTINGS, a_space, environment, query, warehouse, write_events

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"
SERVICE, TIMER = (CONF / "systemd" / f"profiles-sync.{kind}" for kind in ("service", "timer"))
INSTALLED = {"/opt/profiles-sync/bin/profiles-sync": str(BIN / "profiles-sync")}
AIRFLOW = ROOT / ".venv-airflow" / "bin" / "airflow"


def here(text, folder):
    """The text with the places of this machine instead of those it is written for."""
    for there, ours in {**INSTALLED, "/etc/profiles-sync": str(folder)}.items():
        text = text.replace(there, ours)
    return text


def unit(path):
    """Key to value of a unit file; none of its keys stands twice."""
    lines = [line.partition("=") for line in path.read_text().splitlines() if re.match(r"\w+=", line)]
    assert len({key for key, *_ in lines}) == len(lines)
    return {key: value for key, _, value in lines}


def started(command, folder):
    """As the scheduler starts it: by a shell, with hardly any environment, but for where the code under test is."""
    code = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    return subprocess.run(
        ["/bin/sh", "-c", here(command, folder)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **code},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def runs_the_space(command, folder):
    """Starts it, and looks whether it did all; returns what it printed."""
    done = started(command, folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert query(folder, "SELECT id FROM acme.tracks") == [("m3",)]
    return done.stdout


def test_the_command_of_the_service_runs_the_spaces_of_the_folder(tmp_path):
    a_space(tmp_path)
    service = unit(SERVICE)
    runs_the_space(service["ExecStart"], tmp_path)
    assert service["Type"] == "oneshot"
    assert service["SuccessExitStatus"] == "3"


def test_what_the_service_keeps_is_where_it_may_write():
    service = unit(SERVICE)
    assert service["ProtectSystem"] == "strict"  # but for the folders of its own
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"
    assert service["Environment"] == f"NUMBA_CACHE_DIR=/var/cache/{service['CacheDirectory']}"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
def test_systemd_has_nothing_to_say_against_the_units(tmp_path):
    for path in (SERVICE, TIMER):
        (tmp_path / path.name).write_text(here(path.read_text(), tmp_path))
    command = ["systemd-analyze", "verify", *(tmp_path / path.name for path in (SERVICE, TIMER))]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")
    when = unit(TIMER)["OnCalendar"]
    said = subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, text=True, check=True)
    assert "*-*-* *:00:00 UTC" in said.stdout


def of_the_crontab():
    """When, who and what."""
    (entry,) = (line for line in (CONF / "crontab").read_text().splitlines() if line and line[0].isdigit())
    *when, user, command = entry.split(maxsplit=6)
    return when, user, command


def test_the_line_of_the_crontab_runs_the_spaces_of_the_folder_each_hour(tmp_path):
    a_space(tmp_path)
    when, user, command = of_the_crontab()
    assert (when[1:], user) == (["*"] * 4, "profiles-sync")
    assert 0 <= int(when[0]) < 60
    assert "%" not in command  # cron's own sign for the end of a line
    assert runs_the_space(command, tmp_path) == ""  # what is printed is mailed


@pytest.mark.parametrize("status", ["Partial success", "Failed"])
def test_cron_has_something_to_mail_where_a_run_was_no_success(tmp_path, status):
    done = started(of_the_crontab()[2], ends(tmp_path, status))
    assert f"\n{status}\n" in done.stdout
    assert "local" in done.stdout


@pytest.fixture(scope="module")
def airflow(tmp_path_factory):
    """Airflow's own command, with a database of its own; `make install-airflow` makes its environment."""
    home = tmp_path_factory.mktemp("airflow")
    added = {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__DAGS_FOLDER": str(CONF / "airflow")}
    added |= {"AIRFLOW__CORE__LOAD_EXAMPLES": "False", "PROFILES_SYNC": str(BIN / "profiles-sync")}

    def command(line, **more):
        return subprocess.run(
            [AIRFLOW, *shlex.split(line)],
            env=environment(**added, **more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    assert command("db migrate").returncode == 0
    return command


def ends(folder, status):
    """A folder of settings whose next run ends so."""
    if status == "Failed":
        return a_space(folder, SETTINGS.replace("./acme.duckdb", "./acme.yml")).parent
    settings = a_space(folder).parent
    if status == "Partial success":
        subprocess.run([BIN / "profiles-sync", "run", "--settings", settings], env=environment(), check=True)
        with warehouse(folder) as opened:
            opened.execute("ALTER TABLE acme.pages RENAME TO kept; CREATE VIEW acme.pages AS FROM acme.kept")
        write_events(folder, "second.jsonl", [EVENTS[0] | {"messageId": "m8"}, EVENTS[1] | {"messageId": "m9"}])
    return settings


STATES = {"Success": "success", "Partial success": "skipped", "Failed": "up_for_retry"}


@pytest.mark.slow
@pytest.mark.parametrize("status", STATES)
def test_airflow_runs_the_task_and_it_ends_as_the_command_did(airflow, tmp_path, status):
    folder = str(ends(tmp_path, status))
    said = airflow("tasks test profiles_sync run 2026-01-05", PROFILES_SYNC_SETTINGS=folder).stdout
    assert re.findall(r"new_state=(\w+)", said) == [STATES[status]], said[-3000:]
    if status == "Success":
        assert query(tmp_path, "SELECT id FROM acme.tracks") == [("m3",)]


@pytest.mark.slow
def test_airflow_can_import_the_dag(airflow):
    assert "No data found" in airflow("dags list-import-errors").stdout
    listed = airflow("tasks list profiles_sync").stdout.splitlines()
    assert "run" in listed
