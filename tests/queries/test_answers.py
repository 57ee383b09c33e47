"""Every sample query runs on DuckDB and on Postgres, and its answer is what plain Python makes of the lake's rows."""

import hashlib
from collections import Counter, defaultdict
from datetime import timedelta
from itertools import groupby
from operator import itemgetter

import pytest

from profiles_sync.queries import library
from profiles_sync.spec.tables import BY_NAME

KINDS = ("duckdb", "postgres")


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


# The case study, whose answers Segment's pages show


def profiles(space):
    """p1 and p2, in order of creation."""
    rows = sorted(space.rows("id_graph_updates"), key=itemgetter("seq"))
    return list(dict.fromkeys(row["segment_id"] for row in rows))


def test_the_case_study_was_created_twice_and_merged_once(case_study, kind):
    rows = case_study.answer("profile_changes_per_hour", kind).rows
    assert [(str(row[0]), *row[1:]) for row in rows] == [
        ("2022-05-02 14:00:00", "profile creation", "page", 1),
        ("2022-06-22 10:00:00", "profile creation", "page", 1),
        ("2022-06-22 10:00:00", "profile merge", "identify", 1),
    ]


def test_the_case_study_is_one_person(case_study, kind):
    p1, p2 = profiles(case_study)
    email = "jane.kim@segment.com"
    of = lambda name, **given: [tuple(row) for row in case_study.answer(name, kind, **given).rows]  # noqa: E731
    assert of("segment_ids_per_profile") == [(p1, ", ".join(sorted((p1, p2))))]
    anonymous = "5285bc35-05ef-4d21 (anonymous_id), b50e18a5-1b8d-451c (anonymous_id)"
    assert of("external_ids_per_profile") == [(p1, f"{anonymous}, {email} (email)")]
    assert [row[:2] for row in of("traits_per_profile")] == [(p1, None)]
    assert case_study.answer("traits_per_profile", kind).shown()["rows"][0]["email"] == email
    assert [row[0] for row in of("profile_of_an_external_id", value=email)] == [p1] * 3
    assert [row[:4] for row in of("causes_of_merges", profile=p1)] == [(p2, p1, "identify", "event_4")]
    pages = case_study.answer("pages_of_a_profile", kind, profile=p2)
    assert [row["id"] for row in pages.shown()["rows"]] == ["event_1", "event_3"]
    assert [row[1:4] for row in of("sources_of_a_trait", trait="email", profile=p1)] == [
        (p2, "s_website", email),
        (p1, "s_website", email),
    ]
    assert of("profiles_at_a_limit") == []
    assert of("profiles_at_a_limit", limit="1") == [(p1, 1, email)]
    assert of("external_id_hashes")[2][2:] == ("bc269125e7a325f844980b80d7084928bbcaf304",) * 2


# The generated space, against plain Python


def canonical(space):
    return {row["segment_id"]: row["canonical_segment_id"] for row in space.rows("id_graph")}


def someone(space):
    """A profile that others were merged into, which visited pages and has a plan."""
    graph, merged = canonical(space), Counter(canonical(space).values())
    with_pages = {graph[row["segment_id"]] for row in space.rows("pages") if row["segment_id"]}
    identified = {graph[row["segment_id"]] for row in space.rows("identifies") if row["plan"]}
    return min(one for one, count in merged.items() if count > 1 and one in with_pages & identified)


def child_of(space):
    """Its merged-away profile, which leads to it just as well."""
    return next(one for one, into in canonical(space).items() if into == someone(space) and one != into)


def per_day(rows, *of):
    days = defaultdict(list)
    for row in rows:
        days[row["timestamp"].date()].append(row)
    return [(day, *(one(some) for one in of)) for day, some in sorted(days.items())]


def distinct(key):
    return lambda rows: len({value for row in rows if (value := key(row)) is not None})


def last_per(rows, *keys, by=("received_at", "id")):
    found = {}
    for row in sorted(rows, key=itemgetter(*by)):
        found[tuple(row[key] for key in keys)] = row
    return [row for _, row in sorted(found.items())]


def wide(space, table, rows):
    return [tuple(row[column] for column in space.columns(table)) for row in rows]


def profile_changes_per_hour(space):
    found = defaultdict(set)
    for row in space.rows("id_graph_updates"):
        change = "creation" if row["segment_id"] == row["canonical_segment_id"] else "merge"
        hour = row["timestamp"].replace(minute=0, second=0, microsecond=0)
        found[hour, f"profile {change}", row["triggering_event_type"]].add(row["triggering_event_id"])
    return [(*key, len(events)) for key, events in sorted(found.items())]


def profiles_at_a_limit(space):
    found = defaultdict(list)
    for row in space.rows("external_id_mapping"):
        if row["external_id_type"] == "anonymous_id":
            found[row["canonical_segment_id"]].append(row["external_id_value"])
    full = [(one, len(ids), ", ".join(sorted(ids))) for one, ids in found.items() if len(ids) >= 3]
    return sorted(full, key=lambda row: (-row[1], row[0]))


