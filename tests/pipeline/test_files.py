"""Files in every form, whole and broken: what stands in them is read, and what cannot be read is reported."""

import gzip
import json
import os
import subprocess
import sys
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from profiles_sync.errors import LakeError, SourceUnreachable
from profiles_sync.pipeline import batches, identity, reading, shares, staging
from profiles_sync.pipeline.batches import SourceFile
from profiles_sync.pipeline.discover import new_files
from profiles_sync.pipeline.engine import Engine
from profiles_sync.pipeline.parse import ParseTask, parse
from profiles_sync.pipeline.run import rebuild, take_new_events
from profiles_sync.settings import load
from profiles_sync.spec.rules import IdentityRules
from profiles_sync.sync.hourly import run
from profiles_sync.sync.preview import preview
from tests.intake import NOON, ids, many, page, put, quarantined, rows, settled, take
from tests.lakes import Twin


@pytest.fixture
def twin(tmp_path):
    return Twin(tmp_path / "space")


# The form of files


def test_a_file_is_told_by_its_content_under_any_name(twin):
    put(twin, "plain.log", page("plain"))
    put(twin, "plain", page("bare"))
    put(twin, "2026/01/deep.txt", page("deep"))
    put(twin, "with spaces, + and % é.json", page("odd name"))
    put(twin, "a.json.gz", gzip.compress(page("gzip")))
    put(twin, "gzip.json", gzip.compress(page("gzip as json")))
    put(twin, "b.zst", zstandard.compress(page("zstd")))
    put(twin, "plain.gz", page("plain as gz"))
    pq.write_table(pa.Table.from_pylist([json.loads(page("parquet"))]), twin.folder / "events" / "parquet.dat")
    assert take(twin).events == 9
    every = ["plain", "bare", "deep", "odd name", "gzip", "gzip as json", "zstd", "plain as gz", "parquet"]
    assert ids(twin) == sorted(every)


def test_a_source_may_be_a_single_file(twin):
    path = put(twin, "one.jsonl", page("m1"))
    put(twin, "other.jsonl", page("m2"))
    settled(twin, {"website": str(path)})
    assert take(twin).events == 1
    assert ids(twin) == ["m1"]


def test_how_lines_end_and_which_are_blank(twin):
    put(twin, "crlf", page("m1") + b"\r\n" + page("m2") + b"\r\n")
    put(twin, "no end", page("m3") + b"\n" + page("m4"))
    put(twin, "mark", b"\xef\xbb\xbf" + page("m5") + b"\n" + page("m6") + b"\n")
    put(twin, "blank", b"\n \r\n\t\n" + page("m7") + b"\n\nbroken\r\n\n\n")
    put(twin, "only blank", b"\n\r\n  \n")
    put(twin, "long", page("m8", properties={"text": "x" * 9_000_000}) + b"\n" + page("m9"))
    report = take(twin)
    assert (report.read, report.events) == (10, 9)
    assert ids(twin) == [f"m{number}" for number in range(1, 10)]
    assert quarantined(twin) == [("blank", 6, "broken JSON", "broken")]


def test_an_archive_may_have_several_members(twin):
    first, second = page("m1") + b"\n" + page("m2")[:20], page("m2")[20:] + b"\n"
    put(twin, "a.gz", gzip.compress(first) + gzip.compress(b"") + gzip.compress(second))
    put(twin, "padded.gz", gzip.compress(page("m3")) + b"\0" * 600)
    content = page("m4") + b"\n" + page("m5")[:20], page("m5")[20:] + b"\n"
    put(twin, "a.zst", b"".join(map(zstandard.compress, content)))
    streamed = zstandard.ZstdCompressor().compressobj()  # a frame that does not say its length
    put(twin, "b.zst", streamed.compress(page("m6")) + streamed.flush())
    put(twin, "c.zst", b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + zstandard.compress(page("m7")))
    assert take(twin).events == 7
    assert ids(twin) == [f"m{number}" for number in range(1, 8)]


def test_archives_of_nothing_have_no_lines(twin):
    put(twin, "empty.gz", gzip.compress(b""))
    put(twin, "empty.zst", zstandard.compress(b""))
    pq.write_table(pa.table({"type": pa.array([], pa.string())}), twin.folder / "events" / "empty.parquet")
    assert take(twin).read == 0
    assert rows(twin, "quarantine") == []


def test_an_empty_file_is_read_when_there_is_something_in_it(twin):
    put(twin, "later.jsonl", b"")
    assert take(twin).warnings == [f"source website: no files at {twin.folder / 'events'}"]
    put(twin, "later.jsonl", page("m1"))
    assert take(twin).events == 1


