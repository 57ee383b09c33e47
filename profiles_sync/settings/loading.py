"""From a file and the environment to the settings, or to one line that says what is wrong."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pydantic_settings
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from profiles_sync.errors import SettingsError
from profiles_sync.settings.environment import variable_of, variables_below
from profiles_sync.settings.file import written
from profiles_sync.settings.models import STRICT, CatalogSettings, Settings, Slug
from profiles_sync.warehouses import WarehouseSettings

_PROBLEMS = {
    "missing": "required and missing",
    "extra_forbidden": "unknown key",
    "model_type": "expected keys below it",
    "dict_type": "expected keys below it",
    "model_attributes_type": "expected keys below it",
    "union_tag_not_found": "required and missing",
}


class _Warehouses(BaseModel):
    model_config = STRICT
    warehouses: dict[Slug, WarehouseSettings]


def load(path: Path) -> Settings:
    """Read a settings file and the environment.

    Relative paths in the file are relative to its folder.

    Raises:
        SettingsError: A line that names the key, what was expected and what to do.
    """
    try:
        settings = Settings(**written(path))
    except ValidationError as error:
        raise SettingsError(f"settings {path}: {_problems(error)}") from None
    except pydantic_settings.SettingsError as error:
        raise SettingsError(f"environment: {_not_json(error)}") from None
    return _anchored(settings, path.absolute().parent)


def declared(name: str, fields: Mapping[str, object], folder: Path | None = None) -> WarehouseSettings:
    """A warehouse that stands in no file, checked as if it did; relative paths are relative to `folder`.

    Raises:
        SettingsError: As `load` raises it.
    """
    try:
        one = _Warehouses.model_validate({"warehouses": {name: dict(fields)}}).warehouses[name]
    except ValidationError as error:
        raise SettingsError(_problems(error)) from None
    return one if folder is None else _warehouse_under(folder, one)


def _problems(error: ValidationError, most: int = 3) -> str:
    """The first few problems, each with its key; never a value, which may be a secret."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(map(_problem, found[:most])) + (f" ({len(found) - most} more)" if len(found) > most else "")


def _problem(error: ErrorDetails) -> str:
    key = _key(error)
    what = _PROBLEMS.get(error["type"]) or error["msg"].replace("Input should be", "expected")
    if error["type"] == "union_tag_invalid":
        what = "expected " + " or ".join(what.rpartition("tags: ")[2].rsplit(", ", 1))
    variable = variable_of(key, os.environ)
    return f"{'.'.join(key)}{f' (environment {variable})' if variable else ''}: {what}"


def _key(error: ErrorDetails) -> tuple[str, ...]:
    """As it stands in the file: what is below a warehouse or the lake has its type in between."""
    key = tuple(map(str, error["loc"]))
    if key[0] == "lake":
        return (key[0], *key[2:])
    if error["type"].startswith("union_tag_"):
        return (*key, "type")
    return (*key[:2], *key[3:]) if key[0] == "warehouses" else key


def _not_json(error: pydantic_settings.SettingsError) -> str:
    field = str(error).partition('"')[2].partition('"')[0]
    names = " or ".join(variables_below(field, os.environ))
    return f"{names}: not readable as JSON; set each key below {field} on its own, joined by `__`"


def _anchored(settings: Settings, folder: Path) -> Settings:
    sources = {
        slug: source.model_copy(update={"path": _under(folder, source.path)})
        for slug, source in settings.sources.items()
    }
    warehouses = {name: _warehouse_under(folder, one) for name, one in settings.warehouses.items()}
    alerts = {
        name: one.model_copy(update={"to": SecretStr(_under(folder, one.to.get_secret_value()))})
        for name, one in settings.alerts.items()
    }
    metrics = settings.metrics
    if metrics.file:
        is_folder = metrics.file.endswith("/")
        metrics = metrics.model_copy(update={"file": _under(folder, metrics.file) + "/" * is_folder})
    own = settings.quality.expectations
    quality = settings.quality.model_copy(update={"expectations": own and _under(folder, own)})
    return settings.model_copy(
        update={
            "alerts": alerts,
            "metrics": metrics,
            "lake": _lake_under(folder, settings.lake),
            "quality": quality,
            "sources": sources,
            "storage": dict(_storage_under(folder, settings.storage)),
            "warehouses": warehouses,
        }
    )


def _storage_under(folder: Path, storage: Mapping[str, SecretStr]) -> Iterator[tuple[str, SecretStr]]:
    """Some of Google's options name a file."""
    for name, value in storage.items():
        is_file = name.removeprefix("google_").removesuffix("_path") in ("service_account", "application_credentials")
        yield name, SecretStr(_under(folder, value.get_secret_value())) if is_file else value


def _warehouse_under(folder: Path, one: WarehouseSettings) -> WarehouseSettings:
    return one.model_copy(update={field: _under(folder, path) for field, path in _paths_of(one)})


def _paths_of(warehouse: BaseModel) -> Iterator[tuple[str, str]]:
    """The fields that hold a file or folder, but for libpq's word for the certificates that the system trusts."""
    for field in ("path", "sslrootcert", "private_key_path", "credentials", "volume"):
        if (path := getattr(warehouse, field, None)) and (field, path) != ("sslrootcert", "system"):
            yield field, path


def _lake_under(folder: Path, lake: str | CatalogSettings) -> str | CatalogSettings:
    if isinstance(lake, str):
        return _under(folder, lake)
    return lake.model_copy(update={"staging": _under(folder, lake.staging)})


def _under(folder: Path, path: str) -> str:
    return path if "://" in path else str((folder / Path(path).expanduser()).resolve())
