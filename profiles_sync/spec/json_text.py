"""A line's JSON as Python's values; what JSON's grammar allows and orjson refuses is mended, or called what it is."""

import re

import orjson

BROKEN, TOO_LARGE, TOO_DEEP = "broken JSON", "number too large for a double", "nested too deeply"

# No warehouse stores U+0000: it is left out of every text. An even number of backslashes before it is only backslashes.
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")

# Every escape as a whole, so that it is clear where the next one begins; the group is half of a pair by itself.
_HIGH, _LOW, _HALF = (rb"u[dD][%b][0-9a-fA-F]{2}" % digit for digit in (b"89abAB", b"c-fC-F", b"89a-fA-F"))
_ESCAPE = re.compile(rb"(?s)\\(?:%b\\%b|(%b)|.)" % (_HIGH, _LOW, _HALF))

# Texts (the last one perhaps without its end), brackets and numbers.
_PIECE = re.compile(
    rb'(?s)"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[{}\[\]]|(-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?)'
)
# Most broken lines have neither of these, and then nothing but their grammar can be wrong.
_LONG_NUMBER = re.compile(rb"[0-9]{200}|[0-9][eE]\+?[0-9]{3,}+(?:[\s,\]}]|$)")
_MANY_BRACKETS = 500


class Refused(ValueError):
    """The text is not taken; the message is the reason."""


def loads(text: bytes) -> tuple[object, int]:
    """The value of a JSON text, and how many NUL characters were left out of it.

    Of a key that is given twice the last value counts. A whole number beyond 64 bits is a float. Half of a surrogate
    pair, as it is left where a text was cut inside an emoji, becomes U+FFFD.

    Raises:
        Refused: It is no JSON, or a number in it is beyond a double, or it is nested deeper than orjson goes.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        text = _mended(text)
        value = orjson.loads(text)
    if b"\\u0000" not in text:
        return value, 0
    cleaned, nul = _NUL.subn(rb"\1", text)
    return orjson.loads(cleaned), nul


def _mended(text: bytes) -> bytes:
    mended = _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], text)
    if not _is_taken(mended):
        raise Refused(_why(mended))
    return mended


def _is_taken(text: bytes | bytearray) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _why(text: bytes) -> str:
    """The reason why orjson refuses a text.

    Each object and each list is given to orjson by itself, with a null for every one inside it and for every number
    too large. If orjson takes them all, then the grammar was right. No recursion: no text is too deep for this.
    """
    if text.count(b"[") + text.count(b"{") < _MANY_BRACKETS and not _LONG_NUMBER.search(text):
        return BROKEN
    levels, done, too_large = [bytearray()], 0, False
    for found in _PIECE.finditer(text):
        levels[-1] += text[done : found.start()]
        piece, done = found[0], found.end()
        if piece in (b"{", b"["):
            levels.append(bytearray(piece))
        elif piece in (b"}", b"]"):
            level = levels.pop() + piece
            if not levels or not _is_taken(level):
                return BROKEN
            levels[-1] += b"null"
        elif found[1] and not _is_taken(piece):
            levels[-1] += b"null"
            too_large = True
        else:
            levels[-1] += piece
    levels[-1] += text[done:]
    if len(levels) > 1 or not _is_taken(levels[0]):
        return BROKEN
    return TOO_LARGE if too_large else TOO_DEEP
