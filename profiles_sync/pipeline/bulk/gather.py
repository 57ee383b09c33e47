"""Tokens to Arrow columns: each token's value is put where its event stands in the order of the tables."""

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from profiles_sync.pipeline.bulk.scanner import ESCAPED, LOOSE_ARRAY, TRUE
from profiles_sync.pipeline.bulk.tokens import Block, Bytes, Numbers
from profiles_sync.pipeline.compiled import compiled

Places = NDArray[np.int64]


def plain_bytes(block: Block) -> tuple[Bytes, NDArray[np.int64], NDArray[np.int64]]:
    """The block's bytes with, behind them, what escaped texts and loose arrays mean; and each token's start and stop.

    With these every token but a number or a word is a slice as it is: a text without escapes, an array in compact JSON.
    """
    tokens = block.tokens
    start, stop = tokens.start.astype(np.int64), tokens.stop.astype(np.int64)
    escaped = np.flatnonzero(tokens.kind == ESCAPED)
    extra = np.empty(int((stop[escaped] - start[escaped]).sum()), np.uint8)
    used = _unescaped(block.data, start, stop, escaped, extra, len(block.data))
    pieces, at = [block.data, extra[:used]], len(block.data) + used
    for token in np.flatnonzero(tokens.kind == LOOSE_ARRAY).tolist():
        piece = orjson.dumps(orjson.loads(block.data[start[token] : stop[token]].tobytes()))
        pieces.append(np.frombuffer(piece, np.uint8))
        start[token], stop[token] = at, at + len(piece)
        at += len(piece)
    return (np.concatenate(pieces) if at > len(block.data) else block.data), start, stop


@compiled
def _unescaped(data, start, stop, which, out, base):
    used = 0
    for token in which:
        pos, end, begin = start[token], stop[token], used
        while pos < end:
            char = data[pos]
            if char != 92:
                out[used] = char
                used += 1
                pos += 1
                continue
            code = data[pos + 1]
            pos += 2
            if code == 117:
                point = _hexadecimal(data, pos)
                pos += 4
                if 0xD800 <= point < 0xDC00:
                    point = 0x10000 + ((point - 0xD800) << 10) + _hexadecimal(data, pos + 2) - 0xDC00
                    pos += 6
                used = _utf8(point, out, used)
                continue
            if code == 98:
                code = 8
            elif code == 102:
                code = 12
            elif code == 110:
                code = 10
            elif code == 114:
                code = 13
            elif code == 116:
                code = 9
            out[used] = code
            used += 1
        start[token], stop[token] = base + begin, base + used
    return used


@compiled
def _hexadecimal(data, pos):
    value = np.int64(0)
    for offset in range(4):
        char = np.int64(data[pos + offset])
        value = value * 16 + (char - 48 if char < 58 else (char & 31) + 9)
    return value


@compiled
def _utf8(point, out, used):
    if point < 0x80:
        out[used] = point
        return used + 1
    if point < 0x800:
        out[used], out[used + 1] = 0xC0 | point >> 6, 0x80 | point & 63
        return used + 2
    if point < 0x10000:
        out[used], out[used + 1], out[used + 2] = 0xE0 | point >> 12, 0x80 | point >> 6 & 63, 0x80 | point & 63
        return used + 3
    out[used], out[used + 1] = 0xF0 | point >> 18, 0x80 | point >> 12 & 63
    out[used + 2], out[used + 3] = 0x80 | point >> 6 & 63, 0x80 | point & 63
    return used + 4


