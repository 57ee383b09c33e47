"""Connected components of a graph too large for one task, and of one that is not.

Edges are first contracted inside each partition, where a near-forest loses most of its edges. While more than
`one_task` remain, rounds of large-star and small-star shrink every component towards a star around its smallest
node; what is left is finished in one task. Each round costs two shuffles of the remaining edges and is written down,
so that no later step computes it again.
Source: Kiveris et al., "Connected Components in MapReduce and Beyond" (2014).
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

Numbers = NDArray[np.int64]
_LABELS = pa.schema([("node", pa.int64()), ("component", pa.int64())])
ONE_TASK = 50_000_000  # edges; 16 bytes each


def union(src: Numbers, dst: Numbers) -> tuple[Numbers, Numbers]:
    """The distinct nodes of the edges, sorted, and beside each the smallest node of its component."""
    nodes, places = np.unique(np.concatenate([src, dst]), return_inverse=True)
    left, right = places[: len(src)], places[len(src) :]
    parent = np.arange(len(nodes))
    while len(left):
        low, high = np.minimum(parent[left], parent[right]), np.maximum(parent[left], parent[right])
        np.minimum.at(parent, high, low)  # hook the larger root below the smaller
        while True:  # then let every node look through to its root
            jumped = parent[parent]
            if np.array_equal(jumped, parent):
                break
            parent = jumped
        apart = parent[left] != parent[right]
        left, right = left[apart], right[apart]
    return nodes, nodes[parent]


def _contract(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """A partition's edges to one edge per node, to the smallest node it is connected with there."""
    table = pa.Table.from_batches(list(batches), pa.schema([("node", pa.int64()), ("component", pa.int64())]))
    nodes, roots = union(table["node"].to_numpy(), table["component"].to_numpy())
    yield from pa.table([nodes, roots], schema=_LABELS).to_batches()


def components(spark: SparkSession, edges: DataFrame, folder: str, one_task: int = ONE_TASK) -> DataFrame:
    """Label every node with the smallest node of its component.

    Args:
        spark: The session.
        edges: `node bigint, component bigint`; direction does not matter, a loop names a node without edges.
        folder: Where rounds are written down.
        one_task: How many edges one task finishes.

    Returns:
        `node bigint, component bigint`, one row per node.
    """
    left = _written(spark, _partitionwise(edges), f"{folder}/0")
    loops = left.where("node = component")
    number = 0
    while left.count() > one_task:
        number += 1
        links = left.where("node <> component")
        left = _written(spark, _small_star(_large_star(links)), f"{folder}/{number}")
        if _is_stars(left):
            return (
                left.unionByName(_roots(left))
                .unionByName(loops.join(left, "node", "left_anti"))
                .groupBy("node")
                .agg(F.min("component").alias("component"))
            )
    if number:
        left = left.unionByName(loops)
    return _partitionwise(left.coalesce(1))


def _partitionwise(edges: DataFrame) -> DataFrame:
    return edges.mapInArrow(_contract, "node bigint, component bigint")


def _written(spark: SparkSession, frame: DataFrame, path: str) -> DataFrame:
    frame.write.mode("overwrite").parquet(path)
    return spark.read.parquet(path)


def _large_star(links: DataFrame) -> DataFrame:
    """Connect every larger neighbour of a node to the smallest node in its neighbourhood."""
    both = links.unionByName(links.selectExpr("component as node", "node as component"))
    lowest = both.groupBy("node").agg(F.least(F.min("component"), F.col("node")).alias("lowest"))
    pairs = both.join(lowest, "node").where("component > node")
    return pairs.selectExpr("component as node", "lowest as component").distinct()


def _small_star(links: DataFrame) -> DataFrame:
    """Connect a node and its smaller neighbours to the smallest of them."""
    down = links.selectExpr("greatest(node, component) as node", "least(node, component) as component")
    lowest = down.groupBy("node").agg(F.min("component").alias("lowest"))
    pairs = down.join(lowest, "node")
    moved = pairs.where("component <> lowest").selectExpr("component as node", "lowest as component")
    return moved.unionByName(lowest.selectExpr("node", "lowest as component")).distinct()


def _is_stars(links: DataFrame) -> bool:
    """Whether no node has two centres and no centre has a centre of its own."""
    if links.groupBy("node").count().where("count > 1").limit(1).collect():
        return False
    centres = links.selectExpr("component as node").distinct()
    return not links.join(centres, "node", "left_semi").limit(1).collect()


def _roots(links: DataFrame) -> DataFrame:
    return links.selectExpr("component as node", "component").distinct()
