"""A batch cut into portions that can be replayed one by one: whole components, with their own part of the past.

A portion numbers its identifiers and its old profiles from 0, so that a task has room only for what it replays.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from profiles_sync.pipeline import kernel
from profiles_sync.pipeline.kernel import Carriers, Past, Replayed
from profiles_sync.spec.rules import IdentityRules

Numbers = NDArray[np.int64]
_PER_EVENT = ("profile", "stamp", "created")
_LOGS = (
    ("merge_event", "merge_profile", "merge_into", "merge_cause"),
    ("mapped_event", "mapped_code"),
    ("violation_event", "violation_code", "violation_identifier"),
)


class Portions:
    """The portions of a batch; iterating gives the tables that `replay_portion` takes.

    Attributes:
        event_order: The places of the events, portion by portion, in each in landing order.
    """

    def __init__(self, carriers: Carriers, past: Past, components: Numbers, count: int) -> None:
        self.carriers, self.past = carriers, past
        small = np.uint16 if count <= 1 << 16 else np.int64  # which numpy sorts much faster
        of_code = (components % count).astype(small)
        size = np.diff(carriers.offsets)
        of_event = np.zeros(len(size), small)
        of_event[size > 0] = of_code[carriers.codes[carriers.offsets[:-1][size > 0]]]
        owned = past.owners >= 0
        of_profile = np.zeros(len(past.numbers), small)
        of_profile[past.owners[owned]] = of_code[owned]
        self.code_order, self._codes, self._code = _dealt(of_code, count)
        self.event_order, self._events, _ = _dealt(of_event, count)
        self.profile_order, self._profiles, self._profile = _dealt(of_profile, count)

    def __iter__(self) -> Iterator[list[pa.Table]]:
        for number in range(len(self._codes) - 1):
            codes, events, profiles = (
                order[ends[number] : ends[number + 1]]
                for order, ends in (
                    (self.code_order, self._codes),
                    (self.event_order, self._events),
                    (self.profile_order, self._profiles),
                )
            )
            yield [*self._carried(events), self._identifiers(codes), *self._old(profiles)]

    def _carried(self, events: Numbers) -> tuple[pa.Table, pa.Table]:
        size, places = _gathered(self.carriers.offsets, events)
        columns = {"place": events, "size": size, "received_at": self.carriers.received_at[events]}
        return _table(columns), _table({"code": self._code[self.carriers.codes[places]].astype(np.int32)})

    def _identifiers(self, codes: Numbers) -> pa.Table:
        owners = self.past.owners[codes]
        local = np.where(owners < 0, -1, self._profile[owners]) if len(self._profile) else owners
        kinds, mapped_at = self.carriers.kinds[codes], self.past.mapped_at[codes]
        return _table({"code": codes.astype(np.int32), "kind": kinds, "owner": local, "mapped_at": mapped_at})

    def _old(self, profiles: Numbers) -> tuple[pa.Table, pa.Table]:
        size, places = _gathered(self.past.absorbed_offsets, profiles)
        return _table({"number": self.past.numbers[profiles], "size": size}), _table(
            {"absorbed": self.past.absorbed[places]}
        )


def _dealt(portion: NDArray[np.generic], count: int) -> tuple[Numbers, Numbers, Numbers]:
    """The places portion by portion, where each portion ends, and the number of each place within its portion."""
    order = np.argsort(portion, kind="stable")
    ends = np.concatenate([[0], np.cumsum(np.bincount(portion, minlength=count))])
    within = np.empty(len(order), np.int64)
    within[order] = np.arange(len(order)) - np.repeat(ends[:-1], np.diff(ends))
    return order, ends, within


def _gathered(offsets: Numbers, rows: Numbers) -> tuple[Numbers, Numbers]:
    """Of some rows of a list column: how long each is, and the places of all their elements."""
    size = offsets[rows + 1] - offsets[rows]
    before = np.cumsum(size) - size
    return size, np.arange(int(size.sum())) + np.repeat(offsets[rows] - before, size)


def _table(columns: Mapping[str, NDArray[np.generic]]) -> pa.Table:
    return pa.table({name: pa.array(column) for name, column in columns.items()})


def replay_portion(tables: Sequence[pa.Table], rules: IdentityRules, created: int) -> list[pa.Table]:
    """What the events of a portion come to: per event, merges, identifiers attached, violations.

    Events and identifiers are those of the batch. A new profile has the number `created` plus its event's place.
    """
    events, carried, identifiers, old, absorbed = (
        {name: table[name].to_numpy() for name in table.column_names} for table in tables
    )
    mine = Carriers(_ends(events["size"]), carried["code"], events["received_at"], identifiers["kind"])
    past = Past(old["number"], identifiers["owner"], identifiers["mapped_at"], _ends(old["size"]), absorbed["absorbed"])
    place, code = events["place"], np.append(identifiers["code"], np.int32(-1))
    done = kernel.replay(mine, past, rules, created, place)
    return _tables(
        replace(
            done,
            merge_event=place[done.merge_event],
            mapped_event=place[done.mapped_event],
            violation_event=place[done.violation_event],
            mapped_code=code[done.mapped_code],
            violation_identifier=code[done.violation_identifier],
        )
    )


def _ends(size: Numbers) -> Numbers:
    ends: Numbers = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    return ends


def _tables(done: Replayed) -> list[pa.Table]:
    return [_table({name: getattr(done, name) for name in names}) for names in (_PER_EVENT, *_LOGS)]
