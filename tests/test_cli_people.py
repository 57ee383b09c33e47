"""No command prints what an event says of a person: who may see syncs and settings need not be let see people."""

import pytest
import typer

from profiles_sync import cli
from tests.commands import EVENTS, SETTINGS, a_space, in_process

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
SECRETS = ("jane@example.com", "anonymous-of-jane", "user-of-jane", "plan-of-jane")
PEOPLE = [
    {**event, "anonymousId": "anonymous-of-jane", "userId": "user-of-jane"}
    | ({"traits": {"email": "jane@example.com", "plan": "plan-of-jane"}} if event["type"] == "identify" else {})
    for event in EVENTS
]
#: Quarantined, each with a value in what is wrong with it.
BROKEN = ['{"type": "page", "userId": "user-of-jane"', '{"type": "anonymous-of-jane", "userId": "user-of-jane"}']
BROKEN += ['{"type": "identify", "userId": "user-of-jane", "traits": "plan-of-jane"}']
BROKEN += ['{"type": "track", "event": "x", "userId": "u", "timestamp": "jane@example.com"}']
READS = [
    ("run",),
    ("plan",),
    ("status",),
    ("audit",),
    ("check",),
    ("upkeep",),
    ("warehouse", "list"),
    ("warehouse", "show", "local"),
    ("warehouse", "test", "local"),
    ("warehouse", "selection", "local"),
    ("warehouse", "materialize", "local"),
    ("backfill", "local"),
    ("rebuild", "--into", "anew"),
    ("quality", "show"),
    ("quality", "docs", "--into", "docs"),
]
#: They print what was changed of a warehouse, what another space's settings say, or SQL that is written without looking
#: at the lake. `queries run` shows people to those who may see them, and is tried in tests/queries, as the pages of the
#: console are in tests/console.
OTHERS = {
    ("import-rules",),
    ("schedule",),
    ("demo",),
    ("console",),
    ("console-password",),
    *(("warehouse", name) for name in ("add", "modify", "enable", "disable", "delete", "retype", "setup-sql")),
    ("quality", "release"),
    ("queries",),
}


def commands(group=None, before=()):
    """Every command there is, by its words."""
    group = group or typer.main.get_command(cli.app)
    for name, one in group.commands.items():
        yield from commands(one, (*before, name)) if hasattr(one, "commands") else [(*before, name)]


def test_every_command_is_looked_at_here():
    known = {words[:2] if words[0] in ("warehouse", "quality") else words[:1] for words in READS} | OTHERS
    assert {words[:1] if words[0] == "queries" else words for words in commands() if words[0] != "data-graph"} == known


def test_no_command_prints_a_persons_identifiers_or_traits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = a_space(tmp_path, SETTINGS, [*PEOPLE, *BROKEN])
    for words in READS:
        for how in ((), ("--json",)):
            code, out, err = in_process(*words, "--settings", settings, *how)
            assert (words, [one for one in SECRETS if one in out + err]) == (words, [])
            assert code in (0, 1), (words, err)
