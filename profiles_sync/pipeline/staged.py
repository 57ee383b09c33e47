"""What reading a file stages, and how it is described to the steps that follow."""

from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from profiles_sync.pipeline.staging import Slice

IDENTITY = pa.schema(
    [
        ("row", pa.int32()),  # the event's place in its piece of the batch; others may lie between two of them
        ("received_at", pa.int64()),
        ("timestamp", pa.int64()),
        ("message_id", pa.string()),
        ("high", pa.int64()),  # with `low`, 128 bits of the messageId's SHA-1
        ("low", pa.int64()),
        ("type", pa.string()),
        ("name", pa.string()),
        ("blocked", pa.string()),  # JSON: [[type, value], ...], mostly null
        ("traits", pa.string()),  # JSON object of what an Identify sends, null for other calls
    ]
)
IDENTIFIERS = pa.schema(
    [
        ("row", pa.int32()),
        ("rank", pa.int16()),  # of its type in the rules; an event's identifiers stand best rank first
        ("high", pa.int64()),  # with `low`, 128 bits of its external_id_hash
        ("low", pa.int64()),
        ("value", pa.string()),
    ]
)
MIXED = "mixed"
ROW = "_row"  # in a table slice, the event's `row`


@dataclass(frozen=True)
class Brought:
    """A column that payloads brought to a slice.

    Attributes:
        kind: The type of all its values, or `mixed`: then they are staged as JSON.
        first_type: The type of its first value in landing order.
        received_at: Order of the event with the first value, with `message_id`.
        message_id: As above.
        row: That event's `row`.
    """

    kind: str
    first_type: str
    received_at: int
    message_id: str
    row: int

    @property
    def order(self) -> tuple[int, str]:
        """Columns of a table stand in the order of their first values, those of one event by name."""
        return self.received_at, self.message_id


@dataclass(frozen=True)
class TableSlice:
    """Rows of one file for one table."""

    table: str
    where: Slice
    brought: dict[str, Brought]


@dataclass(frozen=True)
class Parsed:
    """What some files of a source, or a piece of one, came to.

    Attributes:
        source: The slug of their source.
        piece_of: The path of the file that this is a piece of.
        lines: How many lines are not blank.
        places: The `row`s in it are below this.
        ends: How many lines there are, blank ones included.
        quarantined: Lines by reason.
        nul_characters: That were left out of texts.
        away: Path to why of the files that could not be opened; nothing of them is here.
        broken: Path to why of the files whose rest could not be read.
        identity: `IDENTITY`, one row per event.
        identifiers: `IDENTIFIERS`.
        quarantine: The quarantined lines, numbered from the beginning of the piece.
        tables: Rows of the events.
    """

    source: str
    piece_of: str | None
    lines: int
    places: int
    ends: int
    quarantined: dict[str, int]
    nul_characters: int
    away: dict[str, str]
    broken: dict[str, str]
    identity: Slice
    identifiers: Slice
    quarantine: Slice
    tables: tuple[TableSlice, ...]

    def to_json(self) -> str:
        """As a task returns it through Spark."""
        return orjson.dumps(self).decode()

    @classmethod
    def from_json(cls, text: str) -> "Parsed":
        """As the driver gets it back."""
        return cls.from_dict(orjson.loads(text))

    @classmethod
    def from_dict(cls, read: dict[str, Any]) -> "Parsed":
        """As it stands in JSON."""
        read |= {name: Slice(**read[name]) for name in ("identity", "identifiers", "quarantine")}
        read["tables"] = tuple(map(_table, read["tables"]))
        return cls(**read)


def _table(read: dict[str, dict[str, dict[str, object]]]) -> TableSlice:
    brought = {name: Brought(**column) for name, column in read["brought"].items()}  # type: ignore[arg-type]
    return TableSlice(str(read["table"]), Slice(**read["where"]), brought)  # type: ignore[arg-type]
