"""The files of a batch dealt out to tasks: small ones together, large ones in pieces."""

from collections.abc import Iterator, Sequence

from profiles_sync.pipeline.batches import SourceFile
from profiles_sync.pipeline.lines import Piece, pieces
from profiles_sync.pipeline.storage import resolve

_TOGETHER = 24 << 20  # bytes by weight
_AT_MOST = 48 << 20  # bytes of a file that one task reads, where the file can be cut
Share = tuple[tuple[SourceFile, ...], Piece | None]


def shares(files: Sequence[SourceFile]) -> Iterator[Share]:
    """What each task reads: files of one source in the order of the batch, or one piece of one."""
    together: list[SourceFile] = []
    size = 0
    for file in files:
        if together and (file.source != together[0].source or size + file.weight > _TOGETHER):
            yield tuple(together), None
            together, size = [], 0
        if cut := pieces(*resolve(file.path), file.size, _AT_MOST):
            yield from (((file,), piece) for piece in cut)
        else:
            together.append(file)
            size += file.weight
    if together:
        yield tuple(together), None
