"""Look-ups by 128-bit digests, in two columns of numbers: which are the same, and which of many are wanted."""

import numpy as np
from numpy.typing import NDArray

from profiles_sync.pipeline.compiled import compiled

Numbers = NDArray[np.int64]


def factorize(high: Numbers, low: Numbers) -> tuple[NDArray[np.int32], Numbers]:
    """A code per digest in order of first appearance, and where each code first appears."""
    codes, firsts = np.empty(len(high), np.int32), np.empty(len(high), np.int64)
    count = _factorize(high, low, _slots(len(high)), codes, firsts)
    return codes, firsts[:count].copy()


def places(high: Numbers, low: Numbers, wanted_high: Numbers, wanted_low: Numbers) -> NDArray[np.int32]:
    """For each digest its place among the wanted ones, which are distinct; -1 for one that is not wanted."""
    slots = _slots(len(wanted_high))
    codes, firsts = np.empty(len(wanted_high), np.int32), np.empty(len(wanted_high), np.int64)
    _factorize(wanted_high, wanted_low, slots, codes, firsts)
    found = np.empty(len(high), np.int32)
    _places(high, low, wanted_high, wanted_low, slots, found)
    return found


def _slots(count: int) -> NDArray[np.int32]:
    return np.full(1 << max(4, (2 * count).bit_length()), -1, np.int32)


@compiled
def _slot(high, mask):
    return ((high ^ (high >> 31)) * 5) & mask  # digests are random; plain numbers are spread a little


@compiled
def _factorize(high, low, slots, codes, firsts):
    mask, count = len(slots) - 1, 0
    for index in range(len(high)):
        slot = _slot(high[index], mask)
        while True:
            code = slots[slot]
            if code < 0:
                slots[slot], firsts[count], codes[index] = count, index, count
                count += 1
                break
            first = firsts[code]
            if high[first] == high[index] and low[first] == low[index]:
                codes[index] = code
                break
            slot = (slot + 1) & mask
    return count


@compiled
def _places(high, low, wanted_high, wanted_low, slots, found):
    mask = len(slots) - 1
    for index in range(len(high)):
        slot = _slot(high[index], mask)
        found[index] = -1
        while slots[slot] >= 0:
            code = slots[slot]
            if wanted_high[code] == high[index] and wanted_low[code] == low[index]:
                found[index] = code
                break
            slot = (slot + 1) & mask
