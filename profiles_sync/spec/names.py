"""Event, property and trait names to table and column names.

The snake_case rule is that of Segment's warehouses: only ASCII letters and digits survive, and a run of capitals is
one word together with the small letters after it (`HTTPRequest` is `httprequest`).
Source: Segment, "Warehouse Schemas"; the rule of the go-snakecase library that Segment publishes.
"""

import hashlib
import re
from functools import lru_cache

from profiles_sync.spec.tables import BY_NAME, QUARANTINE

#: Characters of a table's name in the lake; each is a folder's name too.
MAX_TABLE = 200

# Properties repeat from event to event; the bound keeps made-up names from filling the memory.
_CACHE = 1 << 15

_SNAKE = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")
_WORD = re.compile(r"[A-Z0-9]+[a-z0-9]*|[a-z][a-z0-9]*")
_TAKEN = frozenset(BY_NAME) | {QUARANTINE.name}


@lru_cache(maxsize=_CACHE)
def snake_case(raw: str) -> str:
    """The name in snake_case: empty, or words of ASCII small letters and digits joined by single underscores.

    A name that is in snake_case already comes back unchanged.
    """
    found = _SNAKE.match(raw)
    prefix = found.group() if found else ""
    if len(prefix) == len(raw):
        return prefix
    words = _WORD.findall(raw, len(prefix))
    if words and _glues(prefix, raw[len(prefix)]):
        prefix += words.pop(0).lower()
    return "_".join([prefix, *words] if prefix else words).lower()


def _glues(prefix: str, following: str) -> bool:
    """Whether a capital right after the prefix goes on with its last word, which has digits only (`3D`, `a_6N`)."""
    last = prefix.rpartition("_")[2]
    return "A" <= following <= "Z" and not any("a" <= letter <= "z" for letter in last)


@lru_cache(maxsize=_CACHE)
def event_slug(event: str) -> str:
    """The event's name in snake_case; `_unnamed_` and 8 hex digits of its SHA-1 when no letter or digit is left."""
    if slug := snake_case(event):
        return slug
    return "_unnamed_" + hashlib.sha1(event.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()[:8]


def event_table(slug: str) -> str:
    """The table of a Track event: its slug, with `_` in front where a fixed table or the quarantine has that name.

    A slug that no folder could be named after is cut, and told apart by 8 hex digits of its SHA-1.
    """
    if len(slug) > MAX_TABLE:
        return slug[: MAX_TABLE - 9] + "_" + hashlib.sha1(slug.encode(), usedforsecurity=False).hexdigest()[:8]
    return "_" + slug if slug in _TAKEN else slug


@lru_cache(maxsize=_CACHE)
def joined(path: tuple[str, ...]) -> str:
    """The path's parts in snake_case, joined by `_`; parts without a letter or digit are left out."""
    return "_".join(filter(None, map(snake_case, path)))


@lru_cache(maxsize=_CACHE)
def column(path: tuple[str, ...], reserved: frozenset[str], prefix: str = "") -> str | None:
    """The column of the property, trait or context field at `path`.

    Args:
        path: The keys from the outermost object inwards.
        reserved: The names that the table uses itself; such a property gets `_` in front.
        prefix: `context_` for context fields, empty for properties and traits.

    Returns:
        The name, or None when no letter or digit is left of it: the value has no column.
    """
    name = joined(path)
    if not name:
        return None
    if prefix:
        return prefix + name
    return "_" + name if name in reserved or name.startswith("context_") else name
