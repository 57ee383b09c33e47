"""Parquet rows to events: what the values of every type stand for."""

import datetime as dt
import decimal
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.intake import NOON, ids, put, quarantined, rows, take
from tests.lakes import Twin


@pytest.fixture
def twin(tmp_path):
    return Twin(tmp_path / "space")


def write(twin, name, columns, **options):
    path = put(twin, name, b"")
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_objects_may_be_structs_maps_or_json_text(twin):
    text, pairs = pa.string(), pa.map_(pa.string(), pa.string())
    columns = {
        "type": ["identify"] * 3,
        "userId": ["u1", "u1", "u1"],
        "messageId": ["m1", "m2", "m3"],
        "receivedAt": [NOON, NOON + dt.timedelta(seconds=1), NOON + dt.timedelta(seconds=2)],
        "context": pa.array([{"page": {"url": "x", "title": None}}, None, {"page": None}]),
        "traits": pa.array([[("plan", "pro"), ("age", "7")], [("plan", None)], []], pairs),
        "integrations": pa.array(['{"All": true}', None, "{}"], text),
    }
    write(twin, "a.parquet", columns)
    assert take(twin).events == 3
    found = {row["id"]: row for row in rows(twin, "identifies")}
    assert [found[one]["context_page_url"] for one in ("m1", "m2", "m3")] == ["x", None, None]
    assert "context_page_title" not in found["m1"]
    assert [(row["name"], row["value"]) for row in rows(twin, "user_traits")] == [("age", "7")]


def test_json_text_is_taken_as_it_would_be_in_a_line(twin):
    texts = ['{\r\n  "a": 1\n}', r'{"b": "\ud83d"}', r'{"b": "\ud83d\ude00"}', '{"c": 1e999}']
    texts += [f'{{"c": {"[" * 1023}{"]" * 1023}}}', '{"c": NaN}', "[1e999]"]
    ids = [f"m{number}" for number, _ in enumerate(texts)]
    columns = {"type": ["page"] * 7, "userId": ["u1"] * 7, "messageId": ids, "properties": texts}
    write(twin, "a.parquet", columns)
    report = take(twin)
    assert report.read == 7
    assert report.quarantined == {
        "nested too deeply": 1,
        "number too large for a double": 1,
        "properties is not an object": 2,
    }
    assert sorted((row["id"], row["a"], row["b"]) for row in rows(twin, "pages")) == [
        ("m0", 1, None),
        ("m1", None, "\ufffd"),
        ("m2", None, "😀"),
    ]


def test_what_is_not_an_object_is_in_quarantine(twin):
    texts = ['{"a": 1}', "[1]", "{broken", '{"a": 1}, "type": "identify"', ""]
    write(twin, "a.parquet", {"type": ["page"] * 5, "userId": ["u1"] * 5, "properties": texts})
    assert take(twin).quarantined == {"properties is not an object": 4}
    assert [number for _, number, _, _ in quarantined(twin)] == [2, 3, 4, 5]
    assert json.loads(quarantined(twin)[2][3])["properties"] == texts[3]
    assert [row["a"] for row in rows(twin, "pages")] == [1]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (pa.timestamp("us", "UTC"), {}),
        (pa.timestamp("ms"), {}),
        (pa.timestamp("ns", "America/New_York"), {}),
        (pa.timestamp("ns"), {"use_deprecated_int96_timestamps": True}),
        (pa.string(), {}),
    ],
)
def test_a_timestamp_is_utc_whatever_its_type(twin, kind, options):
    moment = NOON.isoformat() if kind == pa.string() else pa.scalar(NOON).cast(pa.timestamp("us")).cast(kind)
    times = pa.array([moment.as_py() if isinstance(moment, pa.Scalar) else moment], kind)
    columns = {"type": ["page"], "userId": ["u1"], "receivedAt": times, "properties": pa.array([{"at": NOON}])}
    write(twin, "a.parquet", columns, **options)
    assert take(twin).events == 1
    assert [(row["received_at"], row["at"]) for row in rows(twin, "pages")] == [(NOON, NOON)]


def test_a_timestamp_loses_what_is_finer_than_a_microsecond(twin):
    finer = pa.array([1_767_614_400_123_456_789]).cast(pa.timestamp("ns"))
    write(twin, "a.parquet", {"type": ["page"], "userId": ["u1"], "receivedAt": finer})
    assert take(twin).events == 1
    assert [row["received_at"] for row in rows(twin, "pages")] == [NOON.replace(microsecond=123_456)]


def test_numbers_bytes_and_lists(twin):
    values = {
        "price": decimal.Decimal("12.50"),
        "count": decimal.Decimal("3.00"),
        "large": decimal.Decimal("123456789012345678901234.00"),
        "list": [1, None, 2],
        "bytes": b"text",
        "other": b"\xff\x00",
        "day": dt.date(2026, 1, 5),
        "nan": float("nan"),
        "long": 2**53 + 1,
    }
    price = pa.decimal128(38, 2)
    fields = [
        (name, price if isinstance(value, decimal.Decimal) else pa.scalar(value).type) for name, value in values.items()
    ]
    columns = {
        "type": pa.array([b"page"]),
        "userId": pa.array([17]),
        "messageId": pa.array(["m1"]).dictionary_encode(),
        "properties": pa.array([values], pa.struct(fields)),
    }
    write(twin, "a.parquet", columns)
    assert take(twin).events == 1
    (found,) = rows(twin, "pages")
    assert (found["id"], found["user_id"]) == ("m1", "17")
    assert {name: found.get(name) for name in values} == {
        "price": 12.5,
        "count": 3,
        "large": "123456789012345678901234",
        "list": "[1,null,2]",
        "bytes": "text",
        "other": "/wA=",
        "day": "2026-01-05",
        "nan": None,
        "long": 2**53 + 1,
    }


def test_a_value_that_is_none_costs_its_row_and_no_other(twin):
    texts = pa.StringArray.from_buffers(
        3, pa.array([0, 2, 4, 6], pa.int32()).buffers()[1], pa.py_buffer(b"u1\xff\xfeu3")
    )
    times = pa.array([0, 0, 2**62], pa.int64()).cast(pa.timestamp("us", "UTC"))
    columns = {"type": ["page"] * 3, "userId": texts, "messageId": ["m1", "m2", "m3"], "timestamp": times}
    write(twin, "a.parquet", columns)
    report = take(twin)
    assert (report.events, report.quarantined) == (1, {"broken JSON": 2})
    assert ids(twin) == ["m1"]
    second, third = quarantined(twin)
    assert second[1:] == (
        2,
        "broken JSON",
        'unreadable column userId: {"type":"page","messageId":"m2","timestamp":"1970-01-01T00:00:00Z"}',
    )
    assert third[3].startswith("unreadable column timestamp: ")


def test_columns_in_the_path_are_columns_of_the_rows(twin):
    nothing = "userId=__HIVE_DEFAULT_PARTITION__"
    write(twin, "type=track/event=Signed%20Up%2F2/a.parquet", {"userId": ["u1"], "messageId": ["m1"]})
    write(twin, f"type=page/{nothing}/a.parquet", {"messageId": ["m2"], "type": ["screen"]})
    put(twin, "type=page/a.jsonl", b'{"userId": "u1", "messageId": "m3"}')
    report = take(twin)
    assert (report.events, report.quarantined) == (2, {"missing type": 1})
    assert [(row["id"], row["event_text"]) for row in rows(twin, "tracks")] == [("m1", "Signed Up/2")]
    assert [(row["id"], row["user_id"]) for row in rows(twin, "screens")] == [("m2", None)]
