"""The settings in force, as `check` shows them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import SecretStr

from profiles_sync.settings.environment import holds, variable_of
from profiles_sync.settings.file import written
from profiles_sync.settings.loading import load

MASK = "********"


def origins(path: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, object, str]]:
    """Every effective setting as (key, value, origin), secrets masked; origin is file, environment NAME or default."""
    settings, in_file = load(path), written(path)
    for key, value in _leaves(settings.model_dump(by_alias=True)):
        variable = variable_of(key, environ)
        origin = f"environment {variable}" if variable else "file" if holds(in_file, key) else "default"
        yield ".".join(key), MASK if isinstance(value, SecretStr) and value else value, origin


def _leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    else:
        yield path, value
