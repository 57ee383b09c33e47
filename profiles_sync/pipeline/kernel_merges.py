"""The rows of merges: a profile merged away, and with it every profile that had been merged into it."""

from typing import NamedTuple

import numpy as np

from profiles_sync.pipeline.compiled import compiled
from profiles_sync.pipeline.kernel_steps import Ints, Longs


class Work(NamedTuple):
    """The merges of `kernel_steps.Log`, and room to work in.

    Attributes:
        starts: The first row of each merge, and how many rows there are.
        merges: Event, profile merged away, profile that lives on.
        last: Per profile the last merge into it, -1 for none yet.
        before: Per merge the one into the same profile before it.
    """

    starts: Longs
    merges: Ints
    last: Ints
    before: Ints


class Absorbed(NamedTuple):
    """Per profile of the past the numbers of those merged into it, as in `kernel.Past`."""

    offsets: Longs
    numbers: Longs


@compiled
def expand(work: Work, past: Absorbed, numbers: Longs, rows: Longs) -> None:
    """Write, for each merge, the profile merged away and behind it all that had been merged into it before."""
    for merge in range(len(work.merges)):
        child, into, row = work.merges[merge, 1], work.merges[merge, 2], work.starts[merge]
        rows[row] = numbers[child]
        if child < len(past.offsets) - 1:
            for at in range(past.offsets[child], past.offsets[child + 1]):
                row += 1
                rows[row] = past.numbers[at]
        earlier = work.last[child]
        while earlier >= 0:  # the rows of a merge into the child are what the child got from it
            for at in range(work.starts[earlier], work.starts[earlier + 1]):
                row += 1
                rows[row] = rows[at]
            earlier = work.before[earlier]
        work.before[merge] = work.last[into]
        work.last[into] = merge


def put_in_order(rows: Longs, starts: Longs) -> None:
    """Behind each profile merged away the others by age."""
    sizes = np.diff(starts)
    loose = np.repeat(sizes > 2, sizes)
    loose[starts[:-1]] = False
    several = rows[loose]
    rows[loose] = several[np.lexsort((several, np.repeat(np.arange(len(sizes)), sizes)[loose]))]
