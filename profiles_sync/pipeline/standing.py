"""Where the profiles that a batch knows stand after it."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from profiles_sync.pipeline.changes import seq_texts
from profiles_sync.pipeline.identity import Resolved
from profiles_sync.pipeline.landing import numbers

Numbers = NDArray[np.int64]


class Standing:
    """Where every profile that the batch knows stands after it; columns beside `numbers`."""

    def __init__(self, resolved: Resolved) -> None:
        self.resolved, self.changes = resolved, resolved.changes
        self.known, moved = resolved.known.nodes, resolved.changes.nodes
        self.numbers = self.changes.numbers
        places = np.searchsorted(self.numbers, numbers(moved, "profile"))
        self._columns = {name: self._column(name, places) for name in ("canonical", "seq", "received_at", "timestamp")}
        self.moved = numbers(moved, "profile")

    def _column(self, name: str, places: Numbers) -> Numbers:
        column = np.empty(len(self.numbers), np.int64)
        column[: self.known.num_rows] = numbers(self.known, name)
        column[places] = numbers(self.changes.nodes, name)
        return column

    def of(self, name: str, profiles: Numbers) -> Numbers:
        """A column's values for some profiles."""
        return self._columns[name][self.changes.places_of(profiles)]

    def is_new(self, profiles: Numbers) -> NDArray[np.bool_]:
        """Which of the profiles the batch created: their numbers are above all older ones."""
        created: NDArray[np.bool_] = self.changes.places_of(profiles) >= self.known.num_rows
        return created

    def node(self, profiles: Numbers) -> dict[str, pa.Array]:
        """The columns that tell where profiles map."""
        return {
            "segment_id": self.changes.ids_of(profiles),
            "canonical_segment_id": self.changes.ids_of(self.of("canonical", profiles)),
            "seq": seq_texts(self.of("seq", profiles)),
            "received_at": pa.array(self.of("received_at", profiles)),
            "timestamp": pa.array(self.of("timestamp", profiles)),
        }


def ops(is_new: NDArray[np.bool_]) -> pa.StringArray:
    """I for what is new, U for what was there."""
    return pa.array(["U", "I"]).take(pa.array(is_new.astype(np.int8)))
