"""The lines of one file: JSON lines (plain, gzip or Zstandard, told by their first bytes) or Parquet rows."""

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedReader
from typing import BinaryIO, cast

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from pyarrow import fs

_GZIP, _ZSTD, _PARQUET, _BOM = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1", b"\xef\xbb\xbf"
_CHUNK = 1 << 20


class Unreadable(Exception):
    """The file broke off at this point; the lines before it are good."""


def read_lines(filesystem: fs.FileSystem, path: str) -> Iterator[tuple[int, bytes]]:
    """Each line that is not blank with its number from 1, without its end and without a byte order mark.

    Raises:
        Unreadable: While iterating, where the rest of the file cannot be decompressed.
    """
    with filesystem.open_input_file(path) as file:
        head = file.read(4)
        file.seek(0)
        if head == _PARQUET:
            yield from _parquet(file)
            return
        try:
            for number, line in enumerate(_opened(file, head), 1):
                stripped = line.removeprefix(_BOM).rstrip(b"\r\n") if number == 1 else line.rstrip(b"\r\n")
                if stripped.strip():
                    yield number, stripped
        except (EOFError, OSError, zlib.error, zstandard.ZstdError) as error:
            raise Unreadable(type(error).__name__) from None


def _opened(file: pa.NativeFile, head: bytes) -> BinaryIO:
    raw = cast(BinaryIO, file)
    if head.startswith(_GZIP):
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if head == _ZSTD:
        stream = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
        return cast(BinaryIO, BufferedReader(cast("BufferedReader", stream), _CHUNK))
    return cast(BinaryIO, BufferedReader(cast("BufferedReader", raw), _CHUNK))


def _parquet(file: pa.NativeFile) -> Iterator[tuple[int, bytes]]:
    """Each row as the JSON line it stands for. A null column is absent; JSON text in an object's place is taken."""
    number = 0
    for batch in pq.ParquetFile(file).iter_batches():
        for row in batch.to_pylist():
            number += 1
            yield number, orjson.dumps(_call(row), option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC, default=str)


def _call(row: dict[str, object]) -> dict[str, object]:
    call = {key: _without_nulls(value) for key, value in row.items() if value is not None}
    for key in ("context", "properties", "traits", "integrations"):
        if isinstance(call.get(key), str):
            call[key] = orjson.Fragment(cast(str, call[key]))
    return call


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        if value and all(isinstance(item, tuple) for item in value):  # a Parquet map
            return {str(key): _without_nulls(inner) for key, inner in value}
        return [_without_nulls(item) for item in value]
    return value