def test_hidden_files_are_passed_over(twin):
    for number, name in enumerate([".hidden", "_SUCCESS", "_temporary/a", ".git/b", "c/_d/e", "c/.f"]):
        put(twin, name, page(f"hidden {number}"))
    put(twin, "c/g_h.i", page("m1"))
    assert take(twin).read == 1
    assert ids(twin) == ["m1"]


def test_names_that_are_no_text_stop_nothing_and_are_told(twin):
    put(twin, "a.jsonl", page("m1"))
    for name in (b"\xff.jsonl", b"\xfe/b.jsonl"):
        put(twin, os.fsdecode(name), page("m2"))
    (warning,) = take(twin).warnings
    assert warning.startswith(f"source website: names below {twin.folder / 'events'} are not UTF-8 (3 of them)")
    assert ids(twin) == ["m1"]


def test_the_lake_and_the_warehouse_are_no_events_where_a_source_has_them(twin):
    put(twin, "a.jsonl", page("m1"))
    settled(twin, {"website": twin.folder})
    (twin.folder / "acme.yml").rename(twin.folder / ".acme.yml")
    (twin.folder / "acme.duckdb").write_bytes(b"a file of a warehouse")
    assert (take(twin).read, take(twin).read) == (1, 0)
    (twin.folder / "lake.json").write_bytes(page("m2"))  # is none of ours, though it begins like it
    assert (take(twin).events, rows(twin, "quarantine")) == (1, [])


def test_files_of_any_age_are_read(twin):
    for year in (1971, 1999, 2026, 2106):
        put(twin, f"{year}.jsonl", page(str(year)), datetime(year, 1, 1, tzinfo=UTC))
    assert take(twin).events == 4
    put(twin, "a file that arrives late.jsonl", page("late"), datetime(1980, 1, 1, tzinfo=UTC))
    assert take(twin).events == 1


def test_a_file_that_grew_is_reported_and_not_read_again(twin):
    path = put(twin, "a.jsonl", page("m1") + b"\n")
    size = path.stat().st_size
    assert take(twin).events == 1
    with path.open("ab") as file:
        file.write(page("m2") + b"\n")
    report = take(twin)
    assert report.read == 0
    assert report.warnings == [
        f"source website: {path} had {size} bytes when it was read and has {2 * size} now; "
        "files are read once: put what is new into a new file, and move this one out of the folder to end this warning"
    ]
    assert ids(twin) == ["m1"]


# Files that break off


