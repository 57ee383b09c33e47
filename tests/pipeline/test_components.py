"""Connected components: in one array, and by rounds of star contraction."""

import random

import numpy as np
import pytest

from profiles_sync.pipeline.components import components, union


def by_search(edges):
    neighbours = {}
    for one, other in edges:
        neighbours.setdefault(one, set()).add(other)
        neighbours.setdefault(other, set()).add(one)
    labels = {}
    for start in sorted(neighbours):
        waiting = [start]
        while waiting:
            node = waiting.pop()
            if node not in labels:
                labels[node] = start
                waiting += neighbours[node]
    return labels


def graph(seed):
    rnd = random.Random(seed)
    edges = [(rnd.randrange(-60, 60), rnd.randrange(-60, 60)) for _ in range(rnd.randrange(1, 90))]
    chain = [(n, n + 1) for n in range(100, 130)]
    star = [(200, n) for n in range(201, 220)]
    return [*edges, *chain, *star, (500, 500)]


@pytest.mark.parametrize("seed", range(30))
def test_union_finds_the_smallest_node_of_each_component(seed):
    edges = np.array(graph(seed), np.int64)
    nodes, roots = union(edges[:, 0], edges[:, 1])
    assert dict(zip(nodes.tolist(), roots.tolist(), strict=True)) == by_search(graph(seed))


@pytest.mark.parametrize("one_task", [0, 60, 10_000])
def test_rounds_come_to_the_same_labels(spark, tmp_path, one_task):
    edges = graph(7)
    frame = spark.createDataFrame(edges, "node bigint, component bigint").repartition(3)
    labels = components(spark, frame, str(tmp_path), one_task).collect()
    assert len(labels) == len({row["node"] for row in labels})
    assert {row["node"]: row["component"] for row in labels} == by_search(edges)
