"""The main job's steps apart: together they come to what the main job comes to, wherever they are broken off."""

import json

import pytest

from profiles_sync.control import history
from profiles_sync.lake.listing import public_tables
from profiles_sync.pipeline import apart, batches, resolved_once, whole_batch
from profiles_sync.settings import load
from profiles_sync.sync import steps
from profiles_sync.sync.hourly import run
from tests.lakes import Twin, random_events, rows_of
from tests.sync.steps import assert_same, stream

CHAIN = (steps.ingest_events, steps.resolve_identities, steps.build_tables, steps.sync_warehouses)


def do(twin, *several):
    """The last one's result; all have to go well."""
    for step in several:
        result = step(twin.settings, twin.spark, lambda what: None)
        assert result.status == "Success", (step.__name__, result.shown())
    return result


def lake_rows(twin):
    return {name: rows_of(twin.lake, name) for name in public_tables(twin.lake)}


@pytest.mark.parametrize("again", [1, 2], ids=["once", "each twice"])
def test_the_steps_one_after_the_other_give_the_reference_and_sync_it(tmp_path, again):
    twin = Twin(tmp_path)
    for day in (0, 3):
        twin.reference.land(list(twin._taken(twin.write(stream(day, 80, day)))))
        for step in CHAIN:
            do(twin, *[step] * again)
        twin.assert_equal()
        assert_same(twin)
    syncs = history.syncs(twin.lake)
    assert [one.warehouse for one in syncs] == ["local"] * 2 * again  # only what synced is a sync


def test_every_line_read_is_accounted_for_in_each_step(tmp_path):
    twin = Twin(tmp_path)
    events = random_events(1, 60)
    twin.write([*events, events[0], b"{broken"])
    read, resolved, built = (do(twin, step).shown()["lines"] for step in CHAIN[:3])
    assert (read["read"], read["events"], read["duplicates"], read["quarantined"]) == (62, 61, 0, 1)
    assert resolved["duplicates"] >= 1
    assert resolved == built
    for lines in (read, resolved, built):
        assert lines["read"] == lines["events"] + lines["duplicates"] + lines["quarantined"]


@pytest.mark.parametrize("first", range(4))
def test_whatever_step_a_chain_ends_at_the_main_job_goes_on_from_there(tmp_path, first):
    twin = Twin(tmp_path)
    twin.reference.land(list(twin._taken(twin.write(stream(1, 60)))))
    if first:
        do(twin, *CHAIN[:first])
    assert run(twin.settings, twin.spark).status == "Success"
    twin.assert_equal()
    assert_same(twin)


def test_a_step_whose_forerunners_were_left_out_does_their_work(tmp_path):
    twin = Twin(tmp_path)
    twin.reference.land(list(twin._taken(twin.write(stream(1, 60)))))
    do(twin, steps.ingest_events, steps.build_tables)
    twin.assert_equal()


def test_without_new_files_no_step_does_anything(tmp_path):
    twin = Twin(tmp_path)
    twin.write(stream(1, 20))
    do(twin, *CHAIN)
    before = {name: twin.lake.cursor(name) for name in twin.lake.public_tables()}
    assert do(twin, *CHAIN).shown()["lines"]["read"] == 0
    assert {name: twin.lake.cursor(name) for name in twin.lake.public_tables()} == before
    assert batches.last_landed(twin.lake) == 1


def test_files_that_come_while_a_batch_is_open_wait_for_the_next_one(tmp_path):
    twin = Twin(tmp_path)
    for day in (0, 3):  # two batches, as the reference takes them
        twin.reference.land(list(twin._taken(twin.write(stream(day, 40, day)))))
        do(twin, steps.ingest_events)
    do(twin, *CHAIN)
    assert batches.last_landed(twin.lake) == 1
    do(twin, *CHAIN)
    twin.assert_equal()


def test_a_batch_that_is_half_written_is_not_synced_and_one_that_is_only_read_holds_nothing_up(tmp_path):
    twin = Twin(tmp_path)
    twin.write(stream(1, 40))
    do(twin, *CHAIN)
    twin.write(stream(2, 40, day=3))
    do(twin, steps.ingest_events, steps.sync_warehouses, steps.resolve_identities)
    refused = steps.sync_warehouses(twin.settings, twin.spark, lambda what: None)
    assert refused.status == "Failed"
    assert "batch 2 is in the lake in part; run jobs/build_tables.py" in refused.error
    assert history.syncs(twin.lake)[0].error == refused.error
    do(twin, steps.build_tables, steps.sync_warehouses)
    assert_same(twin)