def sources_of_a_trait(space):
    graph, profile = canonical(space), someone(space)
    rows = [row for row in space.rows("identifies") if row["plan"] and graph[row["segment_id"]] == profile]
    last = last_per(rows, "segment_id", by=("timestamp", "id"))
    found = [(profile, *itemgetter("segment_id", "event_source_id", "plan", "timestamp")(row)) for row in last]
    return sorted(found, key=lambda row: (-row[4].timestamp(), row[1]))


def segment_ids_per_profile(space):
    found = defaultdict(list)
    for one, into in canonical(space).items():
        found[into].append(one)
    return [(into, ", ".join(sorted(ids))) for into, ids in sorted(found.items())]


def external_ids_per_profile(space):
    found = defaultdict(list)
    for row in space.rows("external_id_mapping"):
        found[row["canonical_segment_id"]].append(f"{row['external_id_value']} ({row['external_id_type']})")
    return [(into, ", ".join(sorted(ids))) for into, ids in sorted(found.items())]


def traits_per_profile(space):
    rows = [row for row in space.rows("profile_traits") if row["merged_to"] is None]
    return wide(space, "profile_traits", sorted(rows, key=itemgetter("canonical_segment_id")))


def subscription_statuses(space):
    rows = last_per(space.rows("channel_subscription_updated"), "user_id", "channel", "_id")
    return [itemgetter("user_id", "channel", "_id", "status", "received_at")(row) for row in rows]


def pages_of_a_profile(space):
    graph, columns, profile = canonical(space), space.columns("pages"), someone(space)
    rows = [row for row in space.rows("pages") if graph.get(row["segment_id"]) == profile]
    rows.sort(key=itemgetter("timestamp", "id"))
    return [(profile, *(row[column] for column in columns)) for row in rows]


def history_of_a_trait(space):
    graph = canonical(space)
    rows = [row for row in space.rows("identifies") if row["newsletter"] is not None]
    rows.sort(key=lambda row: (graph[row["segment_id"]], row["timestamp"], row["id"]))
    return [(graph[row["segment_id"]], row["newsletter"], row["timestamp"]) for row in rows]


def external_id_hashes(space):
    rows = sorted(space.rows("external_id_mapping"), key=itemgetter("external_id_hash"))
    pairs = [(row["external_id_type"], row["external_id_value"]) for row in rows]
    digests = [hashlib.sha1("".join(pair).encode()).hexdigest() for pair in pairs]
    return [(*pair, row["external_id_hash"], one) for pair, row, one in zip(pairs, rows, digests, strict=True)]


def track_event_tables(space):
    return [(name,) for name in sorted({row["event"] for row in space.rows("tracks")})]


def users_per_day(space):
    return per_day(space.rows("identifies"), distinct(itemgetter("user_id")))


def page_views_per_day(space):
    graph = canonical(space)
    return per_day(space.rows("pages"), len, distinct(lambda row: graph.get(row["segment_id"])))


def track_events(space):
    found = defaultdict(list)
    for row in space.rows("tracks"):
        found[row["event"], row["event_text"]].append(row["timestamp"])
    rows = [(*key, len(times), min(times), max(times)) for key, times in found.items()]
    return sorted(rows, key=lambda row: (-row[2], row[:2]))


def count_of_an_event(space):
    rows = [row for row in space.rows("tracks") if row["event"] == "signed_up"]
    return [(len(rows), distinct(itemgetter("user_id"))(rows))]


def events_with_a_value(space):
    rows = [row for row in space.rows("channel_subscription_updated") if row["place"] == "it's {table pages}"]
    return wide(space, "channel_subscription_updated", sorted(rows, key=itemgetter("received_at", "id")))


def sum_per_day(space):
    total = lambda rows: sum(row["price"] or 0 for row in rows)  # noqa: E731
    return per_day(space.rows("order_completed"), len, total)


def events_per_day(space):
    graph = canonical(space)
    return per_day(space.rows("order_completed"), len, distinct(lambda row: graph.get(row["segment_id"])))


def values_side_by_side(space):
    graph, found = canonical(space), defaultdict(lambda: [0, 0, 0])
    for row in space.rows("channel_subscription_updated"):
        place = {"EMAIL": 0, "SMS": 1}.get(row["channel"], 2)
        found[graph[row["segment_id"]]][place] += 1
    return [(one, *counts) for one, counts in sorted(found.items())]


def sessions(space):
    graph, made = canonical(space), []
    rows = [
        (graph[row["segment_id"]], row["timestamp"], row["id"]) for row in space.rows("tracks") if row["segment_id"]
    ]
    for one, some in groupby(sorted(rows), key=itemgetter(0)):
        parts = []
        for _, at, _ in some:
            if not parts or at - parts[-1][-1] > timedelta(minutes=120):
                parts.append([])
            parts[-1].append(at)
        made += [(one, number, part[0], part[-1], len(part)) for number, part in enumerate(parts, start=1)]
    return made


