"""Which environment variable sets which key."""

import json
from collections.abc import Mapping

from profiles_sync.settings.models import ENV_PREFIX, Settings


def variable_of(key: tuple[str, ...], environ: Mapping[str, str]) -> str | None:
    """The environment variable that sets a key, by itself or in the JSON of a key above it."""
    given = {name.upper(): name for name in environ}
    for depth in range(len(key), 0, -1):
        name = given.get(ENV_PREFIX + "__".join(key[:depth]).upper())
        if name and (depth == len(key) or holds(_json(environ[name]), key[depth:])):
            return name
    return None


def variables_below(field: str, environ: Mapping[str, str]) -> list[str]:
    """The environment variables that set a top-level key or something below it."""
    begin = (ENV_PREFIX + field).upper()
    return sorted(name for name in environ if name.upper() == begin or name.upper().startswith(f"{begin}__"))


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Environment variables that look like settings and are none: nothing reads them."""
    # --settings, a switch of the engine, and what `control` reads
    known = {*Settings.model_fields, "settings", "no_numba", "user", "credentials_key"}
    names = [name for name in environ if name.upper().startswith(ENV_PREFIX)]
    return sorted(name for name in names if name[len(ENV_PREFIX) :].lower().split("__")[0] not in known)


def holds(written: object, key: tuple[str, ...]) -> bool:
    """Whether a key stands in what was written, level by level."""
    for part in key:
        if not isinstance(written, Mapping) or part not in written:
            return False
        written = written[part]
    return True


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
