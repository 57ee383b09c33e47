"""Queries that show whether the linked user can do what the Data Graph needs, and nothing else.

They change nothing where all is as it should be; run each in a transaction that is rolled back, for where it is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from profiles_sync.warehouses.setup.script import Step


class Answer(StrEnum):
    """What the warehouse should do."""

    ANSWERED = "answered"
    LISTED = "listed"
    REFUSED = "refused"


@dataclass(frozen=True)
class Check:
    """One query of the linked user's.

    Attributes:
        database: Where the user is connected to.
        query: The statement.
        answer: What should come back.
        names: What the rows have to name, where `answer` is LISTED.
    """

    database: str
    query: str
    answer: Answer
    names: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """What should come back, in words."""
        if self.answer is Answer.LISTED:
            return f"lists {', '.join(self.names)}" if self.names else "lists the schemas"
        return "is refused" if self.answer is Answer.REFUSED else "is answered, if only with no row"


def usual(database: str, own: str, listed: str, names: tuple[str, ...], read_only: Sequence[str]) -> tuple[Check, ...]:
    """The checks where one connection reaches every database.

    Args:
        database: Of the connection.
        own: Makes something in the place for bookkeeping.
        listed: Lists the schemas.
        names: Schemas that have to be among them.
        read_only: Quoted tables that can be read and not written.
    """
    found = [Check(database, own, Answer.ANSWERED), Check(database, listed, Answer.LISTED, names)]
    found += [Check(database, f"SELECT * FROM {one} LIMIT 10", Answer.ANSWERED) for one in read_only]
    found += [Check(database, f"DELETE FROM {one} WHERE FALSE", Answer.REFUSED) for one in read_only]
    return tuple(found)


def as_step(user: str, checks: Sequence[Check]) -> Step:
    """The queries for a person to copy, after the set-up."""
    lines: list[str] = []
    for (database, told), same in groupby(checks, lambda check: (check.database, check.told)):
        lines.append(f"In {database} this {told}:")
        lines += [f"  {check.query};" for check in same]
    return Step(f"Check it, logged in as {user}", tuple(lines))
