"""Connected components of a graph that fits one task, and of one that does not.

Up to `one_task` edges (`identity.edges_per_task`) are solved by one task, in one Spark job. Beyond that, edges are
first contracted share by share, each to stars. Where that is still too much for one task, only what links the shares'
stars is solved, see `links`. While there are more than `one_task` of these links, rounds of large-star and small-star
shrink every component towards a star around its smallest node; what is left is finished in one task. Each round costs
two shuffles of the remaining edges and is written down, so that no later step computes it again.
Source: Kiveris et al., "Connected Components in MapReduce and Beyond" (2014).
"""

from collections.abc import Iterator, Sequence
from functools import partial

import orjson
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from profiles_sync.lake.storage import in_tasks
from profiles_sync.pipeline.edges import Piece, Solve, files, pieces, read, shares, solve_share, write
from profiles_sync.pipeline.links import by_bucket, in_order, joined, labels_of, stars
from profiles_sync.pipeline.storage import is_url
from profiles_sync.pipeline.tasks import each_on_spark
from profiles_sync.pipeline.union_find import union

ONE_TASK = 50_000_000  # edges, unless the settings say otherwise; some 60 bytes each while they are solved
_ROW = "node bigint, component bigint"
_ROWS = 65_536  # of a batch on its way to the JVM
AT_ONCE = 4  # tasks that share the memory which one task has at the end


def components(spark: SparkSession, edges: str, folder: str, one_task: int = ONE_TASK) -> DataFrame:
    """Label every node with the smallest node of its component.

    Args:
        spark: The session.
        edges: A Parquet file or a folder of them: `node bigint, component bigint`, nothing NULL. Direction does not
            matter, a loop names a node without edges.
        folder: Where tasks and rounds write; the labels are read from there.
        one_task: How many edges one task finishes.

    Returns:
        `node bigint, component bigint`, one row per node.
    """
    return _frame(spark, pieces(labelled(spark, edges, folder, one_task)))


def labelled(spark: SparkSession, edges: str, folder: str, one_task: int = ONE_TASK) -> list[str]:
    """As `components`; the Parquet files of the labels."""
    parts = pieces(files(edges))
    if _size(parts) <= one_task:
        return _finished(spark, parts, f"{folder}/labels")
    dealt = shares(parts, one_task // AT_ONCE)
    told = each_on_spark(spark, dealt, partial(stars, buckets=len(dealt), folder=f"{folder}/stars"))
    buckets = by_bucket(told, len(dealt))
    if _size(every := [piece for bucket in buckets for piece in bucket]) <= one_task:
        return _finished(spark, every, f"{folder}/labels")
    return _by_links(spark, buckets, folder, one_task)


def _by_links(spark: SparkSession, buckets: Sequence[Sequence[Piece]], folder: str, one_task: int) -> list[str]:
    """Solve what links the shares' stars, then give every node the label of its nearest centre."""
    told = map(orjson.loads, each_on_spark(spark, buckets, partial(joined, folder=folder)))
    nearest, links = (list(paths) for paths in zip(*told, strict=True))
    if _size(parts := pieces(links)) > one_task:
        labels = _frame(spark, pieces(_by_rounds(spark, links, f"{folder}/rounds", one_task)))
        return _written(_relabelled(_frame(spark, pieces(nearest)), labels), f"{folder}/labels")
    solved = pieces(_finished(spark, parts, f"{folder}/solved", in_order))
    label = partial(labels_of, labels=solved, folder=f"{folder}/labels")
    return sorted(each_on_spark(spark, [pieces([path]) for path in nearest], label))


def _by_rounds(spark: SparkSession, written: list[str], folder: str, one_task: int) -> list[str]:
    """Shrink the links until one task can finish them, or until all that is left are stars."""
    number = 0
    while _size(parts := pieces(written)) > one_task:
        links = _frame(spark, parts)
        if number and _is_stars(links):
            return _written(_spread(links), f"{folder}/labels")
        number += 1
        written = _written(_small_star(_large_star(links)), f"{folder}/{number}")
    return _finished(spark, parts, f"{folder}/labels")


def _finished(spark: SparkSession, parts: Sequence[Piece], folder: str, solve: Solve = union) -> list[str]:
    """One task solves all of it; the file that it wrote."""
    return each_on_spark(spark, [parts], partial(solve_share, solve=solve, folder=folder))


def _size(parts: Sequence[Piece]) -> int:
    return sum(piece.edges for piece in parts)


def _frame(spark: SparkSession, parts: Sequence[Piece]) -> DataFrame:
    """All pieces of some files. Spark reads them faster, but may have no word for the lake's object store."""
    paths = sorted({part.path for part in parts})
    if not any(map(is_url, paths)):
        return spark.read.schema(_ROW).parquet(*paths)

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from read(parts[number]).to_batches(_ROWS)

    tasks = spark.range(0, len(parts), 1, max(1, len(parts)))
    return tasks.mapInArrow(in_tasks(run), _ROW)


def _written(rows: DataFrame, folder: str) -> list[str]:
    """The files; where Spark has no word for the store, the tasks that made the rows write them."""
    if not is_url(folder):
        rows.write.mode("overwrite").parquet(folder)
        return files(folder)

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for path in write(batches, folder):
            yield pa.RecordBatch.from_arrays([pa.array([path], pa.string())], ["path"])

    return sorted(row["path"] for row in rows.mapInArrow(in_tasks(run), "path string").collect())


def _relabelled(nearest: DataFrame, labels: DataFrame) -> DataFrame:
    """Every node with the label of its centre, which is the centre itself where nothing links it."""
    labels = labels.selectExpr("node as component", "component as label")
    found = nearest.join(labels, "component", "left")
    return found.selectExpr("node", "coalesce(label, component) as component")


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


def _spread(stars: DataFrame) -> DataFrame:
    """A row for each node of the stars, centres too."""
    return stars.unionByName(stars.selectExpr("component as node", "component").distinct())
