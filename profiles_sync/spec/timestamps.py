"""ISO-8601 text to microseconds, and the time an event happened.

A time is an int everywhere: microseconds since 1970-01-01 UTC, negative before it.
Source: Segment, "Spec: Common Fields", section "Timestamps".
"""

from datetime import datetime
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1)
_read = datetime.fromisoformat
_SECOND = 1_000_000
_EARLIEST = -62_135_596_800 * _SECOND  # 0001-01-01T00:00:00Z
LATEST = 253_402_300_800 * _SECOND - 1  # 9999-12-31T23:59:59.999999Z


def parse(text: str) -> int | None:
    """Read an ISO-8601 date or date-time.

    Taken: `YYYY-MM-DD`, then optionally `T` or one space, `hh:mm`, `:ss`, a fraction of any length (cut to
    microseconds) and a zone: `Z`, `+hh:mm`, `+hhmm`, `+hh`, or none for UTC. Letters may be lower-case.

    Returns:
        Microseconds since 1970 UTC, or None when the text is anything else or falls outside the years 1 to 9999.
    """
    # The shape is checked here because datetime.fromisoformat takes more forms with every version of Python.
    if text[4:5] != "-" or text[7:8] != "-":
        return None
    if len(text) == 10:
        return _moment(text)
    return _date_time(text) if len(text) >= 16 and text[10] in "Tt " else None


def is_datetime(text: str) -> bool:
    """Whether the text is a full date and time, which makes a new column a timestamp. A bare date stays text."""
    return text[4:5] == "-" and len(text) >= 16 and parse(text) is not None


def event_time(received: int, sent: int | None, original: int | None) -> int:
    """When the event happened: the time of receipt less how long the client held the event, by its own clock.

    Args:
        received: Microseconds, by the receiver's clock.
        sent: Microseconds, by the client's clock, if it says.
        original: Microseconds, by the client's clock, if it says.

    Returns:
        Microseconds. Without `sent` the client's time as it is, without that too the time of receipt. The time of
        receipt also stands in when the client's clock would put the event outside the years 1 to 9999, which not every
        warehouse holds.
    """
    if original is None:
        return received
    if sent is None:
        return original
    happened = received - (sent - original)
    return happened if _EARLIEST <= happened <= LATEST else received


def _date_time(text: str) -> int | None:
    if text[-1] in "Zz":
        clock, offset = text[:-1], 0
    else:
        at = max(text.rfind("+", 16), text.rfind("-", 16))
        clock, known = (text, 0) if at < 0 else (text[:at], _offset(text[at:]))
        if known is None:
            return None
        offset = known
    if clock[13:14] != ":" or clock[11:13] == "24" or not _is_whole(clock):  # newer Pythons read 24:00 as the next day
        return None
    moment = _moment(clock[:26])
    if moment is None or not offset:
        return moment
    return moment - offset if _EARLIEST <= moment - offset <= LATEST else None


def _is_whole(clock: str) -> bool:
    """Whether hours and minutes are followed by nothing, by seconds, or by seconds and a fraction."""
    if len(clock) <= 19:
        return len(clock) == 16 or (len(clock) == 19 and clock[16] == ":")
    fraction = clock[20:]
    return clock[16] == ":" and clock[19] in ".," and fraction.isdigit() and fraction.isascii()


@lru_cache(maxsize=512)
def _offset(zone: str) -> int | None:
    """Microseconds that the zone is ahead of UTC: `+hh:mm`, `+hhmm`, `+hh` or nothing; None when unreadable."""
    if not zone:
        return 0
    digits = zone[1:3] + zone[4:] if len(zone) == 6 and zone[3] == ":" else zone[1:]
    if len(digits) not in {2, 4} or not (digits.isascii() and digits.isdigit()):
        return None
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 23 or minutes > 59:
        return None
    return (-1 if zone[0] == "-" else 1) * (hours * 3600 + minutes * 60) * _SECOND


def _moment(text: str) -> int | None:
    """Microseconds of a date, or of a date-time without zone, whose separators and fraction are checked."""
    try:
        since = _read(text) - _EPOCH
    except ValueError:
        return None
    return (since.days * 86_400 + since.seconds) * _SECOND + since.microseconds
