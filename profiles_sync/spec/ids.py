"""The ids and sequence numbers that the product mints: all of them depend on the events alone.

A retry, a rebuild and another machine mint the same ones; no clock, no randomness.
"""

import hashlib

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SEGMENT_ID_LENGTH = 27  # 62**27 > 2**160, so a whole SHA-1 fits
LATEST = 9 * 10**18  # the year 2255 in nanoseconds; what is received later counts on from here, within 63 bits


def segment_id(space: str, received_at: int, message_id: str) -> str:
    """The id of the profile that an event creates: `use_` and 27 base-62 characters.

    Args:
        space: The space's slug.
        received_at: Microseconds since 1970 UTC.
        message_id: The creating event's messageId.
    """
    number = int.from_bytes(_sha1(f"{space}\n{received_at}\n{message_id}").digest())
    characters = []
    for _ in range(_SEGMENT_ID_LENGTH):
        number, digit = divmod(number, 62)
        characters.append(_DIGITS[digit])
    return "use_" + "".join(reversed(characters))


def external_id_hash(kind: str, value: str) -> str:
    """Hex SHA-1 of type and value without a separator. Source: Segment, "Profiles Sync Sample Queries"."""
    return _sha1(kind + value).hexdigest()


def message_id(source_id: str, line: bytes) -> str:
    """The messageId of an event that came without one: the same line from the same source has the same."""
    return "auto-" + hashlib.sha1(source_id.encode() + line, usedforsecurity=False).hexdigest()


def row_id(table: str, segment_id: str, key: str, seq: str) -> str:
    """The `id` of a raw row, so that a repeated load finds it again."""
    return _sha1("\n".join((table, segment_id, key, seq))).hexdigest()


def seq_text(seq: int) -> str:
    """A sequence number as it is stored: 20 digits, so that text order is number order."""
    return f"{seq:020d}"


def next_seq(last: int, received_at: int) -> int:
    """The next number of the space's clock: nanoseconds of the time received, but always more than the last one."""
    return max(last + 1, min(received_at * 1000, LATEST))


def _sha1(text: str) -> "hashlib._Hash":
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False)
