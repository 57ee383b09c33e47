"""Staged slices: what a task hands to the next step, as Arrow streams end to end in one file.

A staged file has a name of its own per attempt, so that a task that is run twice never overwrites; only the names
that the driver got back are read.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import fs

from profiles_sync.pipeline.storage import below, made, resolve


@dataclass(frozen=True)
class Slice:
    """Where a staged Arrow table is: file, offset and length in bytes, and its rows."""

    path: str
    offset: int
    length: int
    rows: int


def write(folder: str, tables: Sequence[pa.Table]) -> list[Slice]:
    """Write tables into one new file below `folder`; a Slice for each."""
    filesystem, _ = made(folder)
    path = below(folder, f"{uuid.uuid4().hex}.arrow")
    slices = []
    with filesystem.open_output_stream(resolve(path)[1]) as out:
        for table in tables:
            start = out.tell()
            with pa.ipc.new_stream(out, table.schema) as writer:
                writer.write_table(table)
            slices.append(Slice(path, start, out.tell() - start, table.num_rows))
    return slices


def read(where: Slice) -> pa.Table:
    """The staged table."""
    filesystem, path = resolve(where.path)
    is_local = isinstance(filesystem, fs.LocalFileSystem)
    with pa.memory_map(path) if is_local else filesystem.open_input_file(path) as file:
        file.seek(where.offset)
        return pa.ipc.open_stream(file.read_buffer(where.length)).read_all()


def clear(folder: str) -> None:
    """Remove what is staged below `folder`."""
    filesystem, root = resolve(folder)
    if filesystem.get_file_info(root).type.name == "Directory":
        filesystem.delete_dir(root)


def mark(folder: str) -> None:
    """Leave a mark: a folder with an empty file in it, for an object store has no folders."""
    filesystem, root = made(folder)
    with filesystem.open_output_stream(f"{root}/mark"):
        pass


def is_marked(folder: str) -> bool:
    """Whether the mark is there."""
    filesystem, root = resolve(folder)
    return bool(filesystem.get_file_info(f"{root}/mark").is_file)
