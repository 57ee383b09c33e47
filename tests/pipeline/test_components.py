"""Connected components: in arrays, in one task, and by rounds of star contraction."""

import random
import uuid

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles_sync.pipeline import components as module
from profiles_sync.pipeline import union_find
from profiles_sync.pipeline.components import components
from profiles_sync.pipeline.edges import SCHEMA, files, pieces, shares
from profiles_sync.pipeline.storage import resolve
from profiles_sync.pipeline.union_find import forest, union
from tests.stores import make_bucket, s3_server

BIG = 2**63 - 1
CHAIN = [(node, node + 1) for node in range(500)]
SHAPES = {
    "nothing": [],
    "one loop": [(4, 4)],
    "one edge": [(4, -4)],
    "a chain": CHAIN,
    "a chain backwards": [(one, other) for other, one in reversed(CHAIN)],
    "a chain in any order": random.Random(1).sample(CHAIN, len(CHAIN)),
    "a star": [(-7, node) for node in range(500)],
    "a ring": [*CHAIN, (500, 0)],
    "two stars that share a leaf": [*((0, node) for node in range(2, 90)), *((1, node) for node in range(89, 200))],
    "everybody alone": [(node, node) for node in range(-50, 50)],
    "the same edge again": [(1, 2)] * 300 + [(2, 1)] * 300,
    "the largest numbers": [(BIG, -BIG - 1), (-BIG, BIG - 1), (BIG, 0), (-1, -BIG)],
    "pairs far apart": [(node * 2**40, node * 2**40 + 1) for node in range(-500, 500)],
}
NODES = st.one_of(st.integers(-9, 9), st.integers(-BIG - 1, BIG))


@pytest.fixture(params=["compiled", "numpy alone"])
def way(request, monkeypatch):
    """Both ways to the forest: the compiled one, and the one for where there is no numba."""
    if request.param == "numpy alone":
        monkeypatch.setattr(union_find, "_number", None)
    else:
        pytest.importorskip("numba")


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


def ends(edges):
    columns = np.array(edges, np.int64).reshape(-1, 2)
    return columns[:, 0].copy(), columns[:, 1].copy()


def as_labels(nodes, beside):
    labels = dict(zip(nodes.tolist(), beside.tolist(), strict=True))
    assert len(labels) == len(nodes), "a node has two rows"
    return labels


@pytest.mark.parametrize("seed", range(15))
def test_union_finds_the_smallest_node_of_each_component(way, seed):
    assert as_labels(*union(*ends(graph(seed)))) == by_search(graph(seed))


@pytest.mark.parametrize("shape", SHAPES)
def test_union_of_awkward_shapes(way, shape):
    assert as_labels(*union(*ends(SHAPES[shape]))) == by_search(SHAPES[shape])


@given(st.lists(st.tuples(NODES, NODES), max_size=60))
def test_union_of_any_edges_either_way(edges):
    src, dst = ends(edges)
    expected = by_search(edges)
    assert as_labels(*union(src, dst)) == expected
    nodes, roots = union_find._forest_by_sorting(src, dst)
    assert as_labels(nodes, nodes[roots]) == expected


def test_union_with_many_buckets_is_exact(way):
    rng = np.random.default_rng(3)
    people = rng.permutation(60_000) * 7_919 - 200_000_000
    owners = rng.integers(0, 30_000, 120_000)
    src, dst = people[owners], people[30_000 + rng.integers(0, 30_000, 120_000)]
    nodes, smallest = union(src, dst)
    order, (sorted_nodes, roots) = np.argsort(nodes), union_find._forest_by_sorting(src, dst)
    assert np.array_equal(nodes[order], sorted_nodes)
    assert np.array_equal(smallest[order], sorted_nodes[roots])


def test_a_forest_names_a_member_of_the_component(way):
    nodes, roots = forest(*ends(graph(1)))
    assert np.array_equal(roots[roots], roots)
    labels = by_search(graph(1))
    assert all(labels[node] == labels[root] for node, root in zip(nodes.tolist(), nodes[roots].tolist(), strict=True))


