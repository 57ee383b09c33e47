"""Shapes that kill identity graphs, as events of which only the identifiers matter, in any size."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from profiles_sync.spec.rules import IdentityRules
from tests.benchmarks.extracted import Extracted, named, pages, repeated

_TYPES = tuple(IdentityRules().by_type)


def chain(size: int) -> Extracted:
    """Each event has what the one before brought, and brings something new."""
    place = np.arange(size)
    return _pages(size, anonymous_id=named("cookie", (place + 1) // 2), email=named("mail", place // 2))


def one_identifier(size: int) -> Extracted:
    return _pages(size, anonymous_id=repeated("cookie", size))


def kiosk(size: int) -> Extracted:
    """One cookie, and a tenth as many users as events."""
    return _pages(size, user_id=named("user", np.arange(size) % (size // 10)), anonymous_id=repeated("kiosk", size))


def poison(size: int) -> Extracted:
    """Everybody has the same address."""
    return _pages(size, user_id=named("user", np.arange(size)), email=repeated("unknown", size))


def blocked(size: int) -> Extracted:
    """Everybody's cookie is called null, which is blocked."""
    return _pages(size, np.ones(size, bool), user_id=named("user", np.arange(size)))


def _pages(size: int, blocked: NDArray[np.bool_] | None = None, **carried: pa.StringArray) -> Extracted:
    found = {name: (np.arange(size), values) for name, values in carried.items()}
    return pages(named("msg", np.arange(size)), 1_000, _TYPES, found, blocked)
