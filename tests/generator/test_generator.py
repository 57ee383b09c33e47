"""The generator: the same bytes for the same shape, whole however it is cut."""

from dataclasses import replace

import orjson

from profiles_sync.generator.case_study import case_study_events
from profiles_sync.generator.stream import Shape, lines
from profiles_sync.generator.write import write_events

SMALL = Shape(events=2_000, hours=4, broken=0.01, repeats=0.02)


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.jsonl"))}


def test_the_same_shape_gives_the_same_bytes(tmp_path):
    write_events(tmp_path / "one", SMALL)
    write_events(tmp_path / "two", SMALL)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    write_events(tmp_path / "other", Shape(events=2_000, hours=4, seed=8))
    assert content(tmp_path / "one") != content(tmp_path / "other")


def test_an_initial_load_and_an_hour_are_the_whole(tmp_path):
    whole = write_events(tmp_path / "whole", SMALL)
    first = write_events(tmp_path / "parts", SMALL, last_hour=3)
    second = write_events(tmp_path / "parts", SMALL, first_hour=3)
    assert (first.lines + second.lines, whole.lines) == (2_000, 2_000)
    assert content(tmp_path / "whole") == content(tmp_path / "parts")


def test_repeats_poison_and_broken_lines_are_there_and_can_be_switched_off():
    ids = [line.event["messageId"] for line in lines(SMALL) if line.event]
    assert len(set(ids)) < len(ids) < 2_000
    clean = Shape(events=2_000, broken=0, repeats=0, poison=0)
    events = [line.event for line in lines(clean)]
    assert len({event["messageId"] for event in events}) == 2_000
    assert not any(event["anonymousId"] == "null" for event in events)
    poisoned = Shape(events=2_000, poison=0.05)
    assert any(line.event["anonymousId"] == "null" for line in lines(poisoned) if line.event)


def test_detail_gives_track_names_properties_of_their_own_and_of_several_types():
    events = [line.event for line in lines(replace(SMALL, detail=True)) if line.event]
    assert all(event["context"]["userAgent"].startswith("Mozilla/") for event in events)
    own = {event["event"]: event["properties"] for event in events if event["type"] == "track"}
    assert len({frozenset(properties) for properties in own.values()}) == SMALL.event_names
    assert {type(value) for properties in own.values() for value in properties.values()} >= {int, float, str, bool}
    assert not any("userAgent" in line.event["context"] for line in lines(SMALL) if line.event)


def test_every_whole_line_is_a_call(tmp_path):
    write_events(tmp_path, Shape(events=500, broken=0))
    for text in content(tmp_path).values():
        for line in text.splitlines():
            assert orjson.loads(line)["type"] in {"page", "track", "identify", "screen", "group", "alias"}


def test_the_story_has_its_four_events():
    assert [event["messageId"] for event in case_study_events()] == ["event_1", "event_2", "event_3", "event_4"]
