"""The files that wait, as batches one after the other: what a batch holds in memory grows with its bytes.

Files that hourly runs would have taken hour by hour are batches in that order: by the time they were last written.
"""

from collections.abc import Collection, Sequence

from profiles_sync.lake.base import Lake
from profiles_sync.pipeline import batches
from profiles_sync.pipeline.batches import SourceFile
from profiles_sync.pipeline.dealing import dealt
from profiles_sync.pipeline.delta_source import is_mark

Files = tuple[SourceFile, ...]


def in_batches(files: Sequence[SourceFile], most: int) -> list[Files]:
    """The files in batches of at most so many bytes, by weight, or of one file that has more.

    How a Delta table was read up to some version goes along with the last of its files.
    """
    if sum(file.weight for file in files) <= most:
        return [tuple(files)] if files else []
    data = sorted((file for file in files if not is_mark(file.path)), key=lambda file: (file.modified_at, *_name(file)))
    made = dealt(data, lambda file: file.weight, most)
    for mark in (file for file in files if is_mark(file.path)):
        having = (some for some in reversed(made) if any(file.source == mark.source for file in some))
        next(having, made[-1]).append(mark)
    return [tuple(sorted(some, key=_name)) for some in made]


def without_gaps(lake: Lake, files: Files, earlier: Collection[SourceFile]) -> Files:
    """The files but for the marks of Delta tables of which an earlier batch had to leave a file to a later run."""
    if not earlier or not any(is_mark(file.path) for file in files):
        return files
    taken = batches.taken_files(lake)
    left = {file.source for file in earlier if file.path not in taken}
    return tuple(file for file in files if not (is_mark(file.path) and file.source in left))


def _name(file: SourceFile) -> tuple[str, str]:
    return file.source, file.path
