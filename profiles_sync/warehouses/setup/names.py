"""How each engine spells a name and a text, so that neither can end early and become a command.

A name that cannot be written safely in an engine's client is refused. What is left is quoted.
"""

import re
from dataclasses import dataclass

from profiles_sync.errors import SettingsError

# Whoever holds one of these holds more than a sync may have, or is everybody.
_BUILT_IN = """
public none guest dbo sys root postgres rdsadmin accountadmin orgadmin securityadmin sysadmin useradmin
"""


@dataclass(frozen=True)
class Spelling:
    """How an engine spells things.

    Attributes:
        longest: Of a name, in bytes; a longer one would be cut in silence, and then be another name.
        opens: Begins a quoted name.
        closes: Ends it, and is doubled inside.
        never: What the engine's client replaces also inside quotes.
        text_prefix: In front of a text.
        upper: Whether a plain name means the one in capitals.
    """

    longest: int
    opens: str = '"'
    closes: str = '"'
    never: tuple[str, ...] = ()
    text_prefix: str = ""
    upper: bool = False

    def name(self, *parts: str) -> str:
        """A quoted name, from the outermost part to the innermost."""
        quoted = (self.plain(part).replace(self.closes, self.closes * 2) for part in parts)
        return ".".join(f"{self.opens}{part}{self.closes}" for part in quoted)

    def grantee(self, name: str) -> str:
        """The quoted name of a user or role that gets rights."""
        if name.lower() in _BUILT_IN.split() or name.lower().startswith("pg_"):
            raise SettingsError(f"name {name!r}: a built-in user or role; give the sync one of its own")
        return self.name(name)

    def text(self, value: str) -> str:
        """A quoted text."""
        return f"{self.text_prefix}'" + checked(value, ("\\", *self.never)).replace("'", "''") + "'"

    def plain(self, name: str) -> str:
        """The name itself, as the engine keeps it.

        Raises:
            SettingsError: It cannot be written safely.
        """
        checked(name, ("\\", *self.never))
        if len(name.encode()) > self.longest:
            raise SettingsError(f"name {name[:20]!r}...: longer than {self.longest} bytes, take a shorter one")
        return name.upper() if self.upper and re.fullmatch("[A-Za-z_][A-Za-z0-9_$]*", name) else name


POSTGRES = Spelling(longest=63)
REDSHIFT = Spelling(longest=127)
SNOWFLAKE = Spelling(longest=255, never=("&", "<%"), upper=True)
SYNAPSE = Spelling(longest=128, opens="[", closes="]", never=("$(",), text_prefix="N")
DATABRICKS = Spelling(longest=255, opens="`", closes="`")


def checked(name: str, never: tuple[str, ...] = ()) -> str:
    """The name, if it is one line of printable characters without any of `never`."""
    if not name.strip():
        raise SettingsError("name '': empty, give one")
    if not name.isprintable():
        raise SettingsError(f"name {name!r}: has characters that are not shown, such as line breaks; leave them out")
    for one in never:
        if one in name:
            raise SettingsError(f"name {name!r}: {one!r} cannot be written safely here, take a name without it")
    return name


def matching(what: str, pattern: str, name: str) -> str:
    """The name, if it has the form that the service asks for."""
    if not re.fullmatch(pattern, name):
        raise SettingsError(f"name {name!r}: not a {what}, expected {pattern}")
    return name