def test_a_whole_run_that_broke_off_while_it_wrote_is_not_synced_either(tmp_path, monkeypatch):
    twin = Twin(tmp_path)
    twin.write(stream(1, 40))
    with monkeypatch.context() as broken:
        broken.setattr(whole_batch, "_quarantine", lambda *_: 1 / 0)
        assert run(twin.settings, twin.spark).status == "Failed"
    assert steps.sync_warehouses(twin.settings, twin.spark, lambda what: None).status == "Failed"
    do(twin, steps.build_tables, steps.sync_warehouses)
    assert_same(twin)


def test_identities_are_resolved_once_and_anew_where_the_rules_changed(tmp_path, monkeypatch):
    twin = Twin(tmp_path)
    twin.write(stream(1, 60))
    done = []
    resolve = twin.engine.resolve
    monkeypatch.setattr("profiles_sync.pipeline.engine.Engine.resolve", lambda self, *a: done.append(1) or resolve(*a))
    do(twin, steps.ingest_events, steps.resolve_identities, steps.resolve_identities)
    assert len(done) == 1
    do(twin, steps.build_tables)
    assert len(done) == 1
    twin.write(stream(2, 60, day=3))
    do(twin, steps.ingest_events, steps.resolve_identities)
    text = (tmp_path / "acme.yml").read_text().replace("rules: {}", "rules: {email: {limit: 1}}")
    (tmp_path / "acme.yml").write_text(text)
    twin.settings = load(tmp_path / "acme.yml")
    do(twin, steps.build_tables)
    assert len(done) == 3


def test_a_step_that_fails_is_a_failed_sync_and_told(tmp_path, monkeypatch):
    twin = Twin(tmp_path)
    (tmp_path / "acme.yml").write_text(
        (tmp_path / "acme.yml").read_text()
        + f"alerts: {{us: {{to: 'file://{tmp_path}/alerts.jsonl', when: [sync_failed]}}}}\n"
    )
    twin.settings = load(tmp_path / "acme.yml")
    twin.write(stream(1, 20))
    do(twin, steps.ingest_events)
    monkeypatch.setattr(apart, "carry_out", lambda *_: 1 / 0)
    failed = steps.build_tables(twin.settings, twin.spark, lambda what: None)
    assert failed.status == "Failed"
    assert [(one.warehouse, one.status) for one in history.syncs(twin.lake)] == [(None, "Failed")]
    assert len((tmp_path / "alerts.jsonl").read_text().splitlines()) == 1


def test_without_warehouses_the_tables_are_the_sync(tmp_path):
    twin = Twin(tmp_path)
    (tmp_path / "acme.yml").write_text(
        (tmp_path / "acme.yml").read_text().replace("type: duckdb", "enabled: false, type: duckdb")
    )
    twin.settings = load(tmp_path / "acme.yml")
    twin.write(stream(1, 20))
    do(twin, *CHAIN)
    (sync,) = history.syncs(twin.lake)
    assert (sync.warehouse, sync.status, sync.rows > 20) == (None, "Success", True)


def test_a_staged_answer_is_the_answer_to_the_same_question_only(tmp_path):
    twin = Twin(tmp_path)
    twin.write(stream(1, 60))
    asked = []

    def noted(*question):
        asked.append(question)
        return twin.engine.resolve(*question)

    do(twin, steps.ingest_events)
    batch = batches.unfinished(twin.lake)
    reading = whole_batch.read(twin.engine, batch)
    whole_batch.resolve(twin.engine, reading.batch, reading.parsed, noted)
    (question,) = asked
    folder = str(tmp_path / "kept")
    first = resolved_once.kept(folder, noted)(*question)
    again = resolved_once.found(folder, None)(*question)  # would fail if it had to be found out
    assert json.dumps([list(map(int, one)) for one in vars(first).values()]) == json.dumps(
        [list(map(int, one)) for one in vars(again).values()]
    )
    assert [one.dtype for one in vars(first).values()] == [one.dtype for one in vars(again).values()]
    resolved_once.found(folder, noted)(*question[:3], question[3] + 1)
    assert len(asked) == 3
