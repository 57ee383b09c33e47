"""Looks the packages of lock files up in a checkout of an advisory database, where no service can be asked.

    scripts/advisories.py FOLDER LOCK...

FOLDER has records in the OSV format, as YAML (github.com/pypa/advisory-database) or JSON
(github.com/github/advisory-database). Ends with 1 where a locked version is known to be vulnerable, and with 2 where
there is no record to look at. What it says is as old as the newest record, whose date it tells.
Source: "Open Source Vulnerability format", the section "Evaluation".
"""

import json
import re
import sys
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ECOSYSTEM = "PyPI"
_LOCKED = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.M)
_NAMED = re.compile(r"""["']?name["']?: *["']?([\w.-]+)""")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def locked(lock: Path) -> set[tuple[str, str]]:
    """Name and version of each package that a lock file pins."""
    return {(canonicalize_name(name), version) for name, version in _LOCKED.findall(lock.read_text(encoding="utf-8"))}


def records(folder: Path, names: Container[str]) -> Iterator[dict[str, Any]]:
    """Every record of one of these packages that was not withdrawn; others are not parsed, for there are many."""
    for file in sorted(folder.rglob("*")):
        if file.suffix not in (".yaml", ".yml", ".json"):
            continue
        text = file.read_text(encoding="utf-8")
        if any(canonicalize_name(one) in names for one in _NAMED.findall(text)):
            record = json.loads(text) if file.suffix == ".json" else yaml.load(text, _LOADER)
            if isinstance(record, dict) and "affected" in record and not record.get("withdrawn"):
                yield record


def is_affected(version: str, affected: dict[str, Any]) -> bool:
    """Whether a version is among those that a record lists, or in one of its ranges."""
    return any(_is_same(version, str(one)) for one in affected.get("versions") or ()) or any(
        _is_within(version, one["events"]) for one in affected.get("ranges") or () if one["type"] == "ECOSYSTEM"
    )


def _is_same(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def _is_within(version: str, events: Iterable[dict[str, Any]]) -> bool:
    found, asked = False, Version(version)
    for kind, at in sorted(_moments(events), key=lambda one: one[1]):
        if kind == "introduced" and asked >= at:
            found = True
        elif (kind == "fixed" and asked >= at) or (kind == "last_affected" and asked > at):
            found = False
    return found


def _moments(events: Iterable[dict[str, Any]]) -> Iterator[tuple[str, Version]]:
    for event in events:
        for kind, at in event.items():
            try:
                yield kind, Version(str(at))
            except InvalidVersion:  # of before versions had rules: those are listed one by one
                continue


def found(folder: Path, locks: Iterable[Path]) -> tuple[list[str], str]:
    """A line for each vulnerable version with the lock files that have it, and when the newest record was changed."""
    pinned: dict[str, dict[str, list[str]]] = {}
    for lock in locks:
        for name, version in locked(lock):
            pinned.setdefault(name, {}).setdefault(version, []).append(lock.name)
    lines, newest = set(), ""
    for record in records(folder, pinned):
        newest = max(newest, str(record.get("modified", "")))
        for affected in record["affected"]:
            package = affected.get("package") or {}
            if package.get("ecosystem") == ECOSYSTEM:
                versions = pinned.get(canonicalize_name(package["name"]), {})
                lines |= {
                    _line(record, package["name"], *one) for one in versions.items() if is_affected(one[0], affected)
                }
    return sorted(lines), newest


def _line(record: dict[str, Any], name: str, version: str, locks: list[str]) -> str:
    known_as = " ".join([record["id"], *(record.get("aliases") or ())])
    return f"{name} {version}: {known_as}, in {', '.join(sorted(locks))}"


def main(folder: Path, locks: list[Path]) -> int:
    """Print what was found; returns the exit code."""
    lines, newest = found(folder, locks)
    if not newest:
        print(f"{folder}: no record of a package of {ECOSYSTEM} in the OSV format", file=sys.stderr)  # noqa: T201
        return 2
    print("\n".join([*lines, f"{len(lines)} known, by records up to {newest[:10]}"]))  # noqa: T201
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(one) for one in sys.argv[2:]]))
