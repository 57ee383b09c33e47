"""A stream as files: one per source and hour."""

import gzip
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Literal, cast

import orjson
import zstandard

from profiles_sync.generator.stream import Shape, lines

Compression = Literal["none", "gz", "zst"]
_OPEN: dict[str, Callable[[Path], BinaryIO]] = {
    "none": lambda path: path.open("wb"),
    "gz": lambda path: cast(BinaryIO, gzip.GzipFile(path, "wb", mtime=0)),
    "zst": lambda path: cast(BinaryIO, zstandard.open(path, "wb")),
}


@dataclass(frozen=True)
class Written:
    """What was written; `size` in bytes before compression."""

    files: int
    lines: int
    size: int


def write_events(
    folder: Path,
    shape: Shape,
    *,
    first_hour: int = 0,
    last_hour: int | None = None,
    compression: Compression = "none",
) -> Written:
    """Write the events received in the hours from `first_hour` up to, not including, `last_hour`.

    Writing hours 0 to 23 and then 23 to 24 writes the same lines as 0 to 24 at once.
    """
    ending = {"none": "", "gz": ".gz", "zst": ".zst"}[compression]
    start, count, size = datetime.fromisoformat(shape.start), 0, 0
    with ExitStack() as stack:
        files: dict[tuple[str, int], BinaryIO] = {}
        for line in lines(shape):
            if line.hour < first_hour or (last_hour is not None and line.hour >= last_hour):
                continue
            key = line.source, line.hour
            if key not in files:
                name = f"{start + timedelta(hours=line.hour):%Y%m%d-%H}.jsonl{ending}"
                path = folder / line.source / name
                path.parent.mkdir(parents=True, exist_ok=True)
                files[key] = stack.enter_context(_OPEN[compression](path))
            text = b'{"type": "page", broken' if line.event is None else orjson.dumps(line.event)
            count, size = count + 1, size + files[key].write(text + b"\n")
        return Written(len(files), count, size)
