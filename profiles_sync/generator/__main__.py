"""`python -m profiles_sync.generator --events 50000 --seed 7 --hours 24 --out DIR`."""

from pathlib import Path
from typing import Annotated

import typer

from profiles_sync.generator.stream import Shape
from profiles_sync.generator.write import write_events


def generate(
    out: Annotated[Path, typer.Option(help="Where the sources' folders are made.")],
    events: int = 50_000,
    seed: int = 7,
    hours: int = 24,
) -> None:
    """Write a seeded stream of events, one folder per source."""
    written = write_events(out, Shape(events=events, seed=seed, hours=hours))
    typer.echo(f"{written.lines:,} lines in {written.files} files, {written.size:,} bytes")


if __name__ == "__main__":
    typer.run(generate)
