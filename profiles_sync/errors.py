"""Every error the product raises on purpose.

A message says what failed, on what, what was expected and what was there, and what to do next.
It never carries the value of an identifier or a trait, nor a secret.
"""

import traceback
from pathlib import Path

from profiles_sync.problems import REFUSED, UNREACHABLE, ErrorClass, Problem, problem_of


class ProfilesSyncError(Exception):
    """Base of all deliberate errors."""

    @property
    def problem(self) -> Problem:
        """The class of the error and advice, for the history."""
        return Problem(ErrorClass.INTERNAL, "the error says what to do")


class Terminal(ProfilesSyncError):
    """Trying again cannot help: somebody has to change something first."""


class Transient(ProfilesSyncError):
    """The same call may succeed later; retrying is right."""


class SettingsError(Terminal):
    """The settings file or an environment variable is wrong; names the key."""


class SourceError(Terminal):
    """A source of events cannot be read as the settings describe it."""


class SourceUnreachable(Transient):
    """The storage of a source failed or does not answer; what it holds is not known."""


class LakeError(Terminal):
    """The lake holds something this version cannot continue from."""


class AnotherLake(Terminal):
    """A warehouse follows tables that are not those of this lake."""

    @property
    def problem(self) -> Problem:
        """See `ProfilesSyncError`."""
        return Problem(ErrorClass.SCHEMA, "give each lake a schema of its own, or set lake: to the one that was synced")


class LakeBusy(Transient):
    """Another run of the same space holds the lock."""


class ChangedMeanwhile(Transient):
    """Somebody else changed the space's operation first; what was asked for is not done."""


class ChangeRefused(Terminal):
    """What was asked for does not fit the state of the thing it was asked for."""


class Denied(Terminal):
    """Who asked has not the role for it."""


class CredentialsMissing(Terminal):
    """A password or key that is kept or referred to cannot be read."""

    @property
    def problem(self) -> Problem:
        """See `ProfilesSyncError`."""
        return Problem(ErrorClass.CREDENTIALS, "put the key, the variable or the file in place; nothing else is wrong")


class ScheduleRunning(Terminal):
    """Another process is the space's schedule."""


class LockLost(Transient):
    """A run lost the space's lock while it was at work, and may not write any more."""


class OverLimit(Terminal):
    """More is to be sent than one of Segment's limits lets through; nothing was written."""

    @property
    def problem(self) -> Problem:
        """See `ProfilesSyncError`."""
        return Problem(ErrorClass.CAPACITY, "send less at a time, or raise the limit under limits: in the settings")


class WarehouseRefused(Terminal):
    """A warehouse was reached and said no.

    `grant` is what gives the right that is missing; empty where it is none of the warehouse's own, None where nobody
    can tell from the error.
    """

    def __init__(self, said: str, grant: str | None = None) -> None:
        super().__init__(said)
        self.grant = grant

    @property
    def problem(self) -> Problem:
        """The class of the error and advice."""
        return problem_of(str(self), REFUSED)


class WarehouseUnreachable(Transient):
    """A warehouse could not be reached."""

    @property
    def problem(self) -> Problem:
        """The class of the error and advice."""
        return problem_of(str(self), UNREACHABLE)


class WarehouseBusy(Transient):
    """Another sync writes the same tables."""

    @property
    def problem(self) -> Problem:
        """See `ProfilesSyncError`."""
        return Problem(
            ErrorClass.CAPACITY, "let one run at a time sync it; the next run goes on where this one stopped"
        )


class WarehouseSlow(Transient):
    """A statement took longer than it may, and was cancelled."""

    @property
    def problem(self) -> Problem:
        """See `ProfilesSyncError`."""
        return Problem(
            ErrorClass.CAPACITY,
            "see who holds a lock on the table, or what the warehouse is busy with; statement_timeout says how long a "
            "statement may take",
        )


class WarehouseConflict(Transient):
    """A table could not be written because of what somebody else does to it; the others can."""

    @property
    def problem(self) -> Problem:
        """See `ProfilesSyncError`."""
        return Problem(
            ErrorClass.CAPACITY, "see in the warehouse what else locks or writes the table; the next run repeats it"
        )


class HeldBack(Terminal):
    """A table's rows are not as they should be, and none of them was sent."""

    @property
    def problem(self) -> Problem:
        """See `ProfilesSyncError`."""
        return Problem(
            ErrorClass.SCHEMA,
            "see the expectations that the error names: put the data or the expectation right, or release the table",
        )


class NotReconciled(Terminal):
    """After a load a warehouse has not the rows that the lake has."""

    @property
    def problem(self) -> Problem:
        """See `ProfilesSyncError`."""
        return Problem(
            ErrorClass.INTERNAL,
            "see whether somebody else writes the table; if nobody does, report it. The next run repeats the table",
        )


class AlertUndelivered(Transient):
    """An alert did not get where the settings send it."""


class MissingExtra(Terminal):
    """An optional dependency is needed; names the extra that brings it."""


def problem_in(error: Exception) -> Problem:
    """The class of any error, and advice."""
    if isinstance(error, ProfilesSyncError):
        return error.problem
    return Problem(ErrorClass.INTERNAL, "report it, with the log of the run at level debug; the next run repeats it")


def first_line(error: Exception) -> str:
    """What a library says is wrong; the trace of its own may follow in further lines."""
    return str(error).splitlines()[0]


def unexpected(error: Exception) -> str:
    """What a person is told of an error that nobody raised on purpose: its kind and place.

    Its text is left out, because it may quote people's data.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "profiles_sync" in Path(frame.filename).parts] or frames
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    what = f"internal error: {type(error).__name__}{place}"
    return f"{what}; nothing is lost, the next run repeats it; please report this"
