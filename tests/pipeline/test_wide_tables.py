"""Calls with many names between them: no more of their rows is made at once than has so many places."""

from pathlib import Path

import pytest

from profiles_sync.pipeline import batches, parse, reading
from profiles_sync.pipeline.run import find_new_files, prepare
from tests.intake import rows
from tests.lakes import Twin


@pytest.fixture
def twin(tmp_path, monkeypatch):
    monkeypatch.setattr(parse, "CELLS", 2_000)
    return Twin(tmp_path, "{}, max_traits: 40")


def calls(count, names):
    """Identify calls of one person that send one of the names each, Track calls between them, some odd lines."""
    for number in range(count):
        kind = {"type": "identify", "traits": {f"t{number % names}": number}} if number % 3 else {"type": "track"}
        kind |= {"event": "Bought", "properties": {f"p{number % names}": f"{number}"}}
        at = f"2024-01-01T00:{number // 60:02}:{number % 60:02}.000Z"
        yield kind | {"messageId": f"m{number}", "userId": "u1", "receivedAt": at}
        if number % 50 == 0:
            yield b"broken\n\n"


def test_their_lines_are_taken_by_parts_that_are_not_too_wide(twin):
    twin.write(calls(400, 100), files=1)
    prepare(twin.lake)
    batch = batches.open_batch(twin.lake, find_new_files(twin.settings, twin.lake).files)
    (read,) = reading.read_files(twin.lake, twin.settings, batch, twin.engine.run).parsed
    assert (read.lines, sum(read.quarantined.values())) == (408, 8)
    wide = [one.where.rows * len(one.brought) for one in read.tables]
    assert max(wide) <= 2_000 < sum(wide)


def test_whatever_the_parts_the_tables_are_the_references(twin):
    for batch in range(2):
        report = twin.land([one for one in calls(250, 60 + batch)][batch * 100 :], files=2)
        assert report.read == report.events + report.duplicates + sum(report.quarantined.values())
        twin.assert_equal()
    refused = rows(twin, "quarantine")
    assert len(refused) == 8
    for row in refused:
        assert Path(row["file"]).read_bytes().split(b"\n")[row["line_number"] - 1] == b"broken" == row["raw"].encode()
