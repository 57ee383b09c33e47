"""The acceptance cases of `tests/spec/cases`: how they are written, read, and compared with what came out.

A case says which calls arrive and what the tables hold afterwards. It names no engine: whoever turns a `Case` into an
`Outcome` can be checked with it, as `tests/spec/test_cases.py` does with the reference.

A file holds one YAML document per case:

- `name`: a sentence.
- `checks`: numbers in our own list of 64 acceptance checks; `test_cases.py` keeps count of them. May be empty.
- `rules`: changes to the default Identity Resolution rules, by external ID type: `limit`, `frequency`, `priority`,
  `blocked: {exact: [...], patterns: [...]}`. A type that is not there by default is added.
- `options`: the switches of `IdentityRules`, such as `max_merges`.
- `sources`: slug to `id` and `name`; without it `website: {id: source_1, name: Website}`.
- `batches`: a list of batches, each a list of calls as they stand in the JSON.
- `cut_into`: with one batch: the case is also run with its calls cut into so many batches; the same is expected.
- `expect`: see `Expected`.

Short forms in a call:

- `receivedAt` is filled in: 2024-01-01T00:00:01Z for the first call of the case, one second later for each next one.
- `messageId` is filled in: e1, e2, ... by place in the case. An explicit null leaves either of the two out.
- `source` is the slug of the source; without it the first one. It is not part of the call.
- A call that is a text is a line of its own and is taken as it is.
- `!repeat {times: 3, call: {...}}` stands for three calls, with `{n}` replaced by 1, 2, 3 in every text.
- `!text 501` is a text of 501 letters, `!keys 301` an object with 301 keys k1, k2, ...

Files are taken to be last modified at `MODIFIED`. YAML has JSON's scalars only here: times and `yes` are text.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import orjson
import yaml

from profiles_sync.spec import tables
from profiles_sync.spec.events import Source
from profiles_sync.spec.rules import Blocked, Frequency, IdentityRules, Rule, default_rules
from profiles_sync.spec.tables import Type
from tests.outcomes import RAW, Outcome, Row

FOLDER = Path(__file__).parent / "spec" / "cases"
NOT_YET = FOLDER / "not_yet.yml"
SPACE = "acme"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
START = datetime(2024, 1, 1, tzinfo=UTC)
MODIFIED = (START - EPOCH) // timedelta(microseconds=1)

_PROFILE_COLUMNS = {"segment_id", "canonical_segment_id", "merged_to"}

T = TypeVar("T")


@dataclass(frozen=True)
class Line:
    """One line of a source's file, without its end."""

    source: str
    text: bytes


