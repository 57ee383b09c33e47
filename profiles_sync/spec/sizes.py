"""Sizes as a person reads them."""

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def in_bytes(size: int) -> str:
    """In the unit, of a thousand each, that leaves the fewest digits: `21.3 TB`."""
    unit = min((len(str(size)) - 1) // 3, len(_UNITS) - 1)
    return f"{size / 1000**unit:,.1f} {_UNITS[unit]}" if unit else f"{size} {_UNITS[0]}"
