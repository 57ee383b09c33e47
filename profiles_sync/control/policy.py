"""Who may do what. Every command asks here, and a refusal is written to the control log.

Source: Segment, "Profiles Sync Setup", section "Profiles Sync roles", and "Set up Selective Sync" for the owner.
"""

import getpass
import logging
import os
from collections.abc import Mapping
from enum import StrEnum

from profiles_sync.control.log import note
from profiles_sync.errors import Denied
from profiles_sync.lake.base import Lake
from profiles_sync.settings import Role, Settings

USER = "PROFILES_SYNC_USER"
_log = logging.getLogger(__name__)


class Right(StrEnum):
    """What a command may need; the values finish the sentence "… may not"."""

    SEE = "see the history and the settings"
    CHANGE = "change the settings or start a sync"
    SELECT = "change what is synced"
    SEE_PEOPLE = "see or export people's data"


_ADMINS = frozenset({Role.ADMIN, Role.OWNER})
GRANTED: Mapping[Right, frozenset[Role]] = {
    Right.SEE: frozenset(Role),
    Right.CHANGE: _ADMINS,
    Right.SELECT: frozenset({Role.OWNER}),
    Right.SEE_PEOPLE: _ADMINS,
}


def whoami(environ: Mapping[str, str] = os.environ) -> str:
    """Who runs this: as a variable says, else the user of the operating system."""
    if said := environ.get(USER):
        return said
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"


def may(settings: Settings, who: str, right: Right) -> bool:
    """Whether somebody may do something; without roles in the settings everybody may do everything."""
    return not settings.roles or bool(GRANTED[right].intersection(settings.roles.get(who, ())))


def ask(settings: Settings, lake: Lake, right: Right, command: str, who: str | None = None) -> str:
    """Who asks, where they may.

    Args:
        settings: With the roles.
        lake: Whose control log is told of a refusal.
        right: That the command needs.
        command: For the log, such as `warehouse disable pg`; no secret.
        who: Asks; else whoever runs this.

    Raises:
        Denied: They may not.
    """
    who = whoami() if who is None else who
    if may(settings, who, right):
        return who
    try:
        note(lake, who, "denied", "command", command, {"right": right.name})
    except Exception:  # who may not shall not, also where nothing can be written down
        _log.debug("a refusal could not be written down", exc_info=True)
    has = " and ".join(settings.roles.get(who, ())) or "no role"
    needs = " or ".join(role for role in Role if role in GRANTED[right])
    raise Denied(f"{command}: {who} may not {right}; that takes the role {needs}, and roles: gives {who} {has}")
