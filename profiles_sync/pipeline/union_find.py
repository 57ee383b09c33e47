"""Connected components of edges in memory: arrays in, arrays out, in linear time.

Nodes are any 64-bit numbers. They are first numbered densely: dealt out into buckets that fit a core's cache, then
numbered bucket by bucket with a small hash table, in a tenth of the time that sorting them takes. The union-find on
the dense numbers is Rem's, which joins two paths and shortens both in one walk.
Source: Patwary, Blair, Manne, "Experiments on Union-Find Algorithms for the Disjoint-Set Data Structure" (2010).
"""

import numpy as np
from numpy.typing import NDArray

from profiles_sync.pipeline.compiled import compiled

Numbers = NDArray[np.int64]
Places = NDArray[np.int32]
_BUCKET_BITS, _BUCKETS_BITS = 15, 11  # about 32,768 ends in a bucket, at most 2,048 buckets


def union(src: Numbers, dst: Numbers) -> tuple[Numbers, Numbers]:
    """The distinct nodes of the edges, and beside each the smallest node of its component."""
    nodes, roots = forest(src, dst)
    smallest = nodes.copy()
    np.minimum.at(smallest, roots, nodes)
    return nodes, smallest[roots]


def forest(src: Numbers, dst: Numbers) -> tuple[Numbers, Places]:
    """The distinct nodes of the edges, and beside each the place of the node that stands for its component."""
    if not hasattr(_number, "py_func"):
        return _forest_by_sorting(src, dst)
    buckets_bits = min(max((2 * len(src)).bit_length() - _BUCKET_BITS, 1), _BUCKETS_BITS)
    ends, origins, starts = _deal(src, dst, buckets_bits)
    nodes, numbers = _number(ends, origins, starts)
    return nodes, _unite(numbers, len(nodes))


@compiled
def _scatter(node: int) -> np.uint64:
    """Spread a node's bits evenly: the upper ones choose its bucket, the lower ones its slot."""
    bits = np.uint64(node)
    bits = (bits ^ (bits >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
    return bits ^ (bits >> np.uint64(29))


@compiled
def _deal(src: Numbers, dst: Numbers, buckets_bits: int) -> tuple[Numbers, Places, Numbers]:
    """Both ends of every edge bucket by bucket, beside each where it came from, and where each bucket starts."""
    shift = np.uint64(64 - buckets_bits)
    starts = np.zeros((1 << buckets_bits) + 1, np.int64)
    for edge in range(len(src)):
        starts[np.int64(_scatter(src[edge]) >> shift) + 1] += 1
        starts[np.int64(_scatter(dst[edge]) >> shift) + 1] += 1
    starts = np.cumsum(starts)
    free = starts.copy()
    ends, origins = np.empty(2 * len(src), np.int64), np.empty(2 * len(src), np.int32)
    for edge in range(len(src)):
        for side in range(2):
            node = dst[edge] if side else src[edge]
            bucket = np.int64(_scatter(node) >> shift)
            ends[free[bucket]], origins[free[bucket]] = node, 2 * edge + side
            free[bucket] += 1
    return ends, origins, starts


@compiled
def _number(ends: Numbers, origins: Places, starts: Numbers) -> tuple[Numbers, Places]:
    """The distinct nodes, and for both ends of every edge their place among them. Overwrites `ends`."""
    numbers, count = np.empty(len(ends), np.int32), 0
    slots = np.empty(0, np.int32)
    for bucket in range(len(starts) - 1):
        size = 1
        while size < 2 * (starts[bucket + 1] - starts[bucket]):
            size *= 2
        if size > len(slots):
            slots = np.empty(size, np.int32)
        slots[:size] = -1
        mask = np.uint64(size - 1)
        for place in range(starts[bucket], starts[bucket + 1]):
            node = ends[place]
            slot = _scatter(node) & mask
            while slots[slot] >= 0 and ends[slots[slot]] != node:
                slot = (slot + np.uint64(1)) & mask
            if slots[slot] < 0:
                slots[slot] = count
                ends[count] = node  # never beyond the place that is being read
                count += 1
            numbers[origins[place]] = slots[slot]
    return ends[:count].copy(), numbers


@compiled
def _unite(numbers: Places, count: int) -> Places:
    """The root of each node; the two ends of an edge are neighbours in `numbers`."""
    parents = np.arange(count).astype(np.int32)
    for first in range(0, len(numbers), 2):
        one, other = numbers[first], numbers[first + 1]
        while parents[one] != parents[other]:
            if parents[one] < parents[other]:
                one, other = other, one
            above = parents[one]
            parents[one] = parents[other]
            if one == above:  # it was a root: the two trees are one now
                break
            one = above
    for node in range(count):  # a parent's number is never larger, so it has its root already
        parents[node] = parents[parents[node]]
    return parents


def _forest_by_sorting(src: Numbers, dst: Numbers) -> tuple[Numbers, Places]:
    """The same in numpy alone: hook each larger root below the smaller one, until no edge joins two trees."""
    nodes, places = np.unique(np.concatenate([src, dst]), return_inverse=True)
    left, right = places[: len(src)], places[len(src) :]
    parents = np.arange(len(nodes), dtype=np.int32)
    while len(left):
        low, high = np.minimum(parents[left], parents[right]), np.maximum(parents[left], parents[right])
        np.minimum.at(parents, high, low)
        while not np.array_equal(jumped := parents[parents], parents):
            parents = jumped
        apart = parents[left] != parents[right]
        left, right = left[apart], right[apart]
    return nodes, parents
