"""Every table that lands, declared once: columns, types, key and how it changes.

The table reference in the README, the Delta schemas, the warehouse DDL and the tests all read this file.
Source: Segment, "Profiles Sync Tables and Materialized Views".
"""

from dataclasses import dataclass
from enum import StrEnum


class Type(StrEnum):
    """The five logical column types; the values are Delta's names."""

    STRING = "string"
    BIGINT = "bigint"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"


class Group(StrEnum):
    """The table groups a person picks from in Selective Sync, and the views one materializes oneself."""

    RAW = "profile raw table"
    EVENT_TYPE = "event type table"
    TRACK = "track event table"
    MATERIALIZED = "profile materialized table"
    VIEW = "view you materialize"


class Change(StrEnum):
    """How rows arrive: appended once by `id`, or merged by key with deletes."""

    APPEND = "append"
    MERGE = "merge"


@dataclass(frozen=True)
class Column:
    """A column: snake_case name, logical type, one sentence for the table reference."""

    name: str
    type: Type
    about: str


@dataclass(frozen=True)
class Table:
    """A table: `columns` are always there; `grows` says what may add more columns later."""

    name: str
    group: Group
    change: Change
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    about: str
    grows: str = ""

    @property
    def types(self) -> dict[str, Type]:
        """Column name to type, in order."""
        return {column.name: column.type for column in self.columns}


def _columns(declared: str, about: dict[str, str]) -> tuple[Column, ...]:
    pairs = (item.split(":") for item in declared.split())
    return tuple(Column(name, Type(kind), about[name]) for name, kind in pairs)


_ABOUT = {
    "id": "Unique identifier of the row; the messageId on event tables.",
    "segment_id": "The profile when the event or identifier was first observed; it may have merged since.",
    "canonical_segment_id": "The fully merged profile that the segment_id belongs to now.",
    "seq": "Sequential value derived from the time received: 20 digits, orders every raw row of the space.",
    "uuid_ts": "When the run that wrote the row loaded it; one value per run, larger than any earlier run's.",
    "received_at": "When the event was received (UTC).",
    "timestamp": "When the event happened (UTC), corrected for the device's clock; empty on backfilled rows.",
    "sent_at": "When the client sent the event (UTC), as sent.",
    "original_timestamp": "The time the client stamped on the event (UTC), as sent.",
    "anonymous_id": "The event's anonymousId.",
    "user_id": "The event's userId.",
    "event_source_id": "The source that the event came from.",
    "triggering_event_type": "The call that caused the row: identify, track, page, screen or group.",
    "triggering_event_id": "The messageId of the event that caused the row.",
    "triggering_event_name": "The name of the event that caused the row: a track event, page or screen name.",
    "triggering_event_source_id": "The id of the source of the event that caused the row.",
    "triggering_event_source_name": "The name of the source of the event that caused the row.",
    "triggering_event_source_slug": "The slug of the source of the event that caused the row.",
    "external_id_hash": "Hex SHA-1 of the external ID type followed by its value.",
    "external_id_type": "The type of external ID, such as user_id or anonymous_id.",
    "external_id_value": "The value of the external ID, as received.",
    "__operation": "CREATED, or REMOVED when the identifier was deleted from the profile.",
    "name": "The name of the trait, in snake_case, or of the page or screen.",
    "value": "The value as text: numbers and booleans as JSON, arrays as JSON.",
    "type": "The type of external ID.",
    "merged_to": "The profile this one was merged into; empty while it is canonical.",
    "event": "The slug of the event's name, mostly its table's name.",
    "event_text": "The event's name as sent.",
    "category": "The category of the page or screen.",
    "group_id": "The group the call names.",
    "previous_id": "The id that the alias call replaces.",
    "reason": "Why the line was not taken.",
    "source_id": "The id of the source the line came from.",
    "source_slug": "The slug of the source the line came from.",
    "file": "The file the line stands in.",
    "line_number": "Its line in that file, from 1.",
    "raw": "The line as it was read.",
    "batch": "The batch that read the line.",
}

_TRIGGER = (
    "triggering_event_type:string triggering_event_id:string triggering_event_name:string "
    "triggering_event_source_id:string triggering_event_source_name:string triggering_event_source_slug:string"
)
_STAMPS = "seq:string received_at:timestamp timestamp:timestamp uuid_ts:timestamp"
_EVENT = (
    "id:string segment_id:string anonymous_id:string user_id:string event_source_id:string received_at:timestamp "
    "sent_at:timestamp original_timestamp:timestamp timestamp:timestamp uuid_ts:timestamp"
)


def _raw(name: str, columns: str, about: str, grows: str = "") -> Table:
    return Table(name, Group.RAW, Change.APPEND, ("id",), _columns(columns, _ABOUT), about, grows)


def _event(name: str, extra: str, about: str, grows: str) -> Table:
    columns = _columns(f"{_EVENT} {extra}".strip(), _ABOUT)
    return Table(name, Group.EVENT_TYPE, Change.APPEND, ("id",), columns, about, grows)


def _merged(name: str, group: Group, key: str, columns: str, about: str, grows: str = "") -> Table:
    return Table(name, group, Change.MERGE, tuple(key.split()), _columns(columns, _ABOUT), about, grows)


_PROPERTIES = "a column per context field and per property"
_TRAITS = "a column per context field and per trait"

