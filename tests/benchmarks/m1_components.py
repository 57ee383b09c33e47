"""Measure 1: connected components of identity edges, from Parquet to Parquet.

Against scipy, which reads and numbers the same edges and writes nothing, and against Splink's clustering on DuckDB,
which does the whole of the job with every core.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from profiles_sync.pipeline.components import components
from tests.benchmarks.inputs import identity_edges
from tests.benchmarks.measure import Answer, Bench, Goal, Result, Way, answer, race
from tests.benchmarks.memory import PeakMemory

FULL, QUICK = (1_270_000, 12_600_000), (200_000,)  # edges
_LARGE = 5_000_000  # edges, from where the goals for 12.6 million hold
# Which node stands for a component is the others' own choice. Ours promises the smallest.
_SMALLEST = "SELECT node, min(node) OVER (PARTITION BY component) AS component FROM rows"


def measure(bench: Bench) -> Iterator[Result]:
    for count in bench.sizes:
        edges = bench.folder / f"edges-{count}.parquet"
        identity_edges(edges, count, bench.seed)
        ours, scipy, splink = _ours(bench, edges), _scipy(edges), _splink(edges)
        large = count >= _LARGE
        inputs = {"edges": count, "seed": bench.seed}
        for other, goal in ((scipy, 1.8 if large else 2.0), (splink, 1.0 if large else 1.2)):
            with PeakMemory() as peak:
                ours.run()
            yield race(1, ours, other, Goal(goal), inputs, bench.repeats, {"peak bytes": peak.bytes})


def _ours(bench: Bench, edges: Path) -> Way:
    work = bench.folder / "work"

    def run() -> None:
        shutil.rmtree(work, ignore_errors=True)
        components(bench.spark, str(edges), str(work))

    return Way("components", run, lambda: answer("SELECT * FROM rows", rows=pq.read_table(work / "labels")))


def _scipy(edges: Path) -> Way:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    found: dict[str, np.ndarray] = {}

    def run() -> None:
        table = pq.read_table(edges)
        src, dst = table["node"].to_numpy(), table["component"].to_numpy()
        nodes, places = np.unique(np.concatenate([src, dst]), return_inverse=True)
        ends = places[: len(src)], places[len(src) :]
        matrix = coo_matrix((np.ones(len(src), np.int8), ends), shape=(len(nodes), len(nodes)))
        found.update(node=nodes, component=connected_components(matrix, directed=False)[1])

    return Way("scipy.sparse.csgraph", run, lambda: answer(_SMALLEST, rows=pa.table(found)))


def _splink(edges: Path) -> Way:
    from splink import DuckDBAPI
    from splink.clustering import cluster_pairwise_predictions_at_threshold as cluster

    target = edges.with_name("splink.parquet")

    def run() -> None:
        with duckdb.connect(config={"threads": os.cpu_count() or 1}) as connection:
            connection.execute(f"CREATE TABLE e AS SELECT node AS l, component AS r FROM '{edges}'")
            connection.execute("CREATE TABLE n AS SELECT l AS id FROM e UNION SELECT r FROM e")
            found = cluster("n", "e", DuckDBAPI(connection), "id", "l", "r")
            labels = f"SELECT id AS node, cluster_id AS component FROM {found.physical_name}"
            connection.execute(f"COPY ({labels}) TO '{target}' (FORMAT parquet)")

    def found() -> Answer:
        return answer(_SMALLEST, rows=pq.read_table(target))

    return Way("Splink on DuckDB", run, found)
