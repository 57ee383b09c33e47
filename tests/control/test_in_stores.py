"""The control state in object stores, by the settings' own options: refused, kept and erased as in a folder."""

import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import boto3
import pytest
from cryptography.fernet import Fernet

from profiles_sync.control import schedule
from profiles_sync.control.lock import only_run
from profiles_sync.control.log import Log
from profiles_sync.control.vault import KEY, erase, files_of, keep, read
from profiles_sync.errors import ChangedMeanwhile, LakeBusy
from profiles_sync.lake.opening import lake_of
from profiles_sync.lake.paths import PathLake
from profiles_sync.settings import load
from profiles_sync.sync.hourly import run
from profiles_sync.warehouses.postgres import PostgresWarehouse
from tests.commands import EVENTS, SETTINGS, a_space, in_process, query, write_events, written
from tests.google_store import google_store
from tests.stores import make_bucket, s3_server


@pytest.fixture
def lake(monkeypatch):
    with s3_server() as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        make_bucket(variables, "control-of-acme")
        yield PathLake("s3://control-of-acme/lake", "acme")


@pytest.mark.slow
def test_of_two_changes_at_once_one_is_refused_and_erased_credentials_are_gone(lake):
    log = Log.read(lake).add("ann", "created", "warehouse", "pg")

    def attempt(who):
        try:
            return bool(log.add(who, "disabled", "warehouse", "pg"))
        except ChangedMeanwhile:
            return False

    with ThreadPoolExecutor(2) as operators:
        assert sorted(operators.map(attempt, ("ann", "bob"))) == [False, True]
    assert [one.number for one in Log.read(lake).changes] == [1, 2]
    file = keep(lake, "pg", {"password": "x"}, {KEY: Fernet.generate_key().decode()})
    assert [key for key in keys() if "_credentials" in key] == [f"lake/acme/_control/_credentials/{file}"]
    for _ in range(2):
        erase(lake, [file])
        assert files_of(lake, "pg") == [key for key in keys() if key.endswith(file)] == []


def keys():
    """Of every object in the bucket."""
    listed = boto3.client("s3").list_objects_v2(Bucket="control-of-acme")
    return [one["Key"] for one in listed["Contents"]]


