"""The first look counts what Great Expectations counts; where the two differed, rows could pass that should not."""

import datetime as dt
import random

import pyarrow as pa
import pytest

from profiles_sync.lake import indexes
from profiles_sync.lake.tables import scan
from profiles_sync.quality import gx
from profiles_sync.quality.graph import Graph
from profiles_sync.quality.screen import profiles_of, screen
from profiles_sync.spec.expectations import Expectation, Kind, suite_of, unfit
from profiles_sync.spec.tables import FIXED_TABLES, TRACK_TABLE, Type
from tests.lakes import Twin
from tests.sync.broken import NOBODY, merged_away, people

TYPES = {
    "id": Type.STRING,
    "segment_id": Type.STRING,
    "canonical_segment_id": Type.STRING,
    "merged_to": Type.STRING,
    "seq": Type.STRING,
    "uuid_ts": Type.TIMESTAMP,
    "at": Type.TIMESTAMP,
    "whole": Type.BIGINT,
    "part": Type.DOUBLE,
    "flag": Type.BOOLEAN,
}
_DAYS = [dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in (1950, 1970, 2026, 2099, 2100, 2101)]
_OF = {
    "id": ["a", "b", "c", "", "ä", "a\n", "aa", None],
    "seq": ["0" * 20, f"{7:020d}", f"{8:020d}", "9" * 20, "12", "٣" * 20, "1" * 20 + "\n", None],
    "uuid_ts": [_DAYS[2], _DAYS[3]],
    "at": [*_DAYS, None],
    "whole": [-1, 0, 1, 2**53 + 1, None],
    "part": [-0.5, 0.0, 1.0, 1.5, None],
    "flag": [True, False, None],
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    twin = Twin(tmp_path_factory.mktemp("graph"))
    twin.land(people())
    return twin


def suites():
    """Each kind in several shapes."""
    made = [Expectation(Kind.TYPE, (name,), asks={"type": str(kind)}) for name, kind in TYPES.items()]
    made += [Expectation(Kind.NOT_NULL, (name,), mostly=mostly) for name in TYPES for mostly in (1, 0.7)]
    made += [Expectation(Kind.UNIQUE, columns) for columns in (("id",), ("id", "whole"), ("seq",), ("whole", "flag"))]
    made += [Expectation(Kind.LENGTH, ("id",), asks=asks) for asks in ({"min": 1}, {"max": 1}, {"min": 1, "max": 1})]
    made += [
        Expectation(Kind.MATCHES, ("id",), mostly=mostly, asks={"regex": regex})
        for regex in ("a", "a|b", "[a-z]+", r"\w+", ".*", "(?=a).*")
        for mostly in (1, 0.5)
    ]
    made += [
        Expectation(Kind.IN, ("id",), asks={"values": ["a", "ä"]}),
        Expectation(Kind.DIGITS, ("seq",), asks={"digits": 20}),
    ]
    made += [
        Expectation(Kind.IN, ("whole",), asks={"values": [0, 1, 0.5, 2**70]}),
        Expectation(Kind.IN, ("part",), asks={"values": [0, 1.5, 2**60 + 1]}),
    ]
    made.append(Expectation(Kind.IN, ("flag",), asks={"values": [True]}))
    made += [Expectation(Kind.BETWEEN, ("at",), asks={"min": day.isoformat()}) for day in _DAYS[1:3]]
    made.append(Expectation(Kind.BETWEEN, ("at",), asks={"min": _DAYS[1].isoformat(), "max": _DAYS[4].isoformat()}))
    made += [
        Expectation(Kind.BETWEEN, ("whole",), asks=asks)
        for asks in ({"min": 0}, {"max": 0.5}, {"min": 0, "max": 1}, {"min": 1e300})
    ]
    made += [
        Expectation(Kind.BETWEEN, ("part",), asks=asks)
        for asks in ({"min": 0}, {"max": 1}, {"min": 0.5, "max": 1}, {"max": 2**60 + 1})
    ]
    made.append(Expectation(Kind.INCREASING, ("seq",)))
    made += [Expectation(Kind.KNOWN, (name,)) for name in ("segment_id", "canonical_segment_id", "merged_to")]
    return [*made, *(Expectation(Kind.CANONICAL, (name,)) for name in ("canonical_segment_id", "merged_to"))]


def rows_of(seed, graph):
    rnd = random.Random(seed)
    profiles = [*graph, NOBODY, "x", None]
    values = _OF | {"segment_id": profiles, "canonical_segment_id": profiles, "merged_to": profiles}
    count = rnd.randrange(10, 60)
    few = {name: rnd.sample(some, rnd.randrange(1, len(some) + 1)) for name, some in values.items()}
    kinds = {Type.TIMESTAMP: pa.timestamp("us", "UTC"), Type.BIGINT: pa.int64(), Type.DOUBLE: pa.float64()}
    kinds |= {Type.BOOLEAN: pa.bool_(), Type.STRING: pa.string()}
    return pa.table(
        {name: pa.array([rnd.choice(few[name]) for _ in range(count)], kinds[TYPES[name]]) for name in TYPES}
    )


def learnt(lake, rows, suite):
    graph = Graph(lake)
    graph.learn(pa.chunked_array(profiles_of(rows, suite)).unique())
    return graph


@pytest.mark.slow
def test_the_first_look_and_great_expectations_count_the_same(lake):
    graph, suite, unmet = scan(lake.lake.open("id_graph"))["segment_id"].to_pylist(), suites(), set()
    for seed in range(4):
        rows = rows_of(seed, graph)
        known = learnt(lake.lake, rows, suite)
        ours, asked = screen(rows, TYPES, suite, known)
        theirs = gx.judge(rows, asked, known)
        assert len(ours) == len(theirs) == len(suite)
        assert [(one, other) for one, other in zip(ours, theirs, strict=True) if one != other] == [], f"seed {seed}"
        unmet |= {one.expectation.kind for one in ours if not one.is_met}
    assert unmet == {*Kind} - {Kind.TYPE}  # each was broken at least once


def test_of_a_key_that_is_known_to_be_distinct_the_same_is_told_as_when_it_is_counted(lake):
    rows = scan(lake.lake.open("external_id_mapping_updates"))
    suite = [Expectation(Kind.UNIQUE, columns) for columns in (("id",), ("segment_id",), ("id", "segment_id"))]
    counted, _ = screen(rows, TYPES, suite, Graph(lake.lake))
    assert [one.is_met for one in counted] == [True, False, True]
    for one in suite[::2]:
        assert screen(rows, TYPES, suite, Graph(lake.lake), one.columns)[0] == counted


@pytest.mark.slow
def test_a_column_of_another_type_is_told_and_nothing_else_of_it(lake):
    suite = suite_of(FIXED_TABLES[0])
    types = FIXED_TABLES[0].types | {"seq": Type.BIGINT}
    rows = scan(lake.lake.open(FIXED_TABLES[0].name))
    rows = rows.set_column(rows.column_names.index("seq"), "seq", pa.array(range(rows.num_rows), pa.int64()))
    known = learnt(lake.lake, rows, suite)
    ours, asked = screen(rows, types, suite, known)
    assert [str(one.expectation) for one in ours if not one.is_met] == ["seq of the declared type"]
    assert [str(one.expectation) for one in gx.judge(rows, asked, known) if not one.is_met] == [
        "seq of the declared type"
    ]
    assert {one.kind for one in asked if one.column == "seq"} == {Kind.TYPE}


@pytest.mark.parametrize("table", [*FIXED_TABLES, TRACK_TABLE], ids=lambda table: table.name)
def test_every_table_has_a_suite_of_its_key_its_types_its_times_and_its_profiles(table):
    suite = suite_of(table)
    of = {kind: [one.columns for one in suite if one.kind is kind] for kind in Kind}
    assert [column for (column,) in of[Kind.TYPE]] == list(table.types)
    assert of[Kind.UNIQUE] == [table.key]
    assert {(column,) for column in table.key} <= set(of[Kind.NOT_NULL])
    assert [column for (column,) in of[Kind.BETWEEN]] == [
        name for name, kind in table.types.items() if kind == "timestamp"
    ]
    assert of[Kind.DIGITS] == [("seq",)] * ("seq" in table.types)
    assert [column for (column,) in of[Kind.KNOWN]] == [
        name for name in ("segment_id", "canonical_segment_id", "merged_to") if name in table.types
    ]


def test_the_graph_is_the_same_by_an_index_and_by_reading(lake, monkeypatch):
    table = scan(lake.lake.open("id_graph"))
    merged, asked = merged_away(lake), pa.array([*table["segment_id"].to_pylist(), NOBODY, "x", "ü" * 31, None])
    answers = []
    for small in (10**9, 0):
        monkeypatch.setattr(indexes, "SMALL", small)
        monkeypatch.setattr(indexes, "_MANY", 0)
        graph = Graph(lake.lake)
        graph.learn(asked.drop_null())
        answers.append((graph.is_known(asked).to_pylist(), graph.is_canonical(asked).to_pylist()))
    assert answers[0] == answers[1]
    assert answers[0][0] == [True] * table.num_rows + [False] * 3 + [None]
    assert answers[0][1] == [one != merged for one in table["segment_id"].to_pylist()] + [False] * 3 + [None]
    assert list((lake.folder / "lake/acme/_control/_index/_control/graph").iterdir())


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (Expectation(Kind.NOT_NULL, ("other",)), "there is no column other"),
        (Expectation(Kind.MATCHES, ("whole",), asks={"regex": "a"}), "whole is bigint, of which nobody can ask"),
        (Expectation(Kind.BETWEEN, ("id",), asks={"min": 1}), "id is string, of which nobody can ask"),
        (Expectation(Kind.BETWEEN, ("at",), asks={"min": 1}), "at is timestamp, and is compared"),
        (Expectation(Kind.BETWEEN, ("whole",), asks={"min": _DAYS[0].isoformat()}), "whole is bigint, and is compared"),
        (Expectation(Kind.IN, ("whole",), asks={"values": [1, "a"]}), "whole is bigint, and is compared"),
        (Expectation(Kind.IN, ("flag",), asks={"values": [1]}), "flag is boolean, and is compared"),
    ],
)
def test_what_cannot_be_asked_of_a_column_is_told(one, why):
    assert unfit(one, TYPES).startswith(why)


def test_all_that_the_first_look_counts_can_be_asked():
    assert [unfit(one, TYPES) for one in suites() if unfit(one, TYPES)] == []
