"""Measure 1: connected components of identity edges, from Parquet to Parquet, against scipy and Splink's clustering."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from profiles_sync.pipeline.components import components
from tests.benchmarks.measure import Answer, Result, raced


def edges(people: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A user to each of their devices: a Zipf number of them, one in 200 somebody else's too."""
    rng = np.random.default_rng(seed)
    devices = np.minimum(rng.zipf(2.2, people), 50)
    users = np.repeat(np.arange(people), devices)
    ids = np.arange(len(users)) + people
    shared = rng.random(len(users)) < 0.005
    ids[shared] = rng.integers(people, people + len(users), int(shared.sum()))
    spread = np.int64(0x9E3779B97F4A7C15 - 2**64)  # ids are hashes, not small numbers
    return users * spread, ids * spread


def answer(nodes: np.ndarray, labels: np.ndarray) -> Answer:
    """Independent of which node stands for a component."""
    _, codes = np.unique(labels, return_inverse=True)
    smallest = np.full(int(codes.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(smallest, codes, nodes)
    return Answer(len(nodes), int(np.bitwise_xor.reduce(nodes * 31 + smallest[codes])))


def by_scipy(source: Path, target: Path) -> Answer:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    table = pq.read_table(source)
    src, dst = table["node"].to_numpy(), table["component"].to_numpy()
    nodes, codes = np.unique(np.concatenate([src, dst]), return_inverse=True)
    graph = coo_matrix((np.ones(len(src), bool), (codes[: len(src)], codes[len(src) :])), (len(nodes), len(nodes)))
    _, labels = connected_components(graph, directed=False)
    smallest = np.full(int(labels.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(smallest, labels, nodes)
    pq.write_table(pa.table({"node": nodes, "component": smallest[labels]}), target)
    return Answer(0, 0)


def by_splink(source: Path, target: Path) -> Answer:
    from splink import DuckDBAPI
    from splink.clustering import cluster_pairwise_predictions_at_threshold

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.execute(f"CREATE TABLE e AS SELECT node AS l, component AS r FROM '{source}'")
    connection.execute("CREATE TABLE n AS SELECT DISTINCT id FROM (SELECT l AS id FROM e UNION ALL SELECT r FROM e)")
    made = cluster_pairwise_predictions_at_threshold(
        "n",
        "e",
        DuckDBAPI(connection),
        node_id_column_name="id",
        edge_id_column_name_left="l",
        edge_id_column_name_right="r",
    )
    connection.execute(f"COPY (SELECT id AS node, cluster_id AS component FROM {made.physical_name}) TO '{target}'")
    return Answer(0, 0)


def measure(spark, folder: Path, quick: bool, seed: int) -> Iterator[Result]:
    goals = {1: (2.0, 1.2), 10: (1.8, 1.0)}
    for times, (scipy_goal, splink_goal) in ({1: goals[1]} if quick else goals).items():
        src, dst = edges(555_000 * times, seed)
        source = folder / f"edges-{times}.parquet"
        pq.write_table(pa.table({"node": src, "component": dst}), source)

        def ours(source: Path = source) -> Answer:
            shutil.rmtree(folder / "ours", ignore_errors=True)
            components(spark, str(source), str(folder / "ours"))
            return Answer(0, 0)

        found = read(folder, ours)
        for name, other, goal in (
            ("scipy.csgraph", by_scipy, scipy_goal),
            ("Splink on DuckDB", by_splink, splink_goal),
        ):
            target = folder / "theirs.parquet"
            other(source, target)
            theirs = pq.read_table(target)
            expected = answer(theirs["node"].to_numpy(), theirs["component"].to_numpy())
            assert found == expected, f"{name} and ours differ"
            seconds, its, _, _ = raced(ours, lambda o=other, s=source, t=target: o(s, t), 2 if quick else 3)
            yield Result(1, "connected components", name, f"{len(src):,} edges", seconds, its, goal, found, expected)


def read(folder: Path, ours) -> Answer:
    ours()
    rows = pq.read_table(folder / "ours" / "labels")
    return answer(rows["node"].to_numpy(), rows["component"].to_numpy())