def write(folder, edges, parts=3, group=200):
    folder.mkdir(parents=True)
    for part in range(parts):
        src, dst = ends(edges[part::parts])
        pq.write_table(pa.table([src, dst], SCHEMA), folder / f"{part}.parquet", row_group_size=group)
    (folder / "_SUCCESS").touch()
    return str(folder)


def test_shares_have_all_edges_and_no_more_each_than_asked(tmp_path):
    parts = pieces(files(write(tmp_path / "edges", graph(7), group=20)))
    dealt = shares(parts, 50)
    assert [piece for share in dealt for piece in share] == parts
    assert all(sum(piece.edges for piece in share) <= 50 for share in dealt)
    assert len(dealt) < len(parts)
    assert shares(parts, 0) == [[piece] for piece in parts]


def counted_rounds(monkeypatch):
    """The edges left before each round, from now on."""
    rounds, large_star = [], module._large_star
    monkeypatch.setattr(module, "_large_star", lambda links: rounds.append(links) or large_star(links))
    return rounds


@pytest.mark.parametrize(
    ("one_task", "takes_rounds"), [pytest.param(0, True, marks=pytest.mark.slow), (150, False), (10_000, False)]
)
def test_any_number_of_edges_for_a_task_comes_to_the_same_labels(spark, tmp_path, monkeypatch, one_task, takes_rounds):
    rounds = counted_rounds(monkeypatch)
    far = [(one + 10_000, other + 10_000) for one, other in SHAPES["two stars that share a leaf"]]
    edges = [*graph(7), *far, *SHAPES["the largest numbers"]]
    found = components(spark, write(tmp_path / "edges", edges), str(tmp_path / "work"), one_task).collect()
    assert len(found) == len({row["node"] for row in found})
    assert {row["node"]: row["component"] for row in found} == by_search(edges)
    assert bool(rounds) == takes_rounds


@pytest.mark.slow
def test_rounds_need_no_word_of_spark_s_for_an_object_store(spark, monkeypatch):
    edges = graph(7)
    with s3_server() as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
            monkeypatch.setitem(spark.sparkContext.environment, name, value)
        bucket = f"edges-{uuid.uuid4().hex}"
        make_bucket(variables, bucket)
        path = f"s3://{bucket}/edges/all.parquet"
        filesystem, inner = resolve(path)
        pq.write_table(pa.table(list(ends(edges)), SCHEMA), inner, filesystem=filesystem, row_group_size=20)
        rounds = counted_rounds(monkeypatch)
        found = components(spark, path, f"s3://{bucket}/work", 8).collect()
    assert {row["node"]: row["component"] for row in found} == by_search(edges)
    assert rounds


@pytest.mark.parametrize("shape", ["nothing", pytest.param("everybody alone", marks=pytest.mark.slow)])
def test_without_a_single_edge_every_node_is_its_own_component(spark, tmp_path, shape):
    edges = SHAPES[shape]
    found = components(spark, write(tmp_path / "edges", edges, parts=2), str(tmp_path / "work"), 0).collect()
    assert sorted((row["node"], row["component"]) for row in found) == edges


def test_an_orphan_of_an_earlier_attempt_is_not_read(spark, tmp_path):
    path = write(tmp_path / "edges", [(1, 2)])
    work = tmp_path / "work"
    (work / "labels").mkdir(parents=True)
    pq.write_table(pa.table([[9], [8]], SCHEMA), work / "labels" / "orphan.parquet")
    found = components(spark, path, str(work)).collect()
    assert sorted((row["node"], row["component"]) for row in found) == [(1, 1), (2, 1)]


def test_edges_that_fit_one_task_take_one_job(spark, tmp_path):
    path = write(tmp_path / "edges", graph(7))
    tracker = spark.sparkContext.statusTracker()
    before = set(tracker.getJobIdsForGroup(None))
    components(spark, path, str(tmp_path / "work"))
    assert len(set(tracker.getJobIdsForGroup(None)) - before) == 1
