"""What a command over one space, or over many, ends with."""

from collections.abc import Callable
from typing import Any, Protocol

#: Prints what `Outcome.shown` has.
Show = Callable[[dict[str, Any]], None]


class Outcome(Protocol):
    """What came of a run or of a step of it."""

    @property
    def status(self) -> str:
        """One of those that `EXIT` has."""
        ...

    def shown(self) -> dict[str, Any]:
        """As `--json` prints it."""
        ...
