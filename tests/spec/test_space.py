"""What the cases cannot say of the reference: the order of columns, and look-ups."""

from profiles_sync.spec.events import Source, read_call
from profiles_sync.spec.identifiers import Identifier
from profiles_sync.spec.rules import IdentityRules
from profiles_sync.spec.space import Space, Tables
from profiles_sync.spec.tables import Type


def test_new_columns_stand_in_the_order_of_their_events_and_those_of_one_event_by_name() -> None:
    made = Tables()
    made.append("opened", {"id": "e1"}, {"size": 1, "plan": "pro", "none": None})
    made.append("opened", {"id": "e2"}, {"none": True, "area": 2.5, "size": "3"})
    assert list(made.added["opened"].items()) == [
        ("plan", Type.STRING),
        ("size", Type.BIGINT),
        ("area", Type.DOUBLE),
        ("none", Type.BOOLEAN),
    ]
    assert made.rows["opened"][1] == {"id": "e2", "none": True, "area": 2.5, "size": 3}


def test_a_value_that_its_column_cannot_hold_is_counted() -> None:
    made = Tables()
    for value in (1, "x", None, "2"):
        made.append("opened", {}, {"size": value})
    assert made.cast_to_null == 1


def test_any_identifier_of_a_merged_profile_leads_to_the_survivor() -> None:
    space, website = Space("acme", IdentityRules()), Source("website", "source_1", "Website")
    calls = [{"anonymousId": "a1"}, {"userId": "u2"}, {"anonymousId": "a1", "userId": "u2"}]
    for number, call in enumerate(calls):
        space.land([read_call({"type": "page", "messageId": f"m{number}"} | call, website, number, lambda: "")])
    survivor = space.tables.rows["id_graph_updates"][0]["segment_id"]
    assert space.owner(Identifier("user_id", "u2")) == space.owner(Identifier("anonymous_id", "a1")) == survivor
    assert space.owner(Identifier("user_id", "u3")) is None
