"""What stands in a settings file."""

from pathlib import Path
from typing import Any

import yaml

from profiles_sync.errors import SettingsError


def written(path: Path) -> dict[str, Any]:
    """The keys and values of the file; options of the object store by lower-case names, as in the environment.

    Raises:
        SettingsError: There is no such file, or it holds something else than settings.
    """
    if not path.is_file():
        raise SettingsError(f"settings: no file at {path}; give one with --settings FILE")
    try:
        written = yaml.safe_load(path.read_bytes()) or {}
    except OSError as error:
        raise SettingsError(f"settings {path}: cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" near line {mark.line + 1}" if mark else ""
        raise SettingsError(
            f"settings {path}: not readable as YAML{line}; check its indentation, quotes and encoding"
        ) from None
    if not isinstance(written, dict) or not all(isinstance(key, str) for key in written):
        raise SettingsError(f"settings {path}: expected keys such as `space:` and `sources:` with values below them")
    if isinstance(storage := written.get("storage"), dict):
        written["storage"] = {str(name).lower(): value for name, value in storage.items()}
    return written
