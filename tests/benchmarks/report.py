"""What a person reads of the measures, and the JSON that keeps all of it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import typer
from rich.table import Table

from tests.benchmarks.measure import Answer, Goal, Result

_COLUMNS = ("", "what", "inputs", "seconds", "against", "seconds", "ratio", "goal", "met", "rows", "checksum", "notes")


class Kept:
    """The results so far, on disk after each of them: a run that is broken off keeps what it has."""

    def __init__(self, path: Path | None, made: Mapping[str, Any]) -> None:
        self.path, self.made = path, made
        self.results: list[Result] = []
        self.took: dict[int, dict[str, float]] = {}
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, result: Result) -> None:
        self.results.append(result)
        self.write()

    def over(self, measure: int, took: dict[str, float]) -> None:
        """A measure has ended; what all of it took."""
        self.took[measure] = took
        self.write()

    def write(self) -> None:
        """Anew beside the old one, which stays whole until then."""
        if not self.path:
            return
        shown = {**self.made, "what each measure took": self.took, "results": [one.shown() for one in self.results]}
        beside = self.path.with_suffix(".part")
        beside.write_bytes(orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))
        beside.replace(self.path)


def say(result: Result) -> None:
    """A result as soon as it is there."""
    times = f"{result.seconds:.2f} s, {result.ratio:.2f} x {result.against}"
    typer.echo(f"measure {result.measure}: {result.what}: {times}")
    typer.echo(f"    {_shown(result.answer)}; {result.against}: {_shown(result.against_answer)}")
    for note in _notes(result.notes):
        typer.echo(f"    {note}")


def table(results: Sequence[Result]) -> Table:
    made = Table(*_COLUMNS)
    for one in results:
        inputs = ", ".join(f"{value:,} {name}" for name, value in one.inputs.items() if name != "seed")
        made.add_row(
            str(one.measure),
            one.what,
            inputs,
            f"{one.seconds:.2f}",
            one.against,
            f"{one.against_seconds:.2f}",
            f"{one.ratio:.2f}",
            _goal(one.goal),
            "yes" if one.met else "no",
            f"{one.answer.rows:,}",
            one.answer.checksum,
            "\n".join(_notes({name: value for name, value in one.notes.items() if isinstance(value, int)})),
        )
    return made


def _notes(notes: Mapping[str, Any]) -> Iterator[str]:
    """The numbers among the notes and what was compared beside the times, those that belong together in one line."""
    for name, value in notes.items():
        if isinstance(value, Mapping) and (inner := ", ".join(_notes(value))):
            yield f"{name}: {inner}"
        elif isinstance(value, int | float):
            yield f"{name} {value:,}" if isinstance(value, int) else f"{name} {value:.2f}"
        elif isinstance(value, Answer):
            yield f"{name}: {_shown(value)}"


def _shown(answer: Answer) -> str:
    return f"{answer.rows:,} rows, checksum {answer.checksum}"


def _goal(goal: Goal) -> str:
    memory = f"\n<= {goal.memory / 1e9:g} GB" if goal.memory else ""
    return f"<= {goal.most:g} {goal.unit}{memory}"
