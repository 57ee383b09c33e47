"""The external IDs of a block's events, as `spec.identifiers.carried` finds them one event at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from profiles_sync.pipeline.bulk.calls import ALIAS, PAGE, Calls, Lines, fractions_are_odd
from profiles_sync.pipeline.bulk.scanner import ESCAPED, INTEGER, TEXT, TRUE
from profiles_sync.pipeline.bulk.view import Indices, View
from profiles_sync.spec.identifiers import Identifier, spellings
from profiles_sync.spec.rules import RECOMMENDED, IdentityRules, Rule

#: Matches every value that the recommended set may block, or that is blank, and few others.
_SUSPICIOUS = r"^$|^[^!-~]|[^!-~]$|^[^1-9A-Za-z]*$"


@dataclass
class Identifiers:
    """Beside each other, ordered by line, then best rank, then value: distinct and not blocked.

    `blocked` has those that are, by line.
    """

    line: NDArray[np.int64]
    rank: NDArray[np.int16]
    value: pa.StringArray
    blocked: dict[int, list[Identifier]]


@dataclass
class _Found:
    """Where the values of one type stand: the tokens of texts and whole numbers of lines that carry it there."""

    rule: Rule
    rank: int
    tokens: Indices


def find(view: View, calls: Calls, rules: IdentityRules) -> list[_Found]:
    """The tokens of identifiers, type by type; marks lines odd whose identifiers the spec has to read."""
    found = []
    for rank, (kind, rule) in enumerate(rules.by_type.items()):
        tokens = np.concatenate([np.empty(0, np.int64), *_places(view, calls, kind, rules)])
        fractions_are_odd(view, tokens, calls.odd)
        found.append(_Found(rule, rank, tokens[np.isin(view.kind[tokens], (TEXT, ESCAPED, INTEGER))]))
    return found


def _places(view: View, calls: Calls, kind: str, rules: IdentityRules) -> Iterator[Indices]:
    carries = (calls.kind != ALIAS)[view.line]
    if kind in ("user_id", "anonymous_id"):
        for tokens in (view.at("userId" if kind == "user_id" else "anonymousId"),):
            yield tokens[carries[tokens]]
    elif kind == "ga_client_id":
        for path in (("integrations",), ("context", "integrations")):
            tokens = view.at(*path, "Google Analytics", "clientId")
            yield tokens[carries[tokens]]
    elif kind.startswith(("android.", "ios.")):
        yield from _device(view, carries, kind, rules)
    else:
        keys = ("email",) if kind == "email" else spellings(kind)
        for key in keys:
            yield from _named(view, calls, carries, key)


def _named(view: View, calls: Calls, carries: Lines, key: str) -> Iterator[Indices]:
    """In the payload that the call owns and in `context.traits`."""
    owns_properties = calls.kind >= PAGE
    for top, owns in (("properties", owns_properties), ("traits", ~owns_properties)):
        tokens = view.at(top, key)
        yield tokens[carries[tokens] & owns[view.line[tokens]]]
    tokens = view.at("context", "traits", key)
    yield tokens[carries[tokens]]


_DEVICE_KEYS = {"id": "id", "push_token": "token", "idfa": "advertisingId"}


def _device(view: View, carries: Lines, kind: str, rules: IdentityRules) -> Iterator[Indices]:
    platform, _, what = kind.partition(".")
    types = view.strings(view.at("context", "device", "type"))
    named = view.texts(types).dictionary_encode()
    fits = np.array([*(one.lower() == platform for one in named.dictionary.to_pylist()), False])
    on_platform = np.zeros(view.lines, np.bool_)
    on_platform[view.line[types]] = fits[named.indices.to_numpy(zero_copy_only=False)]
    if what == "idfa" and (platform == "android" or rules.ios_idfa_needs_tracking):
        tracked = np.zeros(view.lines, np.bool_)
        switch = view.at("context", "device", "adTrackingEnabled")
        tracked[view.line[switch]] = view.kind[switch] == TRUE
        on_platform &= tracked
    if what in _DEVICE_KEYS:
        tokens = view.at("context", "device", _DEVICE_KEYS[what])
        yield tokens[carries[tokens] & on_platform[view.line[tokens]]]


def collect(view: View, found: list[_Found], odd: Lines, rules: IdentityRules) -> Identifiers:
    """The identifiers of the lines that are not odd."""
    lines, ranks, values = [], [], []
    blocked: dict[int, list[Identifier]] = {}
    for one in found:
        tokens = one.tokens[~odd[view.line[one.tokens]]]
        line, value = view.line[tokens].astype(np.int64), view.texts(tokens)
        if one.rule.type == "email" and rules.normalize_email:
            value = _mapped(value)
        kept = _judged(one.rule, line, value, blocked)
        lines.append(line[kept])
        ranks.append(np.full(int(kept.sum()), one.rank, np.int16))
        values.append(value.filter(pa.array(kept)))
    line, rank = np.concatenate(lines), np.concatenate(ranks)
    order = np.argsort(line, kind="stable")  # ranks ascend already
    value = pa.concat_arrays(values).take(pa.array(order))
    return Identifiers(*_distinct(line[order], rank[order], value), blocked)


def _mapped(values: pa.StringArray) -> pa.StringArray:
    coded = values.dictionary_encode()
    return pa.array([one.strip().lower() for one in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)


def _judged(
    rule: Rule, line: NDArray[np.int64], value: pa.StringArray, blocked: dict[int, list[Identifier]]
) -> NDArray[np.bool_]:
    """Which values stay; the blocked ones are noted. Only what may be blocked or blank is looked at one by one."""
    kept = np.ones(len(line), np.bool_)
    for place in np.flatnonzero(_suspicious(rule, value)).tolist():
        text = value[place].as_py()
        if rule.blocked.has(text):
            blocked.setdefault(int(line[place]), []).append(Identifier(rule.type, text))
            kept[place] = False
        elif not text.strip():
            kept[place] = False
    return kept


def _suspicious(rule: Rule, value: pa.StringArray) -> NDArray[np.bool_]:
    if not set(rule.blocked.patterns) <= set(RECOMMENDED.patterns):
        return np.ones(len(value), np.bool_)
    found = pc.match_substring_regex(value, _SUSPICIOUS)
    if rule.blocked.exact:
        found = pc.or_(found, pc.is_in(value, pa.array(rule.blocked.exact, pa.string())))
    suspicious: NDArray[np.bool_] = found.to_numpy(zero_copy_only=False)
    return suspicious


def _distinct(
    line: NDArray[np.int64], rank: NDArray[np.int16], value: pa.StringArray
) -> tuple[NDArray[np.int64], NDArray[np.int16], pa.StringArray]:
    """Where an event has several values of a type they are put in order, each once."""
    again = np.flatnonzero((line[1:] == line[:-1]) & (rank[1:] == rank[:-1]))
    if not len(again):
        return line, rank, value
    kept, order = np.ones(len(line), np.bool_), np.arange(len(line))
    starts = again[np.append(True, again[1:] != again[:-1] + 1)]
    for start in starts.tolist():
        stop = start + 1
        while stop < len(line) and line[stop] == line[start] and rank[stop] == rank[start]:
            stop += 1
        texts = value.slice(start, stop - start).to_pylist()
        ranked = sorted(range(len(texts)), key=texts.__getitem__)
        order[start:stop] = [start + place for place in ranked]
        in_order = [texts[place] for place in ranked]
        kept[start:stop] = [place == 0 or text != in_order[place - 1] for place, text in enumerate(in_order)]
    order = order[kept]
    return line[order], rank[order], value.take(pa.array(order))
