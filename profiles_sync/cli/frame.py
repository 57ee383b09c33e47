"""What every command shares: options, exit codes, and how an error is told."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from profiles_sync.errors import ProfilesSyncError, SettingsError
from profiles_sync.settings import ENV_PREFIX, Settings
from profiles_sync.watching import logs

_log = logging.getLogger(__name__)
EXIT = {"Success": 0, "Partial success": 3, "Failed": 1}
WRONG_USAGE = 2

File = Annotated[Path, typer.Option("--settings", help="The space's settings file.", envvar="PROFILES_SYNC_SETTINGS")]
#: Of a step that can be done for many spaces; in the variable they are separated as in PATH.
Files = Annotated[
    list[Path],
    typer.Option(
        "--settings",
        help="The space's settings file, or a folder of such files; may be given again.",
        envvar="PROFILES_SYNC_SETTINGS",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def _asked(form: str | None) -> str | None:
    """Before the settings are read, which may be what is wrong."""
    logs.set_up("json" if form == "json" else "text")
    return form


LogFormat = Annotated[
    Literal["text", "json"] | None,
    typer.Option(
        "--log-format",
        help="Log on the standard error: json is one object on each line. Else as in the settings.",
        envvar=f"{ENV_PREFIX}LOG__FORMAT",
        callback=_asked,
    ),
]
screen = Console(stderr=True)


@contextmanager
def in_one_line() -> Iterator[None]:
    """A deliberate error is one line and an exit code."""
    try:
        yield
    except SettingsError as error:
        raise SystemExit(_told(str(error), WRONG_USAGE)) from None
    except ProfilesSyncError as error:
        raise SystemExit(_told(str(error), EXIT["Failed"])) from None
    except Exception as error:
        from profiles_sync.lake.faults import explained

        _log.debug("command", exc_info=True)
        raise SystemExit(_told(explained(error), EXIT["Failed"])) from None


def listen(settings: Settings, form: Literal["text", "json"] | None = None) -> None:
    """Have logs written as the settings say, unless the command line says otherwise."""
    logs.set_up(form or settings.log.format, settings.log.level)


def say(what: str) -> None:
    """Tell in one line what is going on; `what` may have rich's marks."""
    if logs.is_json():
        _log.info("%s", Text.from_markup(what).plain)
    else:
        screen.print(what, highlight=False, soft_wrap=True)


def tell(what: str) -> None:
    """Say in one line what is wrong."""
    if logs.is_json():
        _log.error("%s", what)
        return
    screen.print(f"[red]error:[/] {escape(what)}", highlight=False, soft_wrap=True)


def _told(what: str, code: int) -> int:
    tell(what)
    return code


def print_json(shown: dict[str, Any]) -> None:
    """One object on the standard output."""
    print_text(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode() + "\n")


def print_text(text: str) -> None:
    """Text on the standard output as it is, at once."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        raise ProfilesSyncError(f"cannot write to the standard output: {error.strerror}") from None