@pytest.fixture(params=["s3", "google"])
def space(request, tmp_path, monkeypatch, no_settings_in_the_environment):
    """A space whose settings know its store; the variables of the store's own clients say nothing of it."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with in_s3() if request.param == "s3" else in_google(monkeypatch) as lines:
        text = SETTINGS.replace("./lake", f"{'s3' if request.param == 's3' else 'gs'}://control-of-acme/lake")
        yield a_space(tmp_path, text + lines)


@contextmanager
def in_s3():
    with s3_server() as variables:
        options = {name.lower(): value for name, value in variables.items() if "EC2" not in name}
        store = boto3.client(
            "s3",
            endpoint_url=options["aws_endpoint_url"],
            region_name=options["aws_region"],
            aws_access_key_id=options["aws_access_key_id"],
            aws_secret_access_key=options["aws_secret_access_key"],
        )
        where = {"CreateBucketConfiguration": {"LocationConstraint": options["aws_region"]}}
        store.create_bucket(Bucket="control-of-acme", **where)
        yield f"storage: {json.dumps(options)}\n"


@contextmanager
def in_google(monkeypatch):
    """The file names no secret: the key of the service account is one of our variables."""
    with google_store() as (key, _):
        monkeypatch.setenv("PROFILES_SYNC_STORAGE__GOOGLE_SERVICE_ACCOUNT_KEY", key)
        yield "storage: {allow_http: 'true'}\n"


@pytest.mark.slow
def test_the_control_state_needs_the_settings_options_alone(space):
    lake = lake_of(load(space))
    log = Log.read(lake).add("ann", "created", "warehouse", "pg")
    assert Log.read(lake).changes == log.changes
    key = {KEY: Fernet.generate_key().decode()}
    file = keep(lake, "pg", {"password": "x"}, key)
    assert (files_of(lake, "pg"), read(lake, "pg", file, key)) == ([file], {"password": "x"})
    erase(lake, [file])
    assert files_of(lake, "pg") == []
    schedule.announce(lake, 5, schedule.next_due(5))
    assert schedule.running(lake).every_minutes == 5
    schedule.withdraw(lake)
    assert schedule.running(lake) is None
    with only_run(lake), pytest.raises(LakeBusy), only_run(lake):
        pass
    assert lake.control_tables() == ["_control/changes"]


@pytest.mark.slow
def test_an_operators_day(space, tmp_path, monkeypatch):
    def command(*words, code=0):
        ended, out, err = in_process(*words, "--settings", space, "--json")
        assert ended == code, (words, out, err)
        return json.loads(out) if out else err

    second = ("type=duckdb", f"path={tmp_path / 'second.duckdb'}")
    assert command("run")["status"] == "Success"
    assert command("warehouse", "add", "second", *second)["status"] == "requested"
    command("warehouse", "enable", "second")
    later = [{**event, "messageId": f"later-{event['messageId']}"} for event in EVENTS]
    write_events(tmp_path, "second.jsonl", later)
    assert command("run")["warehouses"].keys() == {"local", "second"}
    command("backfill", "second", "--from", "2026-01-01", "--tables", "pages")
    assert query(tmp_path, "SELECT count(*) FROM acme.pages", "second.duckdb") == [(2,)], "one live, one of history"
    command("warehouse", "selection", "second", "--off", "pages")
    assert command("warehouse", "selection", "second")["groups"]["event-type-tables"]["tables"]["pages"] is False
    command("warehouse", "disable", "second")
    assert command("run")["warehouses"].keys() == {"local"}
    with only_run(lake_of(load(space))):
        assert "another run is under way" in command("run", code=1)["error"]
    shown = command("status")
    assert len(shown["syncs"]) >= 4 and {one["status"] for one in shown["syncs"]} == {"Success"}
    assert len(shown["skipped"]) == 1
    lake = lake_of(load(space))
    schedule.announce(lake, 5, schedule.next_due(5))
    assert command("status")["warehouses"]["local"]["frequency"] == "every 5 minutes"
    schedule.withdraw(lake)
    command("upkeep")
    monkeypatch.setenv(KEY, Fernet.generate_key().decode())
    made = PostgresWarehouse.__init__
    monkeypatch.setattr(PostgresWarehouse, "__init__", lambda self, *given: made(self, *given, 0.2))  # gives up soon
    monkeypatch.setattr("sys.stdin", io.StringIO("of-nobody\n"))
    fields = ("type=postgres", "host=127.0.0.1", "port=9", "database=d", "username=u")
    command("warehouse", "add", "pg", *fields, "--password-stdin", code=1)
    assert len(files_of(lake, "pg")) == 1
    command("warehouse", "delete", "pg", "--yes")
    assert files_of(lake, "pg") == []
    command("warehouse", "delete", "second", "--yes")
    actions = [one["action"] for one in command("audit")["changes"]]
    assert {"created", "tested", "requested", "enabled", "selected", "disabled", "deleted"} <= set(actions)


@pytest.mark.slow
def test_tasks_on_spark_have_the_settings_options_too(space, tmp_path, spark):
    more = "engine: {executor: spark}\nidentity: {path: distributed}\n"
    settings = load(written(tmp_path, space.read_text(), more))
    result = run(settings, lambda: spark)
    assert (result.status, result.error, result.report.events) == ("Success", None, len(EVENTS))
    assert query(tmp_path, "SELECT count(*) FROM acme.pages") == [(1,)]


def test_a_key_of_google_that_the_store_does_not_take_is_told_as_such(tmp_path, no_settings_in_the_environment):
    with google_store() as (key, unknown):
        (tmp_path / "key.json").write_text(unknown)
        options = "{google_service_account: ./key.json, allow_http: 'true'}"
        text = SETTINGS.replace("./lake", "gs://control-of-acme/lake") + f"storage: {options}\n"
        settings = a_space(tmp_path, text)
        code, out, _ = in_process("run", "--settings", settings, "--json")
        error = json.loads(out)["error"]
        assert (code, "denied access; check the credentials" in error) == (1, True), error
        (tmp_path / "key.json").write_text(key)
        assert in_process("run", "--settings", settings)[0] == 0
        assert query(tmp_path, "SELECT count(*) FROM acme.pages") == [(1,)]
