"""Every named case, through the reference."""

from collections import Counter
from typing import Any

import pytest

from profiles_sync.spec.events import Event, Rejected, read_line
from profiles_sync.spec.space import Space
from profiles_sync.spec.tables import table
from tests import cases
from tests.cases import Case, Line
from tests.outcomes import RAW, Outcome, problems

CASES = cases.load()
CHECKS = range(1, 65)
NOT_YET: list[dict[str, Any]] = cases.documents(cases.NOT_YET)[0]


def landed(case: Case) -> Outcome:
    """The case as the reference sees it."""
    space, quarantined = Space(cases.SPACE, case.rules), Counter[str]()
    for batch in case.batches:
        space.land(taken(case, batch, quarantined))
    rows, added = space.tables.rows, space.tables.added
    violations = [
        [message_id, found.code, *([found.identifier.type] if found.identifier else [])]
        for message_id, found in space.violations
    ]
    columns = {name: table(name).types | added.get(name, {}) for name in rows}
    return Outcome(rows, columns, violations, space.duplicates, dict(quarantined))


def taken(case: Case, batch: tuple[Line, ...], quarantined: Counter[str]) -> list[Event]:
    events = []
    for line in batch:
        try:
            events.append(read_line(line.text, case.sources[line.source], cases.MODIFIED))
        except Rejected as refused:
            quarantined[str(refused)] += 1
    return events


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case) -> None:
    outcome = landed(case)
    differences = cases.differences(case, outcome)
    assert not differences, "\n".join([str(case), *differences])
    assert problems(outcome) == []
    assert all(outcome.rows[name] == outcome.ordered(name) for name in RAW)


def test_no_two_cases_have_the_same_name() -> None:
    names = Counter(case.name for case in CASES)
    assert [name for name, times in names.items() if times > 1] == []


def test_every_check_has_a_case_or_a_reason_why_not_yet() -> None:
    with_case = {number for case in CASES for number in case.checks}
    waiting = {entry["check"] for entry in NOT_YET if "part" not in entry}
    in_part = {entry["check"] for entry in NOT_YET if "part" in entry}
    assert with_case | waiting == set(CHECKS)
    assert with_case & waiting == set(), "these have a case: take them off the list"
    assert in_part <= with_case, "these have no case at all"


@pytest.mark.parametrize("entry", NOT_YET, ids=lambda entry: str(entry["check"]))
def test_whatever_waits_says_why(entry: dict[str, Any]) -> None:
    assert entry.keys() - {"part"} == {"check", "sentence", "why"}