RAW_TABLES = (
    _raw(
        "id_graph_updates",
        f"id:string segment_id:string canonical_segment_id:string {_STAMPS} {_TRIGGER}",
        "One row when a profile is created and one for each segment_id that a merge points elsewhere.",
    ),
    _raw(
        "external_id_mapping_updates",
        "id:string segment_id:string external_id_type:string external_id_value:string external_id_hash:string "
        f"{_STAMPS} {_TRIGGER} __operation:string",
        "One row when an external ID is first observed, with the profile it was first attached to.",
    ),
    _raw(
        "profile_traits_updates",
        f"id:string segment_id:string {_STAMPS} {_TRIGGER}",
        "One row per change: the full set of the profile's traits after an Identify call or a merge.",
        "a column per trait",
    ),
)

EVENT_TYPE_TABLES = (
    _event("identifies", "", "Every Identify call.", _TRAITS),
    _event("pages", "name:string category:string group_id:string", "Every Page call.", _PROPERTIES),
    _event("screens", "name:string category:string group_id:string", "Every Screen call.", _PROPERTIES),
    _event("groups", "group_id:string", "Every Group call.", _TRAITS),
    _event("aliases", "previous_id:string", "Every Alias call; aliases never merge profiles.", _TRAITS),
    _event(
        "tracks",
        "event:string event_text:string",
        "Every Track call, without its properties.",
        "a column per context field",
    ),
)

MATERIALIZED_TABLES = (
    _merged(
        "profile_merges",
        Group.MATERIALIZED,
        "segment_id",
        f"canonical_segment_id:string segment_id:string {_STAMPS}",
        "Which profile each segment_id belongs to now.",
    ),
    _merged(
        "user_identifiers",
        Group.MATERIALIZED,
        "canonical_segment_id type value",
        f"canonical_segment_id:string type:string value:string {_STAMPS}",
        "The external IDs of each profile.",
    ),
    _merged(
        "user_traits",
        Group.MATERIALIZED,
        "canonical_segment_id name",
        f"canonical_segment_id:string name:string value:string {_STAMPS}",
        "The traits of each profile, one row each.",
    ),
)

VIEWS = (
    _merged(
        "id_graph",
        Group.VIEW,
        "segment_id",
        "segment_id:string canonical_segment_id:string seq:string timestamp:timestamp uuid_ts:timestamp",
        "The current state of the identity graph.",
    ),
    _merged(
        "external_id_mapping",
        Group.VIEW,
        "external_id_hash",
        "canonical_segment_id:string external_id_type:string external_id_value:string external_id_hash:string "
        "timestamp:timestamp uuid_ts:timestamp",
        "The current profile of each external ID.",
    ),
    _merged(
        "profile_traits",
        Group.VIEW,
        "canonical_segment_id",
        "canonical_segment_id:string merged_to:string seq:string timestamp:timestamp uuid_ts:timestamp",
        "One row per profile with the last seen value of every trait; merged-away profiles say where they went.",
        "a column per trait",
    ),
)

TRACK_TABLE = Table(
    "<event>",
    Group.TRACK,
    Change.APPEND,
    ("id",),
    _columns(f"{_EVENT} event:string event_text:string", _ABOUT),
    "One table per unique Track event name.",
    _PROPERTIES,
)

QUARANTINE = Table(
    "quarantine",
    Group.EVENT_TYPE,
    Change.APPEND,
    ("file", "line_number"),
    _columns(
        "reason:string source_id:string source_slug:string file:string line_number:bigint raw:string "
        "received_at:timestamp uuid_ts:timestamp batch:bigint",
        _ABOUT | {"received_at": "When the file was last modified (UTC)."},
    ),
    "Every line that was not taken, with its reason. It stays in the lake and is never synced.",
)

FIXED_TABLES = (*RAW_TABLES, *EVENT_TYPE_TABLES, *MATERIALIZED_TABLES, *VIEWS)
BY_NAME = {table.name: table for table in FIXED_TABLES}

EVENT_TABLE_OF = {
    "identify": "identifies",
    "page": "pages",
    "screen": "screens",
    "group": "groups",
    "alias": "aliases",
    "track": "tracks",
}


def _names(*tables: Table) -> frozenset[str]:
    return frozenset(column.name for table in tables for column in table.columns)


_TRAIT_TABLES = _names(BY_NAME["identifies"], BY_NAME["profile_traits_updates"], BY_NAME["profile_traits"])


def reserved_columns(name: str) -> frozenset[str]:
    """The names a trait, property or context field may not take in table `name`: it gets a `_` in front instead.

    The three tables with a column per trait share one set, so that a trait has the same name in all of them.
    """
    return _TRAIT_TABLES if name in {"identifies", "profile_traits_updates", "profile_traits"} else _names(table(name))


def table(name: str) -> Table:
    """The declaration of the table called `name`: a fixed one, the quarantine, or a track event table."""
    if name == QUARANTINE.name:
        return QUARANTINE
    fixed = BY_NAME.get(name)
    return fixed or Table(
        name,
        TRACK_TABLE.group,
        TRACK_TABLE.change,
        TRACK_TABLE.key,
        TRACK_TABLE.columns,
        TRACK_TABLE.about,
        TRACK_TABLE.grows,
    )
