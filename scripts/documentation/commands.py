"""Every command and its options, from the command line itself."""

from collections.abc import Iterator
from typing import Any

import typer

from profiles_sync.cli import app


def reference() -> str:
    """A heading for each command, below it its options."""
    return "\n".join(_of(typer.main.get_command(app), "profiles-sync"))


def _of(command: Any, name: str) -> Iterator[str]:  # noqa: ANN401 click's, which typer brings in one way or another
    if inner := getattr(command, "commands", None):
        for word, one in inner.items():
            yield from _of(one, f"{name} {word}")
        return
    shown = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
    yield from (f"### {name}", "", (command.help or "").strip(), "")
    if shown:
        yield from ("| | what it is |", "|---|---|")
    for parameter in shown:
        word = "/".join(parameter.opts) if parameter.param_type_name == "option" else parameter.name.upper()
        about = " ".join((getattr(parameter, "help", None) or "").split()).replace("|", "\\|")
        variables = [parameter.envvar] if isinstance(parameter.envvar, str) else list(parameter.envvar or ())
        more = f" Also `{'`, `'.join(variables)}`." if variables else ""
        yield f"| `{word}` | {about}{more}{' Required.' if parameter.required else ''} |"
    yield ""
