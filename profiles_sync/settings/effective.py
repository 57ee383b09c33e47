"""The settings in force, as `check` shows them."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import SecretStr

from profiles_sync.settings.environment import holds, variable_of
from profiles_sync.settings.file import written
from profiles_sync.settings.loading import load

MASK = "********"
_SECRET_OPTION = re.compile("key|secret|token|password|sas|credential", re.I)
_URL_WITH_PASSWORD = re.compile(r"://[^/@]*:[^/@]*@")


def origins(path: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, object, str]]:
    """Every effective setting as (key, value, origin), secrets masked; origin is file, environment NAME or default."""
    settings, in_file = load(path), written(path)
    for key, value in _leaves(settings.model_dump(by_alias=True)):
        variable = variable_of(key, environ)
        origin = f"environment {variable}" if variable else "file" if holds(in_file, key) else "default"
        yield ".".join(key), _shown(key, value), origin


def masked(values: Mapping[str, object]) -> dict[str, object]:
    """Values by key, levels joined by dots, secrets masked."""
    return {".".join(key): _shown(key, value) for key, value in _leaves(dict(values))}


def _shown(key: tuple[str, ...], value: object) -> object:
    """The value, or a mask."""
    plain = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(plain, str) or not plain:
        return plain
    kept = isinstance(value, SecretStr) and _is_secret(key, plain)
    return MASK if kept or _URL_WITH_PASSWORD.search(plain) else plain


def _is_secret(key: tuple[str, ...], plain: str) -> bool:
    """Every option of the object store is kept as a secret, by their names only some are; so is where an alert goes."""
    if key[0] == "storage":
        return _SECRET_OPTION.search(key[-1]) is not None
    return key[0] != "alerts" or "://" in plain


def _leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    else:
        yield path, value
