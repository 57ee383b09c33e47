"""What links the shares of a graph, in this process: the tasks' own functions, one after the other."""

import random

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from profiles_sync.pipeline.edges import SCHEMA, load, pieces, shares, solve_share
from profiles_sync.pipeline.links import by_bucket, in_order, joined, labels_of, stars
from tests.pipeline.test_components import SHAPES, as_labels, by_search, ends, graph


def dealt(folder, edges, most):
    """The edges in shares of at most so many."""
    path = folder / "edges.parquet"
    pq.write_table(pa.table(list(ends(edges)), SCHEMA), path, row_group_size=max(1, most // 2))
    return shares(pieces([str(path)]), most)


def linked(folder, edges, most):
    """The files of the nearest centres, and those of links."""
    several = dealt(folder, edges, most)
    buckets = by_bucket([stars(share, len(several), str(folder / "stars")) for share in several], len(several))
    return zip(*(orjson.loads(joined(bucket, str(folder))) for bucket in buckets), strict=True)


def labelled(folder, edges, most):
    nearest, links = linked(folder, edges, most)
    solved = pieces([solve_share(pieces(links), in_order, str(folder / "solved"))])
    found = [load(pieces([labels_of(pieces([one]), solved, str(folder / "labels"))])) for one in nearest]
    return as_labels(*(np.concatenate(column) for column in zip(*found, strict=True)))


@pytest.mark.parametrize("seed", range(20))
def test_every_node_has_the_smallest_one_of_its_component(tmp_path, seed):
    edges = random.Random(seed).sample(graph(seed), len(graph(seed)))
    assert labelled(tmp_path, edges, 25) == by_search(edges)


@pytest.mark.parametrize("shape", [name for name, edges in SHAPES.items() if len(edges) > 1])
def test_awkward_shapes(tmp_path, shape):
    edges = SHAPES[shape]
    assert labelled(tmp_path, edges, max(1, len(edges) // 5)) == by_search(edges)


def test_a_hub_is_linked_once_by_each_share_and_not_once_by_each_neighbour(tmp_path):
    _, links = linked(tmp_path, [(1_000, node) for node in range(500)], 50)
    found, several = load(pieces(links)), len(dealt(tmp_path, [(0, 1)] * 500, 50))
    assert len(found[0]) == several - 1


def test_shares_that_have_no_node_in_common_have_no_links(tmp_path):
    nearest, links = linked(tmp_path, [(2 * node, 2 * node + 1) for node in range(100)], 20)
    assert not len(load(pieces(links))[0])
    assert sorted(load(pieces(nearest))[0].tolist()) == list(range(200))
