"""The file system that a lake is on."""

from pyarrow import fs


def storage_of(uri: str) -> tuple[fs.FileSystem, str]:
    """The file system under a path or URL, and the path there."""
    filesystem, root = fs.FileSystem.from_uri(uri) if "://" in uri else (fs.LocalFileSystem(), uri)
    return filesystem, root.rstrip("/")
