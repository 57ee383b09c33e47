"""The tables of a sync that pass the gate; the others are told as held back, and their rows wait in the lake."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from profiles_sync.quality.gate import Gate, Look
from profiles_sync.sync.apply import Work
from profiles_sync.sync.plan import LoadStaging
from profiles_sync.sync.results import TableResult, on_its_own

_TABLES, _BYTES = 100, 16_000_000  # of the lake's files that are looked at at once


def passed(works: Iterable[Work], gate: Gate | None, results: dict[str, TableResult]) -> Iterator[Work]:
    """What may be applied, in its order. What is held back has its error in `results`."""
    if gate is None:
        yield from works
        return
    for some in _portions(works):
        looks = dict[str, Look]()
        for work in some:
            if any(isinstance(step, LoadStaging) for step in work.steps):
                with on_its_own(work.name, results):
                    looks[work.name] = gate.look(work.batch)
        gate.quality.learn(looks.values())
        for work in some:
            if work.name in looks:
                with on_its_own(work.name, results):
                    look = looks.pop(work.name)
                    yield replace(work, batch=gate.judge(look), keys=look.keys)
            elif work.name not in results:
                yield work


def _portions(works: Iterable[Work]) -> Iterator[list[Work]]:
    """Small tables together, for which the graph is asked once; a large one is the last of its portion."""
    some, size = list[Work](), 0
    for work in works:
        some.append(work)
        size += work.batch.bytes
        if size > _BYTES or len(some) == _TABLES:
            yield some
            some, size = [], 0
    if some:
        yield some
