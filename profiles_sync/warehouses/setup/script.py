"""A set-up as a value: steps with their commands, in the one language that the admin's client reads."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One command. `text` is what the client reads; `sql` is the statement in it, if it has one."""

    text: str
    sql: str | None = None


@dataclass(frozen=True)
class Step:
    """One step: what it is for, what a person has to know or do by hand, and the commands."""

    title: str
    notes: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True)
class Script:
    """A set-up. `comment` begins a comment in its language; `first` are the client's own settings."""

    title: str
    comment: str
    notes: tuple[str, ...] = ()
    first: tuple[Command, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def statements(self) -> Iterator[str]:
        """Every SQL statement, in order."""
        for step in self.steps:
            yield from (command.sql for command in step.commands if command.sql)

    def text(self) -> str:
        """The script as a file; names cannot hold a line break, so a comment ends where it should."""
        blocks = [[self._said(self.title), *map(self._said, self.notes)]]
        if self.first:
            blocks.append([command.text for command in self.first])
        for number, step in enumerate(self.steps, 1):
            said = [self._said(f"{number}. {step.title}"), *(self._said(f"   {note}") for note in step.notes)]
            blocks.append(said + [command.text for command in step.commands])
        return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"

    def _said(self, line: str) -> str:
        return f"{self.comment} {line}".rstrip()


def sql(statement: str) -> Command:
    """A statement, ended by a semicolon."""
    return Command(f"{statement};", statement)


def client(text: str) -> Command:
    """A command of the client's own, or of the shell."""
    return Command(text)
