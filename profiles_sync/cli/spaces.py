"""One command over the spaces of several settings files: one session, and a space that fails does not stop others."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from profiles_sync.cli.frame import EXIT, WRONG_USAGE, File, Json, print_json, tell
from profiles_sync.cli.outcome import Outcome, Show
from profiles_sync.errors import ProfilesSyncError, SettingsError
from profiles_sync.settings import Declared, Settings, load, spaces_of
from profiles_sync.terminal import overview

app = typer.Typer()
_BY_BADNESS = (0, EXIT["Partial success"], EXIT["Failed"], WRONG_USAGE)


def run_each(step: Callable[[Settings], Outcome], given: Sequence[Path], json: bool, show: Show) -> int:
    """Do the step for each space, one after the other; the session of the first that needs one is everybody's.

    Args:
        step: A run, or a step of it.
        given: Settings files, and folders of them.
        json: Whether one object is printed instead of text.
        show: Prints what came of one of them.

    Returns:
        The worst exit code.

    Raises:
        SettingsError: A folder has no settings; who asked for an object has got one.
    """
    spaces, codes = [], []
    for one in _declared(given, json):
        code, shown, read_by = _outcome(step, one, show)
        codes.append(code)
        named = {"settings": str(one.path), "space": one.settings.space.slug if one.settings else None}
        spaces.append(named | shown)
        if not json:
            overview.print_space(spaces[-1], read_by)
    worst = max(codes, key=_BY_BADNESS.index)
    if json:
        status = next(
            name for name, code in EXIT.items() if code == (EXIT["Failed"] if worst == WRONG_USAGE else worst)
        )
        print_json({"status": status, "spaces": spaces})
    return worst


def _declared(given: Sequence[Path], json: bool) -> Iterator[Declared]:
    try:
        yield from spaces_of(given)
    except SettingsError as error:
        if json:
            print_json({"status": "Failed", "spaces": [], "error": str(error)})
        raise


def _outcome(step: Callable[[Settings], Outcome], one: Declared, show: Show) -> tuple[int, dict[str, Any], Show]:
    from profiles_sync.lake.faults import explained
    from profiles_sync.sync.hourly import RunResult

    if one.settings is None:
        tell(one.error or "")
        return WRONG_USAGE, RunResult(error=one.error).shown(), overview.print_run
    try:
        result = step(one.settings)
        return EXIT[result.status], result.shown(), show
    except Exception as error:  # what one space runs into is not the others' concern
        what = str(error) if isinstance(error, ProfilesSyncError) else explained(error)
        tell(what)
        return EXIT["Failed"], RunResult(error=what).shown(), overview.print_run


@app.command()
def import_rules(
    source: Annotated[Path, typer.Option("--from", help="The settings file of the space that has the rules.")],
    settings: File,
    json: Json = False,
) -> None:
    """Copy the identity rules of another space into the settings of a new one."""
    from profiles_sync.control.policy import Right, ask
    from profiles_sync.lake.opening import lake_of
    from profiles_sync.settings.imported import import_rules as copied

    there, new = load(source), load(settings)
    ask(there, lake_of(there), Right.SEE, "import-rules")
    lake = lake_of(new)
    ask(new, lake, Right.CHANGE, "import-rules")
    if lake.public_tables():
        raise ProfilesSyncError(
            f"space {new.space.slug}: has resolved events by its own rules already; rules are imported into a new space"
        )
    rules = copied(source, settings)
    (print_json if json else overview.print_rules)({"identity": rules})
