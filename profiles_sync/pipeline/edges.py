"""Edges of a graph in Parquet files: which there are, dealing them out to tasks, solving a share of them in a task.

A task reads its share itself and writes its result itself, under a name that no other attempt has. So no edge passes
through the JVM, and a task that is run twice overwrites nothing: only the files that the driver is told of are read.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from profiles_sync.pipeline.dealing import dealt
from profiles_sync.pipeline.storage import below, made, resolve
from profiles_sync.pipeline.union_find import Numbers

SCHEMA = pa.schema([("node", pa.int64()), ("component", pa.int64())])
#: From both ends of edges to nodes, and beside each what was found.
Solve = Callable[[Numbers, Numbers], tuple[Numbers, Numbers]]


@dataclass(frozen=True)
class Piece:
    """A row group of a file of edges."""

    path: str
    group: int
    edges: int


def files(path: str) -> list[str]:
    """The path itself if it is a file, else the files in the folder."""
    filesystem, root = resolve(path)
    if filesystem.get_file_info(root).type == fs.FileType.File:
        return [path]
    names = sorted(info.base_name for info in filesystem.get_file_info(fs.FileSelector(root)))
    return [below(path, name) for name in names if not name.startswith(("_", "."))]


def pieces(paths: Sequence[str]) -> list[Piece]:
    """The row groups of the files; only the footers are read."""
    with ThreadPoolExecutor(16) as pool:
        footers = list(pool.map(_footer, paths))
    return [
        Piece(path, group, footer.row_group(group).num_rows)
        for path, footer in zip(paths, footers, strict=True)
        for group in range(footer.num_row_groups)
    ]


def _footer(path: str) -> pq.FileMetaData:
    filesystem, inner = resolve(path)
    return pq.read_metadata(inner, filesystem=filesystem)


def shares(parts: Sequence[Piece], most: int) -> list[list[Piece]]:
    """The pieces, neighbours together, in shares of at most so many edges, or of one piece that has more."""
    return dealt(parts, lambda piece: piece.edges, most)


def solve_share(share: Sequence[Piece], solve: Solve, folder: str) -> str:
    """Read the share, solve it, and write what is found into a new file in the folder; its path."""
    return save(folder, [solve(*load(share))])


def load(share: Sequence[Piece]) -> tuple[Numbers, Numbers]:
    """Both ends of the edges of the pieces."""
    table = pa.concat_tables([SCHEMA.empty_table(), *(read(piece) for piece in share)])
    return table["node"].to_numpy(), table["component"].to_numpy()


def save(folder: str, groups: Sequence[tuple[Numbers, Numbers]]) -> str:
    """Write nodes, and what is beside each, into a new file in the folder, a row group each; its path."""
    with _new_file(folder) as (path, writer):
        for group in groups:
            writer.write_table(pa.table(list(group), SCHEMA), row_group_size=max(1, len(group[0])))
    return path


def write(rows: Iterable[pa.RecordBatch], folder: str) -> Iterator[str]:
    """Write the rows into a new file in the folder; its path, or nothing where there is no row."""
    full = (batch for batch in rows if batch.num_rows)
    for first in full:
        with _new_file(folder) as (path, writer):
            writer.write_table(pa.Table.from_batches([first]).cast(SCHEMA))
            for batch in full:
                writer.write_table(pa.Table.from_batches([batch]).cast(SCHEMA))
        yield path


@contextmanager
def _new_file(folder: str) -> Iterator[tuple[str, pq.ParquetWriter]]:
    filesystem, _ = made(folder)
    path = below(folder, f"{uuid.uuid4().hex}.parquet")
    # Hashes as ids neither repeat nor compress, and nobody filters by them.
    plain = {"compression": "none", "use_dictionary": False, "write_statistics": False}
    with pq.ParquetWriter(resolve(path)[1], SCHEMA, filesystem=filesystem, **plain) as writer:
        yield path, writer


def read(piece: Piece) -> pa.Table:
    """The edges of the piece."""
    filesystem, path = resolve(piece.path)
    with pq.ParquetFile(path, filesystem=filesystem) as file:
        return file.read_row_group(piece.group, SCHEMA.names, use_threads=False).cast(SCHEMA)
