"""An event as rows: one in its event type table and, for a Track call, one in its own table.

Source: Segment, "Warehouse Schemas" and "Profiles Sync Tables".
"""

from profiles_sync.spec import names
from profiles_sync.spec.columns import Value, flatten
from profiles_sync.spec.events import PAGES, Event, Json, scalar_text
from profiles_sync.spec.tables import EVENT_TABLE_OF, reserved_columns

Row = dict[str, Value]


def event_rows(event: Event) -> list[tuple[str, Row, Row]]:
    """The rows of the event: table, declared columns, columns that the payload and the context bring.

    Times in the declared columns are microseconds; `segment_id` and `uuid_ts` are filled in by whoever knows them.
    The brought columns may hold None, which creates no column.
    """
    table = EVENT_TABLE_OF[event.type]
    fixed, context = _common(event), flatten(_shown(event.context), frozenset(), "context_")
    if event.type == "track":
        assert event.event is not None
        slug = names.event_slug(event.event)
        fixed |= {"event": slug, "event_text": event.event}
        own = names.event_table(slug)
        return [(table, fixed, context), (own, fixed, context | flatten(event.payload, reserved_columns(own)))]
    fixed |= _own_columns(event)
    return [(table, fixed, context | flatten(_remaining(event), reserved_columns(table)))]


def sent_traits(event: Event) -> Row:
    """The traits that an Identify call sends, by column; None asks to remove one. Empty for other calls."""
    return flatten(event.payload, reserved_columns("identifies")) if event.type == "identify" else {}


def _common(event: Event) -> Row:
    return {
        "id": event.message_id,
        "anonymous_id": event.anonymous_id,
        "user_id": event.user_id,
        "event_source_id": event.source.id,
        "received_at": event.received_at,
        "sent_at": event.sent_at,
        "original_timestamp": event.original_timestamp,
        "timestamp": event.timestamp,
    }


def _own_columns(event: Event) -> Row:
    if event.type in PAGES:
        group = scalar_text(event.context.get("groupId"))
        return {"name": event.name, "category": event.category, "group_id": group}
    if event.type == "group":
        return {"group_id": event.group_id}
    return {"previous_id": event.previous_id} if event.type == "alias" else {}


def _remaining(event: Event) -> Json:
    """A page's name and category stand in its properties too; the column of its own shows them once."""
    if event.type not in PAGES:
        return event.payload
    own = {key: text for key, text in (("name", event.name), ("category", event.category)) if text is not None}
    return {key: value for key, value in event.payload.items() if key not in own or scalar_text(value) != own[key]}


def _shown(context: Json) -> Json:
    """`context.integrations` is routing, not data: Segment never lands it."""
    return {key: value for key, value in context.items() if key != "integrations"}
