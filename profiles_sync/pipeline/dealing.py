"""What has a weight, dealt out: neighbours stay together."""

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def dealt(things: Iterable[T], weight: Callable[[T], int], most: int) -> list[list[T]]:
    """The things in their order, in shares that weigh at most so much, or of one thing that weighs more."""
    shares: list[list[T]] = []
    size = 0
    for one in things:
        if not shares or size + weight(one) > most:
            shares.append([])
            size = 0
        shares[-1].append(one)
        size += weight(one)
    return shares