def texts(data: Bytes, start: Numbers, stop: Numbers, places: Places, size: int) -> pa.StringArray:
    """Slices of `data` at their places in an array of `size`, null elsewhere."""
    offsets, valid = np.zeros(size + 1, np.int32), np.zeros((size + 7) // 8, np.uint8)
    out = np.empty(int((stop - start).sum()), np.uint8)
    _put_texts(data, start, stop, places, offsets, valid, out)
    return pa.StringArray.from_buffers(size, pa.py_buffer(offsets), pa.py_buffer(out), pa.py_buffer(valid))


@compiled
def _put_texts(data, start, stop, places, offsets, valid, out):
    for token in range(len(places)):
        offsets[places[token] + 1] = stop[token] - start[token]
    for place in range(1, len(offsets)):
        offsets[place] += offsets[place - 1]
    for token in range(len(places)):
        place = places[token]
        at = offsets[place]
        for pos in range(start[token], stop[token]):
            out[at] = data[pos]
            at += 1
        valid[place >> 3] |= np.uint8(1 << (place & 7))


def integers(data: Bytes, start: Numbers, stop: Numbers, places: Places, size: int) -> pa.Int64Array:
    """Whole numbers of at most 18 digits at their places, null elsewhere."""
    out, valid = np.zeros(size, np.int64), np.zeros((size + 7) // 8, np.uint8)
    _put_integers(data, start, stop, places, valid, out)
    return pa.Int64Array.from_buffers(pa.int64(), size, [pa.py_buffer(valid), pa.py_buffer(out)])


@compiled
def _put_integers(data, start, stop, places, valid, out):
    for token in range(len(places)):
        pos, value = start[token], np.int64(0)
        negative = data[pos] == 45
        if negative:
            pos += 1
        while pos < stop[token]:
            value = value * 10 + (np.int64(data[pos]) - 48)
            pos += 1
        place = places[token]
        out[place] = -value if negative else value
        valid[place >> 3] |= np.uint8(1 << (place & 7))


def fractions(data: Bytes, start: Numbers, stop: Numbers, places: Places, size: int) -> pa.DoubleArray:
    """Numbers at their places as the nearest doubles, null elsewhere."""
    return pc.cast(texts(data, start, stop, places, size), pa.float64())


def truths(kinds: NDArray[np.uint8], places: Places, size: int) -> pa.BooleanArray:
    """True and false at their places, null elsewhere."""
    out, missing = np.zeros(size, np.bool_), np.ones(size, np.bool_)
    out[places], missing[places] = kinds == TRUE, False
    return pa.array(out, pa.bool_(), mask=missing)


def moments(data: Bytes, start: Numbers, stop: Numbers) -> Numbers:
    """Date-times as microseconds since 1970 UTC; the smallest number where one is not of the usual shape.

    The usual shape: `YYYY-MM-DDThh:mm:ss`, a fraction of up to nine digits (cut to microseconds), then `Z` or
    `+hh:mm`; years 1 to 9999. Anything else is for `spec.timestamps` to judge.
    """
    out = np.empty(len(start), np.int64)
    _moments(data, start, stop, out)
    return out


UNUSUAL = np.int64(-(2**63))
_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


@compiled
def _moments(data, start, stop, out):
    for token in range(len(start)):
        out[token] = _moment(data, start[token], stop[token])


@compiled
def _digits(data, pos, count):
    value = np.int64(0)
    for offset in range(count):
        digit = np.int64(data[pos + offset]) - 48
        if digit < 0 or digit > 9:
            return np.int64(-1)
        value = value * 10 + digit
    return value


@compiled
def _moment(data, pos, stop):
    if stop - pos < 20 or data[pos + 4] != 45 or data[pos + 7] != 45 or data[pos + 10] != 84:
        return UNUSUAL
    if data[pos + 13] != 58 or data[pos + 16] != 58:
        return UNUSUAL
    year, month, day = _digits(data, pos, 4), _digits(data, pos + 5, 2), _digits(data, pos + 8, 2)
    hour, minute, second = _digits(data, pos + 11, 2), _digits(data, pos + 14, 2), _digits(data, pos + 17, 2)
    if year < 1 or month < 1 or month > 12 or day < 1 or hour < 0 or minute < 0 or second < 0:
        return UNUSUAL
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    last = 29 if leap and month == 2 else _DAYS[month]
    if day > last or hour > 23 or minute > 59 or second > 59:
        return UNUSUAL
    pos += 19
    micros = np.int64(0)
    if data[pos] == 46:
        pos += 1
        count = 0
        while pos < stop and 48 <= data[pos] <= 57:
            if count < 6:
                micros = micros * 10 + (np.int64(data[pos]) - 48)
            count += 1
            pos += 1
        if count == 0 or count > 9:
            return UNUSUAL
        while count < 6:
            micros *= 10
            count += 1
    offset = 0
    if stop - pos == 1:
        if data[pos] != 90:
            return UNUSUAL
    elif stop - pos == 6 and (data[pos] == 43 or data[pos] == 45) and data[pos + 3] == 58:
        hours, minutes = _digits(data, pos + 1, 2), _digits(data, pos + 4, 2)
        if hours < 0 or hours > 23 or minutes < 0 or minutes > 59 or year < 2 or year > 9998:
            return UNUSUAL
        offset = (hours * 60 + minutes) * (1 if data[pos] == 43 else -1)
    else:
        return UNUSUAL
    # days since 1970 by the civil calendar, counted from March so that the leap day is the last
    shifted = year - 1 if month <= 2 else year
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    days = era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
    return ((days * 1440 + hour * 60 + minute - offset) * 60 + second) * 1_000_000 + micros
