"""A lake that knows millions of identifiers, made in minutes: by the job's own steps, but for the reading of lines.

Ten identifiers belong together: of two people, each with an id, an address and two cookies, whose profile the second
cookie's was merged into, and of two visitors with a cookie each. Every tenth of the whole came as one batch, from all
over the time and the people, so that whoever comes later has identifiers in every file.
"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from profiles_sync.lake.tables import Lake
from profiles_sync.pipeline import batches, identity, materialized_views, messages, raw_tables
from profiles_sync.pipeline.batches import Batch
from profiles_sync.pipeline.engine import Engine, Report
from profiles_sync.pipeline.run import prepare
from profiles_sync.settings import Settings, load
from profiles_sync.spec.rules import IdentityRules
from tests.benchmarks.extracted import START, Extracted, in_order, iso, named
from tests.benchmarks.staged_events import staged

UNIT, BATCHES = 10, 10  # identifiers and events that belong together; batches
UNTIL = 1_772_323_200_000_000  # 2026-03-01, in microseconds
WEEK, HOUR = 7 * 86_400_000_000, 3_600_000_000
RECENT = 1_680_000  # events in the week before the hours, ten thousand an hour, none of which comes again
Numbers = NDArray[np.int64]
_TYPES = tuple(IdentityRules().by_type)

# The events of ten identifiers: whose they are (0 and 1 are people, 2 and 3 visitors), and with which cookie.
_WHO = np.array([0, 1, 2, 0, 1, 3, 0, 1, 0, 1])
_COOKIE = np.array([0, 0, 0, 1, 1, 0, 0, 0, 1, 1])
_IDENTIFY, _EMAIL = np.arange(UNIT) >= 6, np.isin(np.arange(UNIT), (6, 7))


def before(batch: int, units: int, of: int) -> Extracted:
    """The events of one of the batches: every tenth of `units`, which are the first of `of` and have their times."""
    unit = np.repeat(np.arange(batch, units, BATCHES), UNIT)
    events, count = np.arange(len(unit)), len(unit)
    who, which, identify, email = (np.tile(one, count // UNIT) for one in (_WHO, _COOKIE, _IDENTIFY, _EMAIL))
    number = np.where(who < 2, unit * 2 + who, 1 - unit * 2 - who)
    traits = pc.binary_join_element_wise('{"email":"', named("mail", number), '","plan":"free"}', "")
    found = {
        "user_id": (events[identify], user(number[identify])),
        "email": (events[email], named("mail", number[email])),
        "anonymous_id": (events, cookie(number, which)),
    }
    return Extracted(
        _TYPES,
        named("before", unit * UNIT + events % UNIT),
        START + unit * ((UNTIL - START) // of) + events % UNIT * 1_000,
        pc.if_else(pa.array(identify), "identify", "page"),
        pc.if_else(pa.array(email & has_traits(number)), traits, None),
        np.zeros(count, bool),
        *in_order(_TYPES, found),
    )


def user(number: Numbers) -> pa.StringArray:
    return named("user", number)


def cookie(number: Numbers, which: Numbers | int) -> pa.StringArray:
    """Of a person; visitors are numbered from -1 down and have one each."""
    return named("cookie", np.where(number < 0, number, number * 100 + which))


def has_traits(number: Numbers) -> NDArray[np.bool_]:
    """Every other person has two."""
    return number % 2 == 0


def space(folder: Path) -> Settings:
    """The settings of a space with one source, which has no files yet."""
    (folder / "events").mkdir(parents=True)
    path = folder / "acme.yml"
    path.write_text(
        "space: {name: Acme, slug: acme}\nsources: {website: {id: s1, name: Website, path: ./events}}\n"
        "identity: {path: driver}\n"
    )
    return load(path)


def arrive(folder: Path, name: str, lines: Iterable[bytes]) -> None:
    """A file of the source."""
    (folder / "events" / f"{name}.jsonl").write_bytes(b"\n".join(lines) + b"\n")


def grow(engine: Engine, units: int, of: int, recent: int = RECENT) -> None:
    """Land all batches, and the events of the last week, of which nothing but that they were there matters."""
    lake, work = engine.lake, Path(engine.lake.path("_staging"))
    prepare(lake)
    for number in range(BATCHES):
        batch = batches.reopen(lake, Batch(number + 1, number + 1, ()))
        parsed = staged(before(number, units, of), work)
        resolved = identity.resolve_batch(lake, batch, parsed, engine.settings.rules, engine.resolve)
        batches.remember_files(lake, batch)
        identity.remember(lake, batch, resolved)
        raw_tables.append(lake, batch, resolved, engine.settings.declared_sources[:1] * len(parsed))
        materialized_views.merge(lake, batch, resolved)
        batches.land(lake, batch, resolved.after, vars(Report(batch.number)))
        shutil.rmtree(work)
    _remember_recent(lake, recent)


def _remember_recent(lake: Lake, count: int) -> None:
    batch = batches.reopen(lake, Batch(BATCHES + 1, BATCHES + 1, ()))
    rng = np.random.default_rng(count)
    high, low = rng.integers(-(2**63), 2**63 - 1, (2, count))
    messages.remember(lake, high, low, UNTIL + np.arange(count) * (WEEK // max(count, 1)), batch.number)
    batches.land(lake, batch, batch.before, vars(Report(batch.number)))


def hour(number: int, units: int, events: int, seed: int) -> list[dict[str, Any]]:
    """The events of an hour after it all, for 10,000: 500 merges of a visitor into a person, 1,000 new visitors, 1,000
    new cookies of people, and 6,500 visits with 4,000 known cookies, of which a tenth sends a trait.
    """
    share = events // 20
    rng = np.random.default_rng([seed, number])
    person = rng.permutation(units * 2)[: 11 * share]
    merged, named_, seen = person[:share], person[share : 3 * share], person[3 * share :]
    visitor = -1 - np.arange(number * share, (number + 1) * share)  # each is merged once
    new = units * 1_000 + number * events + np.arange(2 * share)
    visits = np.concatenate([seen, rng.choice(seen, events - 7 * share - len(seen))])
    known = cookie(visits, 0).to_pylist()
    calls: list[dict[str, Any]] = [
        *({"type": "identify", "userId": u, "anonymousId": c} for u, c in _pairs(user(merged), cookie(visitor, 0))),
        *({"type": "page", "anonymousId": c} for c in [*cookie(new, 0).to_pylist()] * 2),
        *({"type": "page", "userId": u, "anonymousId": c} for u, c in _pairs(user(named_), cookie(new, 1))),
        *(_visit(rng, place, one) for place, one in enumerate(known)),
    ]
    at = UNTIL + WEEK + number * HOUR
    return [
        calls[place] | {"messageId": f"hour-{number}-{n}", "receivedAt": iso(at + n * HOUR // events)}
        for n, place in enumerate(rng.permutation(len(calls)).tolist())
    ]


def _pairs(users: pa.StringArray, cookies: pa.StringArray) -> Iterator[tuple[str, str]]:
    return zip(users.to_pylist(), cookies.to_pylist(), strict=True)


def _visit(rng: np.random.Generator, place: int, anonymous_id: str) -> dict[str, Any]:
    if place % 10 == 0:
        plan = ("pro", "team")[int(rng.integers(2))]
        return {"type": "identify", "anonymousId": anonymous_id, "traits": {"plan": plan}}
    if place % 3 == 0:
        which = int(rng.integers(50))
        track = {"event": f"Custom Event {which}", "properties": {f"field_{which}": place}}
        return {"type": "track", "anonymousId": anonymous_id} | track
    return {"type": "page", "anonymousId": anonymous_id, "name": "Home"}
