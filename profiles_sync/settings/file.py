"""What stands in a settings file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from profiles_sync.errors import SettingsError

Key = tuple[str, ...]
_MERGE = "tag:yaml.org,2002:merge"  # the key <<


def written(path: Path) -> dict[str, Any]:
    """The keys and values of the file; options of the object store by lower-case names, as in the environment.

    Raises:
        SettingsError: There is no such file, or it holds something else than settings.
    """
    if path.is_dir():
        raise SettingsError(f"settings: {path} is a folder, and this is about one space; give the file of one")
    if not path.is_file():
        raise SettingsError(f"settings: no file at {path}; give one with --settings FILE")
    found = content(path, "settings") or {}
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise SettingsError(f"settings {path}: expected keys such as `space:` and `sources:` with values below them")
    for key, name in _no_text(found, ()):
        raise SettingsError(
            f"settings {path}: {'.'.join(key)}: YAML reads a name there as {name!r}, which is no text; put it in quotes"
        )
    if isinstance(storage := found.get("storage"), dict):
        found["storage"] = {str(name).lower(): value for name, value in storage.items()}
    return found


def content(path: Path, about: str) -> object:
    """What a YAML file holds, in YAML's safe types; None where it is empty.

    Args:
        path: Of the file.
        about: What it is, for the message.

    Raises:
        SettingsError: It cannot be read, is no YAML, or has a key twice.
    """
    try:
        return _read(path, about)
    except OSError as error:
        raise SettingsError(f"{about} {path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a ValueError: 2026-13-01 looks like a date
        mark = getattr(error, "problem_mark", None)
        line = f" near line {mark.line + 1}" if mark else ""
        raise SettingsError(
            f"{about} {path}: not readable as YAML{line}; check its indentation, quotes and encoding"
        ) from None


def _no_text(found: object, key: Key) -> Iterator[tuple[Key, object]]:
    """Names that are no texts, such as on, off and 1, with where they stand."""
    for name, value in found.items() if isinstance(found, dict) else ():
        if not isinstance(name, str):
            yield key, name
        yield from _no_text(value, (*key, str(name)))


def _read(path: Path, about: str) -> object:
    """A key that stands twice is refused; YAML would keep the last one without a word."""
    loader = yaml.SafeLoader(path.read_bytes())
    try:
        node = loader.get_single_node()
        for key, first, second in _repeated(node, (), set()):
            where = f"line {first}" if first == second else f"lines {first} and {second}"
            raise SettingsError(f"{about} {path}: {'.'.join(key)}: stands twice, in {where}; keep one of the two")
        return None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def _repeated(node: yaml.Node | None, key: Key, seen: set[int]) -> Iterator[tuple[Key, int, int]]:
    """Each key that a mapping has twice, with its two lines."""
    if node is None or id(node) in seen:  # an alias may stand for what it is itself a part of
        return
    seen.add(id(node))
    lines: dict[Key, int] = {}
    for below, value, line in _inside(node, key):
        if below in lines:
            yield below, lines[below], line
        elif below != key:
            lines[below] = line
        yield from _repeated(value, below, seen)


def _inside(node: yaml.Node, key: Key) -> Iterator[tuple[Key, yaml.Node, int]]:
    """What is one level down, with its key and its line. A `<<` is no level: it brings in keys of this one."""
    if isinstance(node, yaml.SequenceNode):
        for place, value in enumerate(node.value):
            yield (*key, str(place)), value, value.start_mark.line + 1
    elif isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            plain = isinstance(name, yaml.ScalarNode) and name.tag != _MERGE
            text = (name.value.lower() if key == ("storage",) else name.value,) if plain else ()
            yield (*key, *text), value, name.start_mark.line + 1
