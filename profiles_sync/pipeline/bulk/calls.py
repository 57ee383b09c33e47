"""The common fields of a block's calls, and which lines are plain enough to be read all at once.

What `spec.events.read_call` would refuse, or take in an unusual form, makes a line odd: it is read by the spec.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from profiles_sync.pipeline.bulk import gather
from profiles_sync.pipeline.bulk.scanner import EMPTY, ESCAPED, FRACTION, NULL, OBJECT, ODD, TEXT
from profiles_sync.pipeline.bulk.view import Indices, View
from profiles_sync.spec import timestamps
from profiles_sync.spec.events import MAX_GROUP_ID, MAX_MESSAGE_ID, MAX_TRAITS

#: In this order the events of a block stand in its tables; the first three own traits, the others properties.
KINDS = ("identify", "group", "alias", "page", "screen", "track")
IDENTIFY, GROUP, ALIAS, PAGE, SCREEN, TRACK = range(6)
_MISSING = gather.UNUSUAL
Lines = NDArray[np.bool_]


@dataclass
class Calls:
    """Per line of a block; `odd` lines have no meaning in the other columns. Times are microseconds."""

    odd: Lines
    kind: NDArray[np.int8]
    received_at: NDArray[np.int64]
    timestamp: NDArray[np.int64]
    sent_at: pa.Int64Array
    original_timestamp: pa.Int64Array
    texts: dict[str, pa.StringArray]


def read(view: View) -> Calls:
    """Read the common fields of every line."""
    odd = view.block.state == ODD
    odd |= np.bincount(view.line, minlength=view.lines) > MAX_TRAITS  # also bounds properties
    kind = _kinds(view, odd)
    received, sent = _times(view, "receivedAt", odd), _times(view, "sentAt", odd)
    original = _times(view, "originalTimestamp", odd)
    original = np.where(original == _MISSING, _times(view, "timestamp", odd), original)
    odd |= (received == _MISSING) | (received < 0)
    happened = _happened(received, sent, original, odd)
    fields = ("messageId", "anonymousId", "userId", "groupId", "previousId")
    texts = {name: view.per_line(_texts_or_odd(view, name, odd)) for name in fields}
    for name, mask in (("event", kind == TRACK), ("name", _is_page(kind)), ("category", _is_page(kind))):
        texts[name] = view.per_line(_texts_or_odd(view, name, odd, mask))
    _limit(texts, kind, odd)
    _objects(view, odd)
    _pages(view, texts, kind, odd)
    return Calls(odd, kind, received, happened, _nullable(sent), _nullable(original), texts)


def _kinds(view: View, odd: Lines) -> NDArray[np.int8]:
    kind = np.full(view.lines, -1, np.int8)
    tokens = view.strings(view.at("type"))
    coded = view.texts(tokens).dictionary_encode()
    known = [KINDS.index(one.lower()) if one.lower() in KINDS else -1 for one in coded.dictionary.to_pylist()]
    kind[view.line[tokens]] = np.array([*known, -1], np.int8)[coded.indices.to_numpy(zero_copy_only=False)]
    odd |= kind < 0
    return kind


def _times(view: View, name: str, odd: Lines) -> NDArray[np.int64]:
    """A time per line; a null is missing, anything but the usual shape of text makes the line odd."""
    times = np.full(view.lines, _MISSING)
    tokens = view.at(name)
    tokens = tokens[view.kind[tokens] != NULL]
    lines = view.line[tokens]
    times[lines] = gather.moments(view.data, view.start[tokens], view.stop[tokens])
    odd[lines] |= (view.kind[tokens] != TEXT) | (times[lines] == _MISSING)
    return times


def _happened(
    received: NDArray[np.int64], sent: NDArray[np.int64], original: NDArray[np.int64], odd: Lines
) -> NDArray[np.int64]:
    """As `timestamps.event_time`; a clock that is off by more than the calendar makes the line odd."""
    no_sent, no_original = sent == _MISSING, original == _MISSING
    skew = np.where(no_sent | no_original, 0, sent - original)
    happened = np.where(no_original, received, np.where(no_sent, original, received - skew))
    odd |= happened < 0
    odd |= happened > timestamps.LATEST
    return happened


def _texts_or_odd(view: View, name: str, odd: Lines, where: Lines | None = None) -> Indices:
    """The texts of a field; another kind than text or null makes the line odd, `where` it matters."""
    tokens = view.at(name)
    if where is not None:
        tokens = tokens[where[view.line[tokens]]]
    kinds = view.kind[tokens]
    is_text = (kinds == TEXT) | (kinds == ESCAPED)
    odd[view.line[tokens[~is_text & (kinds != NULL)]]] = True
    texts: Indices = tokens[is_text]
    return texts


def _limit(texts: dict[str, pa.StringArray], kind: NDArray[np.int8], odd: Lines) -> None:
    length = {name: _lengths(texts[name]) for name in ("messageId", "groupId", "event")}
    odd |= (length["messageId"] < 1) | (length["messageId"] > MAX_MESSAGE_ID)  # bytes: no fewer than characters
    odd |= length["groupId"] > MAX_GROUP_ID
    odd |= (kind == GROUP) & (length["groupId"] == 0)
    odd |= (kind == TRACK) & (length["event"] < 0)
    coded = texts["event"].dictionary_encode()
    blank = np.array([*(not one.strip() for one in coded.dictionary.to_pylist()), False])
    odd |= blank[pc.fill_null(coded.indices, len(blank) - 1).to_numpy(zero_copy_only=False)]


def _lengths(texts: pa.StringArray) -> NDArray[np.int64]:
    """In bytes; -1 for null."""
    lengths: NDArray[np.int64] = pc.fill_null(pc.binary_length(texts), -1).to_numpy(zero_copy_only=False)
    return lengths


def _objects(view: View, odd: Lines) -> None:
    for name in ("context", "traits", "properties"):
        tokens = view.at(name)
        odd[view.line[tokens[~np.isin(view.kind[tokens], (NULL, EMPTY, OBJECT))]]] = True
    for path in (("context", "externalIds"),):
        tokens = view.at(*path)
        odd[view.line[tokens[view.kind[tokens] != NULL]]] = True


def _pages(view: View, texts: dict[str, pa.StringArray], kind: NDArray[np.int8], odd: Lines) -> None:
    """A page's name and category may stand in its properties too; two that differ make the line odd."""
    is_page = _is_page(kind)
    groups = view.at("context", "groupId")
    is_text = np.isin(view.kind[groups], (TEXT, ESCAPED))
    odd[view.line[groups[~is_text & (view.kind[groups] != NULL)]]] = True
    empty = groups[is_text & (view.start[groups] == view.stop[groups])]
    odd[view.line[empty]] |= kind[view.line[empty]] == TRACK
    texts["context.groupId"] = view.per_line(groups[is_text])
    for name in ("name", "category"):
        tokens = view.at("properties", name)
        tokens = tokens[is_page[view.line[tokens]]]
        is_text = np.isin(view.kind[tokens], (TEXT, ESCAPED))
        odd[view.line[tokens[~is_text & (view.kind[tokens] != NULL)]]] = True
        inner = view.per_line(tokens[is_text])
        differ = pc.fill_null(pc.not_equal(inner, texts[name]), False)
        odd |= differ.to_numpy(zero_copy_only=False)
        texts[name] = pc.coalesce(texts[name], inner)


def _is_page(kind: NDArray[np.int8]) -> Lines:
    pages: Lines = (kind == PAGE) | (kind == SCREEN)
    return pages


def _nullable(times: NDArray[np.int64]) -> pa.Int64Array:
    return pa.array(times, pa.int64(), mask=times == _MISSING)


def fractions_are_odd(view: View, tokens: Indices, odd: Lines) -> None:
    """A number with a fraction as an identifier: how it is written as text is for the spec to say."""
    odd[view.line[tokens[view.kind[tokens] == FRACTION]]] = True