def cut_in_a_line(compressed, expand):
    """The archive without its end, and what is left inside it: whole lines and the beginning of one."""
    cut = compressed[: len(compressed) * 3 // 4]
    inside = expand(cut)
    assert 0 < inside.count(b"\n") < 3000
    assert not inside.endswith(b"\n")
    return cut, inside


def test_the_lines_before_the_end_of_an_archive_that_is_cut_short_are_taken(twin):
    content = many(0, 3000)
    streams = {"gzip": gzip.compress(content), "Zstandard": zstandard.ZstdCompressor(level=1).compress(content)}
    expand = {
        "gzip": lambda data: zlib.decompressobj(wbits=31).decompress(data),
        "Zstandard": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    }
    for name, compressed in streams.items():
        cut, inside = cut_in_a_line(compressed, expand[name])
        path = put(twin, name, cut)
        report = take(twin)
        lines = inside.split(b"\n")
        reason = f"unreadable from here on ({name} cut short)"
        assert report.quarantined == {reason: 1}
        assert report.events + report.duplicates == len(lines) - 1
        assert (path.name, len(lines), reason, lines[-1].decode()) in quarantined(twin)


@pytest.mark.parametrize(
    ("cut", "why"),
    [
        pytest.param(lambda: gzip.compress(many(0, 2)) + b"garbage", "broken gzip", id="garbage after gzip"),
        pytest.param(lambda: gzip.compress(many(0, 2))[:-4], "gzip cut short", id="gzip"),
        pytest.param(lambda: gzip.compress(many(0, 3000))[:-8] + b"\xff" * 8, "broken gzip", id="checksum"),
        pytest.param(lambda: gzip.compress(many(0, 2)) + b"\x1f", "gzip cut short", id="second gzip"),
        pytest.param(lambda: zstandard.compress(many(0, 2)) + b"garbage", "broken Zstandard", id="garbage after zstd"),
        pytest.param(
            lambda: zstandard.compress(many(0, 2)) + zstandard.compress(many(2, 99))[:30],
            "Zstandard cut short",
            id="second zstd",
        ),
    ],
)
def test_whole_lines_before_a_break_are_taken(twin, cut, why):
    path = put(twin, "a", cut())
    report = take(twin)
    assert report.warnings == [
        f"source website: {path} could not be read to its end ({why}), what stands before it is taken; put the whole "
        "file there under another name, events that are in both count once"
    ]
    assert report.quarantined == {f"unreadable from here on ({why})": 1}
    assert ids(twin)[:2] == ["m0000", "m0001"]
    assert [number for _, number, _, _ in quarantined(twin)] == [report.read]
    assert take(twin).read == 0


def test_an_archive_that_is_broken_at_once_is_one_line_in_quarantine(twin):
    put(twin, "a", b"\x1f\x8bgarbage")
    put(twin, "b", b"\x28\xb5\x2f\xfdgarbage")
    take(twin)
    assert quarantined(twin) == [
        ("a", 1, "unreadable from here on (broken gzip)", ""),
        ("b", 1, "unreadable from here on (broken Zstandard)", ""),
    ]


def broken_parquet(tmp_path):
    path = tmp_path / "whole.parquet"
    table = pa.Table.from_pylist([json.loads(one) for one in many(0, 3000).splitlines()])
    pq.write_table(table, path, row_group_size=1000, compression="snappy", write_page_checksum=True)
    whole, third = path.read_bytes(), pq.ParquetFile(path).metadata.row_group(2).column(2)
    offset = third.dictionary_page_offset or third.data_page_offset
    page_at = offset + third.total_compressed_size // 2
    yield "footer", 0, whole[:-200] + b"\xff" * 192 + whole[-8:]
    yield "cut", 0, whole[: len(whole) // 2]
    yield "magic", 0, b"PAR1"
    yield "text", 0, b"PAR1 is how a text may begin"
    yield "page", 2000, whole[:page_at] + b"\xff" * 64 + whole[page_at + 64 :]


def test_parquet_that_is_not_intact_is_taken_up_to_the_break(twin, tmp_path):
    reason, expected = "unreadable from here on (broken Parquet)", []
    for name, good, content in broken_parquet(tmp_path):
        put(twin, name, content)
        expected.append((name, good + 1, reason, ""))
    report = take(twin)
    assert quarantined(twin) == sorted(expected)
    assert (report.read, report.events) == (2005, 2000)


# Files that are away


def opened(twin):
    """A run that was killed as soon as it had opened its batch."""
    return batches.open_batch(twin.lake, new_files({"website": str(twin.folder / "events")}, {}).files)


def test_a_file_that_is_away_is_taken_when_it_is_back(twin):
    put(twin, "a.jsonl", page("m1"))
    path = put(twin, "b.jsonl", page("m2"))
    opened(twin)
    away = path.rename(twin.folder / "b.jsonl")
    report = take(twin)
    assert (report.read, report.events, rows(twin, "quarantine")) == (1, 1, [])
    assert report.warnings == [
        f"source website: {path} was not read (file not found); it is taken once it can be opened"
    ]
    assert (take(twin).read, take(twin).warnings) == (0, [])
    away.rename(path)
    assert take(twin).events == 1
    assert ids(twin) == ["m1", "m2"]
    assert [[Path(file.path).name for file in one.files] for one in batches.landed(twin.lake)] == [
        ["a.jsonl"],
        ["b.jsonl"],
    ]


def test_a_source_that_is_away_when_its_batch_is_gone_on_with_loses_nothing(twin):
    put(twin, "a.jsonl", page("m1"))
    opened(twin)
    events = twin.folder / "events"
    events.rename(twin.folder / "unmounted")
    report = take(twin)
    assert (report.read, len(report.warnings)) == (0, 2)  # of the file, and that nothing is there
    (twin.folder / "unmounted").rename(events)
    assert (take(twin).events, ids(twin)) == (1, ["m1"])


def test_of_a_file_in_pieces_all_waits_when_a_piece_of_it_cannot_be_opened(twin, monkeypatch):
    put(twin, "a.jsonl", page("m0"))
    path = put(twin, "b.jsonl", many(0, 400))
    monkeypatch.setattr(shares, "_AT_MOST", 20_000)
    with monkeypatch.context() as briefly:
        briefly.setattr(reading, "parse", gone_at_the_second(path))
        report = take(twin)
    assert (report.events, len(report.warnings)) == (1, 1)
    path.with_suffix(".away").rename(path)
    assert take(twin).events == 400
    assert ids(twin) == sorted(row["id"] for row in rows(twin, "pages"))


def gone_at_the_second(path):
    left = iter([None, lambda: path.rename(path.with_suffix(".away"))])

    def read(task):
        if step := next(left, None):
            step()
        return parse(task)

    return read


class Killed(Exception):
    pass


def killed_after_reading(twin, monkeypatch):
    """A run that ends once its files are read and written down, before any row is."""

    def end(*_):
        raise Killed

    with monkeypatch.context() as briefly, pytest.raises(Killed):
        briefly.setattr(identity, "resolve_batch", end)
        take_new_events(twin.engine)


def test_a_batch_whose_files_were_read_goes_on_without_them(twin, monkeypatch):
    path = put(twin, "a.jsonl", page("m1") + b"\nbroken")
    killed_after_reading(twin, monkeypatch)
    path.unlink()
    report = take(twin)
    assert (report.events, quarantined(twin)) == (1, [("a.jsonl", 2, "broken JSON", "broken")])


def test_a_batch_goes_on_with_what_it_has_staged_whatever_the_settings_call_its_source(twin, monkeypatch):
    put(twin, "a.jsonl", page("m1"))
    gone = put(twin, "b.jsonl", page("m2"))
    opened(twin)
    gone.unlink()
    killed_after_reading(twin, monkeypatch)
    (twin.folder / "events" / "a.jsonl").unlink()
    path = twin.folder / "acme.yml"
    path.write_text(path.read_text().replace("name: Website", "name: Our website"))
    twin.engine = Engine(load(path), twin.lake, twin.engine.spark)
    assert (take(twin).events, ids(twin)) == (1, ["m1"])
    assert {row["triggering_event_source_name"] for row in rows(twin, "id_graph_updates")} == {"Our website"}


def test_one_source_that_cannot_be_read_does_not_stop_the_others(twin):
    put(twin, "a.jsonl", page("m1"))
    broken = put(twin, "../broken/_delta_log/00000000000000000000.json", b"no JSON").parents[1].resolve()
    settled(twin, {"broken": broken, "website": twin.folder / "events"})
    result = run(twin.settings, lambda: None)
    assert (result.status, result.report.events, result.warehouses["local"].status) == ("Partial success", 1, "Success")
    assert result.shown()["error"].startswith(f"source broken: cannot read the Delta table {broken}: ")
    assert "\n" not in result.shown()["error"]
    assert preview(twin.settings)["warnings"] == [result.shown()["error"]]
    settled_alone = twin.settings.model_copy(update={"sources": {"broken": twin.settings.sources["broken"]}})
    assert run(settled_alone, lambda: None).status == "Failed"


def test_a_batch_that_landed_is_reported_also_where_the_next_one_fails(twin, monkeypatch):
    put(twin, "a.jsonl", page("m1"))
    opened(twin)
    put(twin, "b.jsonl", page("m2"))

    def fails(*_):
        raise LakeError("no more batches")

    monkeypatch.setattr(batches, "open_batch", fails)
    result = run(twin.settings, lambda: None)
    assert (result.status, result.report.events, result.error) == ("Failed", 1, "no more batches")


def test_a_begun_batch_that_lost_what_it_had_staged_waits_for_its_files(twin, monkeypatch):
    path = put(twin, "a.jsonl", page("m1"))
    killed_after_reading(twin, monkeypatch)
    away = path.rename(twin.folder / "a.jsonl")
    staging.clear(twin.lake.path("_staging"))
    for _ in range(2):
        with pytest.raises(
            SourceUnreachable, match=r"was begun with .*a\.jsonl, which cannot be opened now \(file not f"
        ):
            take(twin)
    away.rename(path)
    assert (take(twin).events, ids(twin)) == (1, ["m1"])


def test_rows_that_were_staged_by_other_rules_are_staged_anew(twin, monkeypatch):
    custom = {"type": "loyalty", "id": "7", "collection": "users", "encoding": "none"}
    put(twin, "a.jsonl", page("m1", context={"externalIds": [custom]}))
    killed_after_reading(twin, monkeypatch)
    path = twin.folder / "acme.yml"
    path.write_text(path.read_text().replace("rules: {}", "rules: {loyalty: {limit: 1, priority: 9}}"))
    twin.engine = Engine(load(path), twin.lake, twin.engine.spark)
    assert take(twin).events == 1
    assert "loyalty" in {row["type"] for row in rows(twin, "user_identifiers")}


def test_a_rebuild_needs_every_file_that_a_batch_took(twin, tmp_path):
    put(twin, "a.jsonl", page("m1"))
    gone = put(twin, "b.jsonl", page("m2"))
    assert take(twin).events == 2
    gone.unlink()
    anew = replace(twin.lake, root=str(tmp_path / "anew"))
    with pytest.raises(SourceUnreachable, match=r"b\.jsonl, which cannot be opened now"):
        rebuild(replace(twin.engine, lake=anew), twin.lake)


RUN = """
import json, sys
from pathlib import Path
from profiles_sync.settings import load
from profiles_sync.sync.hourly import run
result = run(load(Path(sys.argv[1])), lambda: None)
print(json.dumps(result.shown()))
"""


def run_without_privileges(twin):
    """A run that permissions count for, also where the tests are root's."""
    command = [sys.executable, "-c", RUN, str(twin.folder / "acme.yml")]
    if os.geteuid() == 0:
        command = ["setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search", *command]
    try:
        done = subprocess.run(command, capture_output=True, check=True, env=os.environ | {"PYTHONPATH": os.getcwd()})
    except FileNotFoundError:
        pytest.skip("there is no setpriv to give up root's privileges with")
    return json.loads(done.stdout)


def test_what_may_not_be_read_stops_nothing_and_is_not_silent(twin):
    put(twin, "a.jsonl", page("m1"))
    put(twin, "b/b.jsonl", page("m2"))
    put(twin, "_not ours/c.jsonl", b"")
    closed, secret = put(twin, "closed/d.jsonl", page("m3")).parent, put(twin, "secret.jsonl", page("m4"))
    for path in (closed, secret, twin.folder / "events" / "_not ours"):
        path.chmod(0)
    try:
        first = run_without_privileges(twin)
    finally:
        closed.chmod(0o700)
    assert first["status"] == "Success"
    assert (first["lines"]["events"], first["lines"]["by_reason"]) == (2, {})
    waits = f"source website: no permission to read {secret}; it is taken once that is mended"
    assert first["warnings"] == [
        f"source website: no permission to list {closed}; what is in it is read once that is mended",
        waits,
    ]
    assert ids(twin) == ["m1", "m2"]
    second = run_without_privileges(twin)
    assert (second["lines"]["events"], second["warnings"]) == (1, [waits])
    secret.chmod(0o600)
    third = run_without_privileges(twin)
    assert (third["lines"]["events"], third["warnings"]) == (1, [])
    assert ids(twin) == ["m1", "m2", "m3", "m4"]


def test_a_source_that_may_not_be_listed_does_not_stop_the_others(twin):
    put(twin, "a.jsonl", page("m1"))
    closed = put(twin, "../closed/events/b.jsonl", page("m2")).parent
    settled(twin, {"closed": closed, "website": twin.folder / "events"})
    closed.parent.chmod(0)
    try:
        result = run_without_privileges(twin)
    finally:
        closed.parent.chmod(0o700)
    assert (result["status"], result["lines"]["events"]) == ("Success", 1)
    assert result["warnings"] == [f"source closed: no permission to read {closed.resolve()}"]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that cannot be read at its beginning")
def test_a_storage_that_fails_puts_nothing_into_quarantine(twin, tmp_path):
    file = SourceFile("website", "/proc/self/mem", 1, 0)
    task = ParseTask((file,), twin.settings.declared_sources[0], IdentityRules(), str(tmp_path / "staging"))
    with pytest.raises(SourceUnreachable, match=r"cannot read /proc/self/mem: .*Input/output error"):
        parse(task)
    batches.open_batch(twin.lake, (file,))
    for _ in range(2):
        with pytest.raises(SourceUnreachable):
            take_new_events(twin.engine)
        assert batches.unfinished(twin.lake).files == (file,)
    assert rows(twin, "quarantine") == []


# On Spark


def test_tasks_on_spark_come_to_the_same(tmp_path, spark):
    spaces = [Twin(tmp_path / name, executor=name, spark=spark) for name in ("driver", "spark")]
    reports = []
    for twin in spaces:
        put(twin, "odd.jsonl", b"broken\n" + page("m1", userId=...) + b"\n" + page("m2", context=5), NOON)
        put(twin, "a.gz", gzip.compress(many(0, 500))[:-4], NOON)
        put(twin, "b.zst", zstandard.compress(many(400, 200)), NOON)
        put(twin, "c.json", page("nul \0", properties={"x": "\0"}), NOON)
        for name, _, content in broken_parquet(tmp_path):
            put(twin, name, content, NOON)
        report = take(twin)
        report.warnings = [warning.replace(str(twin.folder), "") for warning in report.warnings]
        reports.append(report)
    assert len(reports[0].warnings) == 6
    assert vars(reports[0]) == vars(reports[1])
    assert quarantined(spaces[0]) == quarantined(spaces[1])
    assert ids(spaces[0]) == ids(spaces[1])
    assert len(ids(spaces[0])) == 2002
