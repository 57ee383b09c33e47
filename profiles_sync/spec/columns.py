"""Properties, traits and context fields to columns: flattening, the type of a new column, casts to an older one.

A column keeps the type it was created with; a later value is cast to it as well as can be, or left empty.
Source: Segment, "Warehouse Schemas".
"""

import json
import math
from collections.abc import Mapping

import orjson

from profiles_sync.spec import names, timestamps
from profiles_sync.spec.tables import Type

Value = str | int | float | bool | None

# Reading a member off an enum costs more than the comparison it is for.
_STRING, _BIGINT, _DOUBLE, _BOOLEAN, _TIMESTAMP = (
    Type.STRING,
    Type.BIGINT,
    Type.DOUBLE,
    Type.BOOLEAN,
    Type.TIMESTAMP,
)
SMALLEST, LARGEST = -(2**63), 2**63 - 1  # of a bigint


def flatten(payload: Mapping[str, object], reserved: frozenset[str], prefix: str = "") -> dict[str, Value]:
    """One entry per column: objects are taken apart to any depth, arrays become compact JSON text.

    Args:
        payload: Properties, traits or a context, as JSON gives them.
        reserved: The names that the table uses itself, see `names.column`.
        prefix: `context_` for a context, empty otherwise.

    Returns:
        Column to value in the order of the payload. A null stays None; an empty object adds nothing. Of two keys with
        the same column the last wins, also when it is null, in the place of the first.
    """
    flat: dict[str, Value] = {}
    # A stack instead of recursion: nesting may be deeper than Python's own limit. The head of an inner object is
    # in snake_case already and stays as it is when its columns are named.
    unfinished = [("", iter(payload.items()))]
    while unfinished:
        head, items = unfinished[-1]
        for key, value in items:
            path = (head, key) if head else (key,)
            if isinstance(value, dict):
                unfinished.append((names.joined(path), iter(value.items())))
                break
            name = names.column(path, reserved, prefix)
            if name is not None:
                flat[name] = value if value is None or isinstance(value, (str, int, float)) else _json(value)
        else:
            unfinished.pop()
    return flat


def infer(value: Value) -> Type | None:
    """The type of the column that this value creates; None for a null, which creates no column."""
    if value is None:
        return None
    if isinstance(value, str):
        return _TIMESTAMP if timestamps.is_datetime(value) else _STRING
    if isinstance(value, bool):
        return _BOOLEAN
    return _BIGINT if isinstance(value, int) and SMALLEST <= value <= LARGEST else _DOUBLE


def cast(value: Value, to: Type) -> Value:
    """The value as the column's type holds it, or None where it cannot be; never an error.

    Returns:
        str for a string, int for a bigint, float for a double, bool for a boolean, and for a timestamp an int:
        microseconds since 1970 UTC.
    """
    if value is None:
        return None
    if to is _STRING:
        return value if isinstance(value, str) else text(value)
    if to is _BIGINT:
        return _bigint(value)
    if to is _DOUBLE:
        return _double(value)
    if to is _BOOLEAN:
        return _boolean(value)
    return timestamps.parse(value) if isinstance(value, str) else None


def text(value: Value) -> str | None:
    """The value as text: text as it is, the others as JSON. None for a null and for what JSON cannot write."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    try:
        return _leaf(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return None


def _bigint(value: Value) -> int | None:
    if isinstance(value, str):
        number = _whole(value)
    elif isinstance(value, float):
        number = int(value) if math.isfinite(value) else None
    else:
        number = None if value is None else int(value)
    return number if number is not None and SMALLEST <= number <= LARGEST else None


def _whole(written: str) -> int | None:
    """The whole part of a decimal number with blanks around it, as Spark casts it: no exponent, cut and not rounded."""
    if not written.isascii():
        return None
    whole, _, fraction = written.strip().partition(".")
    digits = whole[1:] if whole.startswith(("+", "-")) else whole
    if not (digits + fraction).isdigit():
        return None
    digits = digits.lstrip("0")
    if len(digits) > 19:  # beyond a bigint; also keeps int() from refusing very long text
        return None
    return -int(digits or 0) if whole.startswith("-") else int(digits or 0)


def _double(value: Value) -> float | None:
    if value is None or (isinstance(value, str) and not _plain(value)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _plain(written: str) -> bool:
    """Whether Python's float() and a warehouse read the text alike: float() also takes `1_000` and foreign digits."""
    return written.isascii() and "_" not in written


def _boolean(value: Value) -> bool | None:
    if isinstance(value, str):
        lowered = value.lower() if len(value) <= 5 else ""
        return True if lowered == "true" else False if lowered == "false" else None
    return bool(value) if value in (0, 1) else None


def _json(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return _deep_json(value)


class _Written(str):
    """A piece of JSON that is ready, among values that are not."""

    __slots__ = ()


def _deep_json(value: object) -> str:
    """The same text as orjson's, for nesting beyond the about 250 levels it goes down."""
    done: list[str] = []
    waiting: list[object] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, _Written):
            done.append(item)
        elif isinstance(item, dict):
            waiting.extend(reversed(_object_pieces(item)))
        elif isinstance(item, list):
            waiting.extend(reversed(_array_pieces(item)))
        else:
            done.append(_leaf(item))
    return "".join(done)


def _object_pieces(members: Mapping[str, object]) -> list[object]:
    pieces: list[object] = [_Written("{")]
    for place, (key, value) in enumerate(members.items()):
        pieces += (_Written(f"{',' if place else ''}{_leaf(key)}:"), value)
    return [*pieces, _Written("}")]


def _array_pieces(elements: list[object]) -> list[object]:
    pieces: list[object] = [_Written("[")]
    for place, value in enumerate(elements):
        pieces += (_Written(","), value) if place else (value,)
    return [*pieces, _Written("]")]


def _leaf(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer of more than 64 bits, or text that is no valid Unicode
        return json.dumps(value)
