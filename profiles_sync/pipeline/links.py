"""What links the shares of a graph that were solved apart: three tasks, which read and write files of edges.

A share comes to stars: each of its nodes and the smallest one of its component. A node that is in several shares has a
centre in each, and so links these. Stars are dealt out by node, so that one task has all centres of a node: at most as
many as there are shares, however many neighbours the node has. It keeps the smallest one as the nearest, and tells
which others are linked to it. Whoever knows the components of the links knows every node's label: that of its nearest.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import orjson

from profiles_sync.pipeline.edges import Piece, load, save
from profiles_sync.pipeline.union_find import Numbers, union

_SPREAD = np.uint64(0x9E3779B97F4A7C15)


def stars(share: Sequence[Piece], buckets: int, folder: str) -> str:
    """The stars of a share, centres among them, bucket by bucket in one file; its pieces and the bucket of each."""
    nodes, centres = union(*load(share))
    bucket = (nodes.view(np.uint64) * _SPREAD >> np.uint64(32)) % np.uint64(buckets)
    order = np.argsort(bucket, kind="stable")
    which, starts = np.unique(bucket[order], return_index=True)
    cut = list(zip(*(np.split(one[order], starts[1:]) for one in (nodes, centres)), strict=True)) if len(nodes) else []
    path = save(folder, cut)
    dealt = zip(which.tolist(), cut, strict=True)
    return orjson.dumps([(of, path, group, len(one[0])) for group, (of, one) in enumerate(dealt)]).decode()


def by_bucket(told: Iterable[str], buckets: int) -> list[list[Piece]]:
    """What `stars` told of each share: the pieces of each bucket."""
    found: list[list[Piece]] = [[] for _ in range(buckets)]
    for one in told:
        for bucket, *piece in orjson.loads(one):
            found[bucket].append(Piece(*piece))
    return found


def joined(bucket: Sequence[Piece], folder: str) -> str:
    """The files of the nodes of a bucket, each with the nearest of its centres, and of what else is linked to that."""
    nodes, centres = _sorted(*load(bucket))
    is_first = np.diff(nodes, prepend=nodes[:1] - 1) != 0  # of the smallest number it is the largest: another one too
    nearest = np.repeat(centres[is_first], np.diff(np.append(np.flatnonzero(is_first), len(nodes))))
    apart = centres != nearest
    ends, others = _sorted(centres[apart], nearest[apart])
    is_new = np.append(True, (np.diff(ends) != 0) | (np.diff(others) != 0))[: len(ends)]
    near = save(f"{folder}/nearest", [(nodes[is_first], centres[is_first])])
    return orjson.dumps([near, save(f"{folder}/links", [(ends[is_new], others[is_new])])]).decode()


def in_order(src: Numbers, dst: Numbers) -> tuple[Numbers, Numbers]:
    """As `union`, by node: all tasks look labels up in it, and none has to sort them."""
    return _sorted(*union(src, dst))


def labels_of(nearest: Sequence[Piece], labels: Sequence[Piece], folder: str) -> str:
    """The file of the nodes with the labels of their centres, which are in order; what nothing links is its own."""
    nodes, centres = load(nearest)
    linked, found = load(labels)
    if len(linked):
        at = np.minimum(np.searchsorted(linked, centres), len(linked) - 1)
        centres = np.where(linked[at] == centres, found[at], centres)
    return save(folder, [(nodes, centres)])


def _sorted(nodes: Numbers, beside: Numbers) -> tuple[Numbers, Numbers]:
    order = np.lexsort((beside, nodes))
    return nodes[order], beside[order]
