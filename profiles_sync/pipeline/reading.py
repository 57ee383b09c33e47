"""The files of a batch read by tasks, once: a run that goes on with the batch reads what was staged, not the files.

What could not be opened is handed back, and a later batch takes it. Only before the first write of a batch: once its
files are written down it has these, and each of them must be there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import orjson

from profiles_sync import __version__
from profiles_sync.errors import LakeError, SourceUnreachable
from profiles_sync.lake.base import Lake
from profiles_sync.pipeline import batches
from profiles_sync.pipeline.batches import Batch
from profiles_sync.pipeline.delta_source import is_mark
from profiles_sync.pipeline.parse import ParseTask, parse
from profiles_sync.pipeline.shares import shares
from profiles_sync.pipeline.staged import Parsed
from profiles_sync.pipeline.storage import made, resolve
from profiles_sync.settings import Settings

Run = Callable[[Callable[[ParseTask], str], Sequence[ParseTask], int], list[str]]


@dataclass(frozen=True)
class Reading:
    """A batch with the files that were read, what is staged of them, and what a person should know of the others."""

    batch: Batch
    parsed: list[Parsed]
    warnings: list[str]


def read_files(lake: Lake, settings: Settings, batch: Batch, run: Run) -> Reading:
    """Read a batch's files, or find what an earlier run staged of them; they are taken from now on.

    Args:
        lake: Where the batch is written down and its rows are staged.
        settings: The sources and the identity rules.
        batch: Its files are those that were found when it was opened.
        run: Carries out the tasks for so many bytes of input.

    Raises:
        LakeError: A source of the batch is not in the settings any more.
        SourceUnreachable: The batch is half written, and a file of it cannot be opened now.
    """
    batch, settled = batches.with_its_files(lake, batch)
    folder = lake.path(f"_staging/{batch.number}")
    _all_declared(settings, batch)
    key = _key(settings, batch, folder)
    parsed = _staged(folder, key, settled)
    if parsed is None:
        todo = _tasks(settings, batch, folder)
        parsed = [Parsed.from_json(text) for text in run(_parse, todo, batch.weight)]
        if settled:
            _all_there(batch, parsed)
        _stage(folder, key, parsed)
    reading = _without_those_away(batch, parsed)
    batches.remember_files(lake, reading.batch)
    return reading


def _parse(task: ParseTask) -> str:
    return parse(task).to_json()


def _all_declared(settings: Settings, batch: Batch) -> None:
    if missing := {file.source for file in batch.files} - settings.sources.keys():
        raise LakeError(
            f"batch {batch.number} was opened with files of source {min(missing)}, which the settings no longer "
            "declare; put it back, run once, and take it out again"
        )


def _tasks(settings: Settings, batch: Batch, folder: str) -> list[ParseTask]:
    sources = {source.slug: source for source in settings.declared_sources}
    return [
        ParseTask(files, sources[files[0].source], settings.rules, f"{folder}/parsed", piece)
        for files, piece in shares(batch.files)
    ]


def _all_there(batch: Batch, parsed: Sequence[Parsed]) -> None:
    for one in parsed:
        for path, why in one.away.items():
            raise SourceUnreachable(
                f"batch {batch.number} was begun with {path}, which cannot be opened now ({why}); put it back, the "
                "next run goes on with the batch"
            )


def _without_those_away(batch: Batch, parsed: Sequence[Parsed]) -> Reading:
    """Hand back what was away. Of a Delta table that is all there is: its versions are read in order."""
    source = {file.path: file.source for file in batch.files}
    away = {path: why for one in parsed for path, why in one.away.items() if path in source}
    waiting = {source[path] for path in away} & {file.source for file in batch.files if is_mark(file.path)}
    files = tuple(file for file in batch.files if file.path not in away and file.source not in waiting)
    kept = [one for one in parsed if one.source not in waiting and one.piece_of not in away]
    warnings = [
        f"source {source[path]}: {path} was not read ({why}); it is taken once it can be opened"
        for path, why in away.items()
    ] + [
        f"source {one.source}: {path} could not be read to its end ({why}), what stands before it is taken; put the "
        "whole file there under another name, events that are in both count once"
        for one in kept
        for path, why in one.broken.items()
    ]
    return Reading(replace(batch, files=files), kept, sorted(set(warnings)))


def _key(settings: Settings, batch: Batch, folder: str) -> dict[str, str]:
    """What the staged rows depend on; where that is another one, they are staged anew."""
    about = {"rules": settings.rules, "other": (__version__, settings.declared_sources, batch.files, folder)}
    return {name: sha256(repr(value).encode()).hexdigest() for name, value in about.items()}


def _stage(folder: str, key: dict[str, str], parsed: Sequence[Parsed]) -> None:
    filesystem, root = made(folder)
    with filesystem.open_output_stream(f"{root}/parsed.json") as out:
        out.write(orjson.dumps({"key": key, "parsed": parsed}))


def _staged(folder: str, key: dict[str, str], settled: bool) -> list[Parsed] | None:
    """What is staged. A batch that is half written goes on with it, whatever has changed but for the rules."""
    filesystem, root = resolve(folder)
    try:
        with filesystem.open_input_stream(f"{root}/parsed.json") as file:
            staged = orjson.loads(file.read())
    except (FileNotFoundError, orjson.JSONDecodeError):  # not staged, or killed at it
        return None
    holds = staged["key"]["rules"] == key["rules"] if settled else staged["key"] == key
    return [Parsed.from_dict(one) for one in staged["parsed"]] if holds else None
