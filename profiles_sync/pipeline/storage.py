"""Local paths and URLs of object stores, and the file systems behind them.

Credentials, regions and endpoints of an object store are those of the lake, `storage:` in the settings, where it is in
the same bucket. Else they come from the environment: its client finds them there by itself, on the driver as in a task.
"""

from functools import lru_cache
from urllib.parse import quote, unquote

from pyarrow import fs

from profiles_sync.errors import SourceError, SourceUnreachable
from profiles_sync.lake.storage import options_for, storage_of

_SCHEMES = {"s3", "gs", "gcs", "abfs", "abfss"}


def is_url(path: str) -> bool:
    """Whether it is one, and not a local path."""
    return "://" in path


def below(path: str, relative: str) -> str:
    """The path or URL of what stands at `relative` below a path or URL."""
    relative = relative.strip("/")
    if not relative:
        return path
    return f"{path.rstrip('/')}/{quote(relative, safe='/=+:@,') if is_url(path) else relative}"


def resolve(path: str) -> tuple[fs.FileSystem, str]:
    """The file system and the path on it of a local path or a URL.

    Raises:
        SourceError: There is no such kind of storage, or the URL holds more than where it is.
        SourceUnreachable: It does not answer.
    """
    if not is_url(path):
        return fs.LocalFileSystem(), path.rstrip("/") or "/"
    scheme, _, rest = path.partition("://")
    host, _, inner = rest.partition("/")
    if scheme == "file":
        return fs.LocalFileSystem(), unquote(f"/{inner}").rstrip("/") or "/"
    user, at, _ = host.rpartition("@")
    if "?" in path or (at and (not scheme.startswith("abfs") or ":" in user)):
        raise SourceError(
            f"a {scheme}:// URL holds credentials or options; set them in the environment, as AWS_ACCESS_KEY_ID, "
            "AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL (a ? in a name is written %3F)"
        )
    if scheme not in _SCHEMES or not host:
        raise SourceError(
            f"cannot open {scheme}://{host}: expected a local path or an s3://, gs:// or abfs:// URL with a bucket or "
            "container"
        )
    filesystem, top = _store(f"{scheme}://{host}", tuple(sorted(options_for(path).items())))
    return filesystem, f"{top.rstrip('/')}/{unquote(inner)}".rstrip("/")


def made(folder: str) -> tuple[fs.FileSystem, str]:
    """As `resolve`, with the folder there; an object store has no folders."""
    filesystem, root = resolve(folder)
    if isinstance(filesystem, fs.LocalFileSystem):
        filesystem.create_dir(root, recursive=True)
    return filesystem, root


@lru_cache(maxsize=64)
def _store(url: str, options: tuple[tuple[str, str], ...]) -> tuple[fs.FileSystem, str]:
    """A client per bucket and process: a new one looks for credentials and the bucket's region again."""
    try:
        filesystem, top = storage_of(url, dict(options))
    except OSError as error:
        raise SourceUnreachable(f"cannot reach {url}: {error}; the next run tries again") from None
    except (ValueError, NotImplementedError) as error:
        raise SourceError(f"cannot open {url}: {error}; correct the URL, or use another storage") from None
    return filesystem, str(top)
