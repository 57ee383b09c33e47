"""What every command shares: options, exit codes, and how an error is told."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape

from profiles_sync.errors import ProfilesSyncError, SettingsError

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


def tell(what: str) -> None:
    """Say in one line what is wrong."""
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
