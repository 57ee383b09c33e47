"""What was typed of a warehouse's credentials, encrypted in a file.

Fernet's key is in the environment and nowhere else. The file lies beside the control tables and in none of them,
because a table's log keeps what was deleted. Source: cryptography's documentation, "Fernet (symmetric encryption)".
"""

import os
from collections.abc import Mapping
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
_MAKE = "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"


def check_key(environ: Mapping[str, str] = os.environ) -> None:
    """See that secrets can be kept, before anything is done that needs it.

    Raises:
        CredentialsMissing: There is no key in the environment.
        MissingExtra: cryptography is not installed.
    """
    _fernet(environ)


def keep(lake: Lake, name: str, secrets: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> None:
    """Keep secrets of a warehouse, in place of what was kept of it.

    Raises:
        CredentialsMissing: There is no key in the environment.
        MissingExtra: cryptography is not installed.
    """
    said = {"warehouse": name, "space": lake.slug, "secrets": dict(secrets)}
    _write(lake, name, _fernet(environ).encrypt(orjson.dumps(said)))


def read(lake: Lake, name: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What is kept of a warehouse, by field.

    Raises:
        CredentialsMissing: There is nothing, or not with this key.
    """
    fernet = _fernet(environ)
    from cryptography.fernet import InvalidToken

    filesystem, path = _place(lake, name)
    try:
        if not _is_there(filesystem, path):
            raise CredentialsMissing(f"warehouse {name}: no credentials are kept for it; add it again")
        with filesystem.open_input_stream(path) as file:
            token = file.read()
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


def erase(lake: Lake, name: str) -> None:
    """Remove what is kept of a warehouse, and see that it is gone.

    Raises:
        LakeError: It is still there.
    """
    filesystem, path = _place(lake, name)
    for one in (path, f"{path}.new"):
        if _is_there(filesystem, one):
            filesystem.delete_file(one)
        if _is_there(filesystem, one):
            raise LakeError(f"warehouse {name}: its credentials could not be removed; delete {one}")


def carry_over(lake: Lake, former: Lake) -> None:
    """Keep in a lake what another one of the same space keeps; it stays encrypted meanwhile."""
    filesystem, folder = _place(former, "")
    for info in filesystem.get_file_info(fs.FileSelector(folder, allow_not_found=True)):
        if info.type == fs.FileType.File and not info.base_name.endswith(".new"):
            with filesystem.open_input_stream(info.path) as file:
                _write(lake, info.base_name, file.read())


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


def _place(lake: Lake, name: str) -> tuple[fs.FileSystem, str]:
    return storage_of(f"{lake.root.rstrip('/')}/{lake.slug}/_control/_credentials/{name}".rstrip("/"))


def _is_there(filesystem: fs.FileSystem, path: str) -> bool:
    return bool(filesystem.get_file_info(path).type != fs.FileType.NotFound)