@dataclass(frozen=True)
class Expected:
    """What a case expects.

    Attributes:
        tables: All rows of a table. The columns compared are those that at least one row lists; a row that does not
            list one of them holds NULL there. Raw tables in landing order, the others in any. Profiles are p1, p2, ...
            in order of creation, times `2022-05-02T14:01:00Z`, with a fraction where there is one. A null in place of
            the rows: there is no such table.
        counts: How many rows a table has.
        columns: All columns of a table beyond the declared ones, with their types.
        absent: Columns that a table does not have.
        violations: messageId, code and external ID type, in the order found. Without it there are none.
        duplicates: How many events were repeats.
        quarantined: How many lines were not taken, by reason.
    """

    tables: dict[str, list[Row] | None] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    absent: dict[str, list[str]] = field(default_factory=dict)
    violations: list[list[str]] = field(default_factory=list)
    duplicates: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One case, ready to run in space `SPACE`."""

    name: str
    file: str
    checks: tuple[int, ...]
    rules: IdentityRules
    sources: dict[str, Source]
    batches: tuple[tuple[Line, ...], ...]
    expect: Expected

    def __str__(self) -> str:
        return f"{self.file}: {self.name}"


# Reading


class _Loader(yaml.SafeLoader):
    """YAML with JSON's scalars, without doubled keys, and with the short forms."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        if doubled := {key for key in keys if keys.count(key) > 1}:
            raise ValueError(f"{node.start_mark}: keys given twice: {sorted(doubled)}")
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?\d+", list("-0123456789")),
    ("float", r"-?\d+\.\d+", list("-0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), _first)
_Loader.add_constructor("!text", lambda loader, node: "x" * int(node.value))
_Loader.add_constructor("!keys", lambda loader, node: {f"k{number}": number for number in _numbers(node.value)})


@dataclass(frozen=True)
class _Repeat:
    times: int
    call: dict[str, Any]


_Loader.add_constructor("!repeat", lambda loader, node: _Repeat(**loader.construct_mapping(node, deep=True)))


def load() -> list[Case]:
    """All cases, file by file; one that is to be cut into several batches comes once for each way."""
    files = sorted(set(FOLDER.glob("*.yml")) - {NOT_YET})
    return [case for path in files for document in documents(path) for case in _cases(path.stem, document)]


def documents(path: Path) -> list[Any]:
    """The YAML documents of a file."""
    return list(yaml.load_all(path.read_text(encoding="utf-8"), _Loader))


def _cases(file: str, document: dict[str, Any]) -> Iterator[Case]:
    given = dict(document)
    sources = given.pop("sources", {"website": {"id": "source_1", "name": "Website"}})
    rules = identity_rules(given.pop("rules", {}), given.pop("options", {}))
    cuts = given.pop("cut_into", [])
    case = Case(
        name=given.pop("name"),
        file=file,
        checks=tuple(given.pop("checks")),
        rules=rules,
        sources={slug: Source(slug, **about) for slug, about in sources.items()},
        batches=_batches(given.pop("batches"), next(iter(sources))),
        expect=Expected(**given.pop("expect")),
    )
    if given:
        raise ValueError(f"{case}: unknown keys {sorted(given)}")
    yield case
    for number in cuts:
        (lines,) = case.batches
        yield replace(case, name=f"{case.name}, in {number} batches", batches=cut(lines, number))


def cut(items: Sequence[T], number: int) -> tuple[tuple[T, ...], ...]:
    """The items in `number` pieces of about the same size."""
    at = [len(items) * piece // number for piece in range(number + 1)]
    return tuple(tuple(items[start:end]) for start, end in pairwise(at))


def identity_rules(changes: Mapping[str, Mapping[str, Any]], options: Mapping[str, Any]) -> IdentityRules:
    """The default rules with a case's changes."""
    rules = {rule.type: rule for rule in default_rules()}
    for kind, change in changes.items():
        made = dict(change)
        if "blocked" in made:
            made["blocked"] = Blocked(**{key: tuple(values) for key, values in made["blocked"].items()})
        if "frequency" in made:
            made["frequency"] = Frequency(made["frequency"])
        rules[kind] = replace(rules.get(kind, Rule(kind)), **made)
    return IdentityRules(tuple(rules.values()), **options)


def _batches(given: list[list[Any]], source: str) -> tuple[tuple[Line, ...], ...]:
    batches, number = [], 0
    for batch in given:
        lines = []
        for call in _repeated(batch):
            number += 1
            lines.append(_line(call, number, source))
        batches.append(tuple(lines))
    return tuple(batches)


def _repeated(batch: list[Any]) -> Iterator[Any]:
    for call in batch:
        if not isinstance(call, _Repeat):
            yield call
            continue
        for number in _numbers(call.times):
            yield _filled(call.call, number)


def _filled(value: Any, number: int) -> Any:
    if isinstance(value, str):
        return value.replace("{n}", str(number))
    if isinstance(value, list):
        return [_filled(item, number) for item in value]
    return {key: _filled(item, number) for key, item in value.items()} if isinstance(value, dict) else value


def _numbers(count: int | str) -> range:
    return range(1, int(count) + 1)


def _line(call: Any, number: int, source: str) -> Line:
    if isinstance(call, str):
        return Line(source, call.encode())
    received = (START + timedelta(seconds=number)).isoformat()
    call = {"messageId": f"e{number}", "receivedAt": received} | call
    source = call.pop("source", source)
    return Line(source, orjson.dumps({k: v for k, v in call.items() if v is not None or k not in _LEFT_OUT}))


_LEFT_OUT = {"messageId", "receivedAt"}


# Comparing


def differences(case: Case, outcome: Outcome) -> list[str]:
    """What is not as the case expects it: a heading, then one line per row, missing ones with -, others with +."""
    found, names = [], profile_names(outcome)
    for title, wanted, seen in _pairs(case.expect, outcome, names):
        if _lines(wanted) != _lines(seen):  # as text, because Python takes 1, 1.0 and True for the same
            lines = difflib.ndiff(_lines(wanted), _lines(seen), charjunk=None)
            found += [f"{title}:", *(f"  {line}" for line in lines if not line.startswith("?"))]
    return found


def _pairs(expect: Expected, outcome: Outcome, names: dict[str, str]) -> Iterator[tuple[str, Any, Any]]:
    """What is compared, what the case says about it, what came out."""
    columns = outcome.columns
    for name, rows in expect.tables.items():
        if rows is None or name not in outcome.rows:
            yield f"whether there is a table {name}", rows is not None, name in outcome.rows
            continue
        listed = list(dict.fromkeys(column for row in rows for column in row)) or list(columns[name])
        wanted = [dict.fromkeys(listed) | row for row in rows]
        yield f"table {name}", _in_order(name, wanted), _in_order(name, _shown(outcome, name, listed, names))
    for name, count in expect.counts.items():
        yield f"number of rows in {name}", count, len(outcome.rows.get(name, ()))
    for name, added in expect.columns.items():
        yield f"columns of {name}", added, _added(name, columns.get(name, {}))
    for name, absent in expect.absent.items():
        yield f"columns that {name} must not have", [], [one for one in absent if one in columns[name]]
    yield "violations", expect.violations, outcome.violations
    yield "duplicates", expect.duplicates, outcome.duplicates
    yield "quarantined", expect.quarantined, outcome.quarantined


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = [list(item) for item in sorted(value.items())]
    return [json.dumps(item, ensure_ascii=False) for item in (value if isinstance(value, list) else [value])]


def profile_names(outcome: Outcome) -> dict[str, str]:
    """segment_id to p1, p2, ... in order of creation."""
    rows = outcome.ordered("id_graph_updates")
    created = dict.fromkeys(row["segment_id"] for row in rows if row["segment_id"] == row["canonical_segment_id"])
    return {segment_id: f"p{number}" for number, segment_id in enumerate(created, start=1)}


def _shown(outcome: Outcome, table: str, listed: list[str], names: dict[str, str]) -> list[Row]:
    types = outcome.columns[table]
    rows = outcome.ordered(table) if table in RAW else outcome.rows[table]
    return [{name: _value(row, name, types, names) for name in listed} for row in rows]


def _value(row: Row, column: str, types: Mapping[str, Type], names: dict[str, str]) -> Any:
    value = row.get(column)
    if column not in types:
        return "(there is no such column)"
    if value is not None and types[column] is Type.TIMESTAMP:
        return moment(value)
    return names.get(value, value) if column in _PROFILE_COLUMNS else value


def moment(microseconds: int) -> str:
    """The time as cases write it."""
    written = (EPOCH + timedelta(microseconds=microseconds)).replace(tzinfo=None).isoformat()
    return (written.rstrip("0") if "." in written else written) + "Z"


def _in_order(table: str, rows: list[Row]) -> list[Row]:
    return rows if table in RAW else sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def _added(table: str, types: Mapping[str, Type]) -> dict[str, str]:
    declared = tables.table(table).types
    return {name: kind.value for name, kind in types.items() if name not in declared}
