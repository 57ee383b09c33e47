"""What came of asking a batch's rows for what is expected of them; numbers alone, nobody's data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from profiles_sync.spec.expectations import Expectation, Kind, Severity


@dataclass(frozen=True)
class Outcome:
    """One expectation, asked.

    Attributes:
        expectation: What was expected.
        rows: How many values were looked at.
        unexpected: How many of them do not meet it.
    """

    expectation: Expectation
    rows: int
    unexpected: int

    @property
    def is_met(self) -> bool:
        """Whether enough of the values meet it."""
        return not self.unexpected or (self.rows - self.unexpected) / self.rows >= self.expectation.mostly

    def __str__(self) -> str:
        """For a person."""
        return f"{self.unexpected:,} of {self.rows:,} rows are not as expected: {self.expectation}"

    def kept(self) -> dict[str, Any]:
        """As a record has it."""
        one = self.expectation
        about = {"kind": one.kind, "columns": list(one.columns), "severity": one.severity, "mostly": one.mostly}
        asked = {"asks": dict(one.asks), "is_own": one.is_own}
        return about | asked | {"rows": self.rows, "unexpected": self.unexpected}

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Outcome":
        """The other way round."""
        kind, columns, severity = Kind(kept["kind"]), tuple(kept["columns"]), Severity(kept["severity"])
        expectation = Expectation(kind, columns, severity, kept["mostly"], kept["asks"], kept["is_own"])
        return cls(expectation, kept["rows"], kept["unexpected"])


def unmet(outcomes: Iterable[Outcome], severity: Severity) -> list[Outcome]:
    """Those of a severity that are not met."""
    return [one for one in outcomes if not one.is_met and one.expectation.severity is severity]


@dataclass(frozen=True)
class Checked:
    """What a table's batch was found to be.

    Attributes:
        outcomes: Of each expectation.
        rows: How many there were.
        unasked: Why some of a person's expectations could not be asked.
        is_released: Whether it goes whatever came out.
    """

    outcomes: Sequence[Outcome] = ()
    rows: int = 0
    unasked: Sequence[str] = ()
    is_released: bool = False

    @property
    def held(self) -> list[Outcome]:
        """Why it is held back, empty where it is not."""
        return [] if self.is_released else unmet(self.outcomes, Severity.CRITICAL)

    @property
    def warnings(self) -> list[str]:
        """What somebody is told, though the rows go."""
        let_go = unmet(self.outcomes, Severity.CRITICAL) if self.is_released else []
        released = [f"released by an admin: {one}" for one in let_go]
        return [*released, *map(str, unmet(self.outcomes, Severity.WARNING)), *self.unasked]

    @property
    def state(self) -> str:
        """In a word or two."""
        if self.held:
            return "held back"
        return "warnings" if self.warnings else "as expected"
