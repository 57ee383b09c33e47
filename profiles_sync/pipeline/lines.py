"""The lines of one file: JSON lines (plain, gzip or Zstandard, told by their first bytes) or Parquet rows.

A file may break off anywhere. What stands before the break is read, and the break is reported once.
"""

import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import zstandard
from pyarrow import fs

from profiles_sync.errors import SourceUnreachable
from profiles_sync.pipeline import parquet_rows

_GZIP, _ZSTD, _PARQUET, _BOM = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1", b"\xef\xbb\xbf"
_SKIPPABLE = b"\x2a\x4d\x18"  # a Zstandard frame without content, which parallel compressors begin with
_CHUNK = 4 << 20  # an object store is asked once per chunk
_BLOCK = 32 << 20  # lines of about so many bytes are taken at once
_PIECE = 512  # of what a broken archive holds, at most this is lost before its break


class Unreadable(Exception):
    """The file broke off in a line of which `raw` could be read; the lines before it are good."""

    def __init__(self, why: str, raw: bytes = b"") -> None:
        super().__init__(why)
        self.why = why
        self.raw = raw


class Away(Exception):
    """The file cannot be opened; nothing of it was read, and another time it may be there."""


@dataclass(frozen=True)
class Piece:
    """A part of a file that is neither compressed nor Parquet: the lines that begin in these bytes of it."""

    begin: int
    end: int


def read_blocks(filesystem: fs.FileSystem, path: str, piece: Piece | None = None) -> Iterator[bytes]:
    """The lines of a file, or of a piece of it, in blocks of whole ones; without a byte order mark.

    Raises:
        Away: There is no such file, or it may not be read.
        Unreadable: While iterating, where the rest of the file is not intact.
        SourceUnreachable: The storage failed; what the file holds is not known.
    """
    with _opened(filesystem, path) as file:
        chunks = _whole(file, path) if piece is None else _of_piece(file, piece)
        first = True
        for block in _blocks(chunks):
            yield block.removeprefix(_BOM) if first and (piece is None or not piece.begin) else block
            first = False


def pieces(filesystem: fs.FileSystem, path: str, size: int, most: int) -> list[Piece]:
    """A file of more than `most` bytes cut up for several tasks; empty when it has to be read in one."""
    if size <= most:
        return []
    try:
        with _opened(filesystem, path) as file:
            head = file.read(4) or b""
    except Away:  # as the task that is to read it will find
        return []
    if head == _PARQUET or head.startswith(_GZIP) or _is_zstd(head):
        return []
    count = -(-size // most)
    cuts = [size * number // count for number in range(count + 1)]
    return [Piece(begin, end) for begin, end in pairwise(cuts)]


def _opened(filesystem: fs.FileSystem, path: str) -> "_File":
    try:
        return _File(filesystem.open_input_file(path), path)
    except FileNotFoundError:
        raise Away("file not found") from None
    except PermissionError:
        raise Away("no permission") from None
    except OSError as error:
        if "ACCESS_DENIED" in str(error):  # Arrow has no class of its own for an object store's refusal
            raise Away("no permission") from None
        raise _failed(path, error) from None


def _failed(path: str, error: OSError) -> SourceUnreachable:
    return SourceUnreachable(f"cannot read {path}: {error}; the batch stays open and the next run repeats it")


class _File(io.RawIOBase):
    """A file whose own errors are told apart from those of what stands in it: both can be an OSError."""

    def __init__(self, file: Any, path: str) -> None:  # noqa: ANN401 of pyarrow, which has no types
        self._path = path
        self._file = file

    def _do(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 as above
        try:
            return work()
        except OSError as error:
            raise _failed(self._path, error) from None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:  # type: ignore[override]  # noqa: ANN401 a buffer
        return int(self._do(lambda: self._file.readinto(into)))

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _whole(file: _File, path: str) -> Iterator[bytes]:
    head = file.read(4) or b""
    file.seek(0)
    if head != _PARQUET:
        yield from _chunks(file, head)
        return
    try:
        for line in parquet_rows.as_lines(file, path):
            yield line + b"\n"
    except parquet_rows.NotIntact:
        raise Unreadable("broken Parquet") from None


def _of_piece(file: _File, piece: Piece) -> Iterator[bytes]:
    """From the first line that begins in the piece to the end of the last one that does."""
    at = max(piece.begin - 1, 0)  # a line that begins with the piece is known by the line feed before it
    file.seek(at)
    skipping = piece.begin > 0
    for chunk in _read(file):
        start = 0
        if skipping:
            start = chunk.find(b"\n") + 1
            skipping = start == 0
            if skipping or at + start > piece.end - 1:
                at += len(chunk)
                if not skipping or at >= piece.end:
                    return
                continue
        stop = chunk.find(b"\n", max(piece.end - 1 - at, start)) + 1 if at + len(chunk) >= piece.end else 0
        yield chunk[start : stop or None]
        if stop:
            return
        at += len(chunk)


def _chunks(file: _File, head: bytes) -> Iterator[bytes]:
    if head.startswith(_GZIP):
        return _expanded(file, lambda: zlib.decompressobj(wbits=31), "gzip")
    if _is_zstd(head):
        return _expanded(file, zstandard.ZstdDecompressor().decompressobj, "Zstandard")
    return _read(file)


def _is_zstd(head: bytes) -> bool:
    return head == _ZSTD or head[1:] == _SKIPPABLE


def _read(file: _File) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _expanded(file: _File, member: Callable[[], Any], name: str) -> Iterator[bytes]:
    """What is inside an archive of one or several members. Zeros between and after them are padding."""
    stream, begun = member(), False
    try:
        for chunk in _read(file):
            for start in range(0, len(chunk), _PIECE):
                piece = chunk[start : start + _PIECE]
                while piece := piece if begun else piece.lstrip(b"\0"):
                    begun = True
                    yield stream.decompress(piece)
                    piece = stream.unused_data if stream.eof else b""
                    if stream.eof:
                        stream, begun = member(), False
    except (zlib.error, zstandard.ZstdError):
        raise Unreadable(f"broken {name}") from None
    if begun:
        raise Unreadable(f"{name} cut short")


def _blocks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Chunks put together to blocks that end with a line, the last one perhaps without its line feed."""
    begun: list[bytes] = []
    size = 0
    try:
        for chunk in chunks:
            begun.append(chunk)
            size += len(chunk)
            if size >= _BLOCK and b"\n" in chunk:
                whole, rest = _cut(begun)
                yield whole
                begun, size = [rest], len(rest)
    except Unreadable as broken:
        whole, rest = _cut(begun)
        if whole:
            yield whole
        raise Unreadable(broken.why, rest) from None
    if last := b"".join(begun):
        yield last


def _cut(begun: list[bytes]) -> tuple[bytes, bytes]:
    """Behind the last line feed."""
    text = b"".join(begun)
    end = text.rfind(b"\n") + 1
    return text[:end], text[end:]
