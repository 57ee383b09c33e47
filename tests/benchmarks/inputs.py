"""What the measures work on: seeded, of any size."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from profiles_sync.generator.stream import Shape
from profiles_sync.settings import Settings, load

_MOST_DEVICES = 50
_SHARED = 0.005  # of the edges go to a device of somebody else's

STREAM = Shape(event_names=50)
#: Limits for ever and in windows of each length that a stream of some days can outlast; blocked values are Segment's.
_RULES = (
    "{email: {limit: 2, frequency: Daily}, anonymous_id: {frequency: Weekly}, "
    "ios.id: {frequency: Monthly}, android.id: {frequency: Annually}}"
)


def identity_edges(path: Path, count: int, seed: int) -> None:
    """Write edges from people to their devices, in any order. People have a Zipf number of devices, four on average."""
    rng = np.random.default_rng(seed)
    own = count - int(count * _SHARED)
    numbers = np.arange(1, _MOST_DEVICES + 1)
    weights = numbers**-1.75
    devices_each = rng.choice(numbers, size=own // 2, p=weights / weights.sum())
    people = np.repeat(np.arange(len(devices_each)), devices_each)[:own]
    visitors = rng.integers(0, people[-1] + 1, count - own)
    node = np.concatenate([people, visitors])
    device = np.concatenate([np.arange(own), rng.integers(0, own, count - own)])
    order = rng.permutation(count)
    table = pa.table({"node": _scattered(2 * node[order] + 1), "component": _scattered(2 * device[order])})
    pq.write_table(table, path)


def _scattered(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """External IDs are hashes: a one-to-one map of numbers onto all of 64 bits (splitmix64)."""
    bits = numbers.view(np.uint64)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (bits ^ (bits >> np.uint64(31))).view(np.int64)


def space(folder: Path, executor: str, events: Path, warehouse: bool = False, more: str = "") -> Settings:
    """The settings of a space in the folder, with the stream's sources, limits and windows."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = "".join(f"  {name}: {{id: {name}, name: {name}, path: {events / name}}}\n" for name in STREAM.sources)
    warehouses = "warehouses: {local: {type: duckdb, path: ./acme.duckdb}}\n" if warehouse else ""
    path = folder / "acme.yml"
    path.write_text(
        f"space: {{name: Acme, slug: acme}}\nsources:\n{sources}{warehouses}"
        f"identity: {{rules: {_RULES}}}\nengine: {{executor: {executor}}}\n{more}"
    )
    return load(path)
