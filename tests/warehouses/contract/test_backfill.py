"""A warehouse that is connected to a lake with history, on every kind: see tests/sync/test_backfill.py for the rest."""

from tests.sync.steps import job, new, people, recent
from tests.warehouses.contract.steps import assert_same

RAW = ("id_graph_updates", "external_id_mapping_updates", "profile_traits_updates")


def test_history_is_sent_by_the_backfill_and_what_is_new_by_the_sync(twin, place):
    late, none = twin.settings, twin.settings.model_copy(update={"warehouses": {}})
    old = {"type": "page", "messageId": "p1", "anonymousId": "a7", "receivedAt": "2020-01-05T00:00:00Z"}
    for settings, events in ((none, [*people(), old]), (late, new())):
        twin.settings = settings
        twin.write(events)
        result = job(twin)
        assert result.status == "Success", result.shown()
    assert (result.warehouses["local"].tables["bought"].rows, result.report.warnings) == (1, [])
    assert (result.backfills["local"]["status"], result.backfills["local"]["errors"]) == ("completed", {})
    assert_same(twin, place, but=(*RAW, "pages"))
    assert place.rows("pages", ["id"]) == [("h1",)]  # the other one is older than two months
    times = [time for (time,) in place.rows("id_graph_updates", ["timestamp"])]
    assert (times.count(None), len(times)) == (3, 4)
    twin.write([{"type": "identify", "messageId": "x1", "userId": "u1", "anonymousId": "a7", "receivedAt": recent(0)}])
    assert job(twin).status == "Success"  # a profile of the history merges
    assert_same(twin, place, but=(*RAW, "pages"))
