"""A bucket as a file system of Arrow's, by the client that takes keys: Arrow's own for Google Storage takes none.

Paths begin below the bucket. As with Arrow's own, a folder is there where something is in it, and what goes wrong is an
OSError, with Python's own classes for what is missing and what is denied.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

import obstore
import pyarrow as pa
from obstore import exceptions
from obstore.store import ObjectStore
from pyarrow import fs

if TYPE_CHECKING:
    from obstore import WritableFile

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


@contextmanager
def _in_words_of_python() -> Iterator[None]:
    try:
        yield
    except exceptions.NotFoundError as error:
        raise FileNotFoundError(str(error)) from None
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise PermissionError(f"permission denied: {error}") from None
    except exceptions.BaseError as error:
        raise OSError(str(error)) from None


def _told(do: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    @wraps(do)
    def one(*given: _Given.args, **named: _Given.kwargs) -> _Result:
        with _in_words_of_python():
            return do(*given, **named)

    return one


def filesystem_of(store: ObjectStore) -> fs.FileSystem:
    """What the client is of, usually a bucket, as a file system."""
    return fs.PyFileSystem(_Objects(store))


class _Objects(fs.FileSystemHandler):  # type: ignore[misc] # pyarrow has no types
    """See `pyarrow.fs.FileSystemHandler`; only what it does not say is said here."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Objects) and self._store == other._store

    def __ne__(self, other: object) -> bool:
        return not self == other

    def get_type_name(self) -> str:
        return "objects"

    def normalize_path(self, path: str) -> str:
        return path.strip("/")

    @_told
    def get_file_info(self, paths: list[str]) -> list[fs.FileInfo]:
        return [self._info(path) for path in paths]

    def _info(self, path: str) -> fs.FileInfo:
        name = path.strip("/")
        try:
            return _file(path, obstore.head(self._store, name)) if name else _folder(path)
        except (FileNotFoundError, exceptions.NotFoundError):
            is_there = any(obstore.list(self._store, f"{name}/", chunk_size=1))
            return _folder(path) if is_there else fs.FileInfo(path, fs.FileType.NotFound)

    @_told
    def get_file_info_selector(self, selector: fs.FileSelector) -> list[fs.FileInfo]:
        """Without the folders where it goes into them."""
        base = selector.base_dir.strip("/")
        prefix = f"{base}/" if base else None
        if selector.recursive:
            found = [_file(one["path"], one) for some in obstore.list(self._store, prefix) for one in some]
        else:
            listed = obstore.list_with_delimiter(self._store, prefix)
            found = [_folder(one.rstrip("/")) for one in listed["common_prefixes"]]
            found += [_file(one["path"], one) for one in listed["objects"]]
        if not (found or selector.allow_not_found):
            raise FileNotFoundError(f"there is nothing in {selector.base_dir}")
        return found

    def create_dir(self, path: str, recursive: bool) -> None:
        """There is nothing to do."""

    @_told
    def delete_dir(self, path: str) -> None:
        if not (name := path.strip("/")):
            self.delete_root_dir_contents()
        for some in obstore.list(self._store, f"{name}/"):
            obstore.delete(self._store, [one["path"] for one in some])

    def delete_dir_contents(self, path: str, missing_dir_ok: bool = False) -> None:
        self.delete_dir(path)

    def delete_root_dir_contents(self) -> NoReturn:
        raise NotImplementedError("nobody empties a bucket")

    @_told
    def delete_file(self, path: str) -> None:
        obstore.delete(self._store, path.strip("/"))

    @_told
    def move(self, src: str, dest: str) -> None:
        obstore.rename(self._store, src.strip("/"), dest.strip("/"))

    @_told
    def copy_file(self, src: str, dest: str) -> None:
        obstore.copy(self._store, src.strip("/"), dest.strip("/"))

    def open_input_stream(self, path: str) -> pa.NativeFile:
        return self.open_input_file(path)

    @_told
    def open_input_file(self, path: str) -> pa.NativeFile:
        name = path.strip("/")
        return pa.PythonFile(_Reader(self._store, name, obstore.head(self._store, name)["size"]), mode="r")

    @_told
    def open_output_stream(self, path: str, metadata: Any) -> pa.NativeFile:  # noqa: ANN401 of pyarrow
        return pa.PythonFile(_Writer(obstore.open_writer(self._store, path.strip("/"))), mode="w")

    def open_append_stream(self, path: str, metadata: Any) -> NoReturn:  # noqa: ANN401 of pyarrow
        raise NotImplementedError("an object cannot grow")


class _Reader(io.RawIOBase):
    """What is asked for is fetched, and no more."""

    def __init__(self, store: ObjectStore, name: str, size: int) -> None:
        self._store, self._name, self._size, self._at = store, name, size, 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    @_told
    def read(self, size: int | None = -1) -> bytes:
        end = self._size if size is None or size < 0 else min(self._at + size, self._size)
        if end <= self._at:
            return b""
        found = obstore.get_range(self._store, self._name, start=self._at, end=end)
        self._at = end
        return bytes(found)


class _Writer(io.RawIOBase):
    def __init__(self, out: "WritableFile") -> None:
        self._out = out

    def writable(self) -> bool:
        return True

    @_told
    def write(self, some: Any) -> int:  # noqa: ANN401 bytes, or what has them
        return self._out.write(memoryview(some).cast("B"))

    @_told
    def close(self) -> None:
        """Then the object is there, and not before."""
        if not self.closed:
            super().close()
            self._out.close()


def _file(path: str, one: Any) -> fs.FileInfo:  # noqa: ANN401 of obstore, whose types are not there when it runs
    return fs.FileInfo(path, fs.FileType.File, size=one["size"], mtime=one["last_modified"])


def _folder(path: str) -> fs.FileInfo:
    return fs.FileInfo(path, fs.FileType.Directory)
