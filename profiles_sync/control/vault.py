"""What was typed of a warehouse's credentials, encrypted in a file.

Each time something is kept it gets a file of its own, and the change in the control log names that file. So who reads a
change finds the credentials of exactly that change, whoever else keeps something meanwhile. Fernet's key is in the
environment and nowhere else. The file lies beside the control tables and in none of them, because a table's log keeps
what was deleted. Source: cryptography's documentation, "Fernet (symmetric encryption)".
"""

import os
import re
import time
import uuid
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from pyarrow import fs

from profiles_sync.errors import CredentialsMissing, LakeError, MissingExtra, SettingsError
from profiles_sync.lake.base import Lake
from profiles_sync.lake.storage import storage_of

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

KEY = "PROFILES_SYNC_CREDENTIALS_KEY"
_SECONDS_OF_A_COMMAND = 3600.0
_MAKE = "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"


def check_key(environ: Mapping[str, str] = os.environ) -> None:
    """See that secrets can be kept, before anything is done that needs it.

    Raises:
        CredentialsMissing: There is no key in the environment.
        MissingExtra: cryptography is not installed.
    """
    _fernet(environ)


def keep(lake: Lake, name: str, secrets: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> str:
    """Keep secrets of a warehouse, beside what is kept of it already.

    Returns:
        The file's name, for the change that makes use of it.

    Raises:
        CredentialsMissing: There is no key in the environment.
        MissingExtra: cryptography is not installed.
    """
    said = {"warehouse": name, "space": lake.slug, "secrets": dict(secrets)}
    file = f"{name}.{uuid.uuid4().hex}"
    _write(lake, file, _fernet(environ).encrypt(orjson.dumps(said)))
    return file


def read(lake: Lake, name: str, file: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What is kept of a warehouse in a file, by field.

    Raises:
        CredentialsMissing: There is nothing, or not with this key.
    """
    fernet = _fernet(environ)
    from cryptography.fernet import InvalidToken

    filesystem, path = _place(lake, file)
    try:
        if not _is_there(filesystem, path):
            raise CredentialsMissing(f"warehouse {name}: no credentials are kept for it; add it again")
        with filesystem.open_input_stream(path) as stream:
            token = stream.read()
    except PermissionError:
        raise CredentialsMissing(
            f"warehouse {name}: what is kept for it was typed by another user of the operating system, and this one "
            f"may not read it; run the syncs as that user, or give this one {path.rpartition('/')[0]} and what is in it"
        ) from None
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise CredentialsMissing(f"warehouse {name}: what is kept for it cannot be read by this user: {why}") from None
    try:
        said = orjson.loads(fernet.decrypt(token))
    except InvalidToken:
        said = {}
    if (said.get("warehouse"), said.get("space")) != (name, lake.slug):
        raise CredentialsMissing(
            f"warehouse {name}: what is kept for it was not written with the key in {KEY}; set that key, or add the "
            "warehouse again"
        )
    return dict(said["secrets"])


def files_of(lake: Lake, *names: str) -> list[str]:
    """The files of some warehouses, also what a write that broke off left.

    Whoever lists them before a change of the log, and makes that change, may erase them all but its own: who else wrote
    one of them for a change to come has seen the log as it was before, and will be refused.
    """
    mine = "|".join(map(re.escape, names))
    return [name for name in _files(lake) if re.fullmatch(rf"({mine})(\.[0-9a-f]{{32}})?(\.new)?", name)]


def erase(lake: Lake, files: Iterable[str]) -> None:
    """Remove files, and see that they are gone.

    Raises:
        LakeError: One is still there.
    """
    for name in files:
        filesystem, path = _place(lake, name)
        with suppress(FileNotFoundError):
            filesystem.delete_file(path)
        if _is_there(filesystem, path):
            raise LakeError(f"warehouse {name.partition('.')[0]}: its credentials could not be removed; delete {path}")


def clear(lake: Lake, used: Collection[str], older_than: float = _SECONDS_OF_A_COMMAND) -> None:
    """Remove what no change makes use of: commands that broke off left it.

    Args:
        lake: Of the space.
        used: The files that the log names.
        older_than: Seconds; a younger one may be of a command that is about to make its change.
    """
    now = time.time()
    found = _files(lake)
    erase(lake, [name for name, at in found.items() if name not in used and now - at >= older_than])


def carry_over(lake: Lake, former: Lake, used: Iterable[str]) -> None:
    """Keep some files of another lake of the same space in a lake too, and no others; they stay encrypted meanwhile."""
    there = _files(former)
    for name in (one for one in used if one in there):
        filesystem, path = _place(former, name)
        with filesystem.open_input_stream(path) as file:
            _write(lake, name, file.read())
    clear(lake, set(used), 0)


def _fernet(environ: Mapping[str, str]) -> "MultiFernet":
    """The first key encrypts; further ones, after a comma, still decrypt."""
    try:
        from cryptography.fernet import Fernet, MultiFernet
    except ImportError:
        raise MissingExtra(
            "to keep credentials, cryptography is needed and not installed; pip install 'profiles-sync[credentials]'"
        ) from None
    keys = [one.strip() for one in environ.get(KEY, "").split(",") if one.strip()]
    if not keys:
        raise CredentialsMissing(f"credentials are kept with a key, and {KEY} is not set; make one with: {_MAKE}")
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise SettingsError(f"environment {KEY}: no key of Fernet; make one with: {_MAKE}") from None


def _write(lake: Lake, name: str, token: bytes) -> None:
    filesystem, path = _place(lake, name)
    if isinstance(filesystem, fs.LocalFileSystem):
        _write_for_ourselves(Path(path), token)
        return
    with filesystem.open_output_stream(path) as out:
        out.write(token)


def _write_for_ourselves(path: Path, token: bytes) -> None:
    """Nobody else may read the file, from its first byte on; it is whole or the old one is."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = path.with_name(f"{path.name}.new")
    with open(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(token)
    written.replace(path)


def _files(lake: Lake) -> dict[str, float]:
    """Name to when it was written, in seconds since 1970."""
    filesystem, folder = _place(lake, "")
    found = filesystem.get_file_info(fs.FileSelector(folder, allow_not_found=True))
    return {one.base_name: one.mtime_ns / 1e9 for one in found if one.type == fs.FileType.File}


def _place(lake: Lake, file: str) -> tuple[fs.FileSystem, str]:
    return storage_of(f"{lake.root.rstrip('/')}/{lake.slug}/_control/_credentials/{file}".rstrip("/"), lake.options)


def _is_there(filesystem: fs.FileSystem, path: str) -> bool:
    return bool(filesystem.get_file_info(path).type != fs.FileType.NotFound)