def latest_identify_per_user(space):
    rows = [row for row in space.rows("identifies") if row["user_id"] is not None]
    return wide(space, "identifies", last_per(rows, "user_id"))


def profiles_per_trait_value(space):
    rows = space.rows("profile_traits")
    found = Counter(row["plan"] for row in rows if row["merged_to"] is None)
    return sorted(found.items(), key=lambda row: (-row[1], row[0] or ""))


def latest_group_call_per_group(space):
    return wide(space, "groups", last_per(space.rows("groups"), "group_id"))


def rows_of_a_day(space):
    day = loaded(space)
    rows = [row for row in space.rows("screens") if str(row["uuid_ts"].date()) == day]
    return wide(space, "screens", sorted(rows, key=itemgetter("received_at", "id")))


def loaded(space):
    """The day on which the last batch was loaded."""
    return str(max(row["uuid_ts"] for row in space.rows("screens")).date())


def latest_row_per_id(space):
    return wide(space, "screens", sorted(space.rows("screens"), key=itemgetter("id")))


def profile_of_an_external_id(space):
    return [(someone(space), *pair) for pair in sorted(external_ids_of(someone(space), space))]


def external_ids_of(profile, space):
    rows = [row for row in space.rows("external_id_mapping") if row["canonical_segment_id"] == profile]
    return [(row["external_id_type"], row["external_id_value"]) for row in rows]


def email_of(space):
    return min(value for kind, value in external_ids_of(someone(space), space) if kind == "email")


def causes_of_merges(space):
    names = ("segment_id", "canonical_segment_id", "triggering_event_type", "triggering_event_id")
    names += ("triggering_event_source_id", "timestamp")
    rows = [row for row in space.rows("id_graph_updates") if row["segment_id"] != row["canonical_segment_id"]]
    graph, profile = canonical(space), someone(space)
    mine = [row for row in rows if graph[row["segment_id"]] == profile]
    return [itemgetter(*names)(row) for row in sorted(mine, key=itemgetter("seq"))]


def columns_of_a_table(space):
    return None  # the types are the warehouse's own, see below


#: Query to what it is asked with, and what Python makes of the same.
ASKED = {
    profile_changes_per_hour: {},
    profiles_at_a_limit: {"type": "anonymous_id", "limit": "3"},
    sources_of_a_trait: {"trait": "plan", "profile": child_of},
    segment_ids_per_profile: {},
    external_ids_per_profile: {},
    traits_per_profile: {},
    subscription_statuses: {},
    pages_of_a_profile: {"profile": child_of},
    history_of_a_trait: {"trait": "newsletter"},
    external_id_hashes: {},
    columns_of_a_table: {"table": "pages"},
    track_event_tables: {},
    users_per_day: {},
    page_views_per_day: {},
    track_events: {},
    count_of_an_event: {},
    events_with_a_value: {"event": "channel_subscription_updated", "property": "place", "value": "it's {table pages}"},
    sum_per_day: {"property": "price"},
    events_per_day: {},
    values_side_by_side: {
        "event": "channel_subscription_updated",
        "property": "channel",
        "first": "EMAIL",
        "second": "SMS",
    },
    sessions: {"minutes": "120"},
    latest_identify_per_user: {},
    profiles_per_trait_value: {"trait": "plan"},
    latest_group_call_per_group: {},
    rows_of_a_day: {"table": "screens", "day": loaded},
    latest_row_per_id: {"table": "screens"},
    profile_of_an_external_id: {"value": email_of},
    causes_of_merges: {"profile": child_of},
}


def test_every_query_is_asked_here():
    assert {one.__name__ for one in ASKED} == library().keys()


@pytest.mark.parametrize("query", ASKED, ids=lambda one: one.__name__)
def test_a_query_answers_what_python_makes_of_the_lake(generated, kind, query):
    given = {name: value(generated) if callable(value) else value for name, value in ASKED[query].items()}
    answer = generated.answer(query.__name__, kind, **given)
    wanted = query(generated)
    if wanted is None:
        assert [row[0] for row in answer.rows] == generated.columns("pages")
        return
    assert wanted, "nothing to compare"
    assert [len(row) for row in answer.rows] == [len(answer.columns)] * len(wanted)
    assert [tuple(map(rounded, row)) for row in answer.rows] == [tuple(map(rounded, row)) for row in wanted]


def rounded(value):
    return round(value, 6) if isinstance(value, float) else value


def test_an_answer_names_its_columns(generated, kind):
    first = generated.answer("latest_group_call_per_group", kind).shown()["rows"][0]
    assert list(first) == generated.columns("groups")
    assert first["group_id"] == min(row["group_id"] for row in generated.rows("groups"))
    last = {**{row["id"]: row for row in generated.rows("groups")}[first["id"]]}
    assert first == last


def test_the_fixed_tables_are_left_out_of_the_track_event_tables():
    for body in [library()["track_event_tables"].body, *library()["track_event_tables"].bodies.values()]:
        assert all(f"'{name}'" in body for name in BY_NAME)
