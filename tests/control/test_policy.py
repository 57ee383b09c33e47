"""Roles: who has none of them may do nothing, each command asks, and a refusal is told and written down."""

import json

import pytest

from profiles_sync.control.log import Log
from profiles_sync.control.policy import GRANTED, USER, Right, ask, may, whoami
from profiles_sync.errors import Denied
from profiles_sync.lake.opening import lake_of
from profiles_sync.settings import Role, load
from tests.commands import SETTINGS, a_space, in_process, written

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
ROLES = """\
roles:
  ann: Unify and Engage Admin
  bob: Unify and Engage read-only
  cy: [Unify read-only and Engage user]
  di: [Workspace Owner, Unify and Engage Admin]
"""
SEEING = [("status",), ("plan",), ("check",), ("audit",), ("warehouse", "list"), ("warehouse", "show", "local")]
CHANGING = [
    ("run",),
    ("upkeep",),
    ("schedule", "--runs", "1"),
    ("rebuild", "--into", "elsewhere"),
    *(("warehouse", what, "local") for what in ("add", "test", "enable", "disable")),
    ("warehouse", "delete", "local", "--yes"),
]


def test_without_roles_everybody_is_admin_and_owner(tmp_path):
    settings = load(written(tmp_path, SETTINGS))
    assert all(may(settings, "anybody", right) for right in Right)


@pytest.mark.parametrize(
    ("who", "rights"),
    [
        ("ann", {Right.SEE, Right.CHANGE, Right.SEE_PEOPLE}),
        ("bob", {Right.SEE}),
        ("cy", {Right.SEE}),
        ("di", set(Right)),
        ("eve", set()),
    ],
)
def test_who_may_do_what(tmp_path, who, rights):
    settings = load(written(tmp_path, SETTINGS, ROLES))
    assert {right for right in Right if may(settings, who, right)} == rights


def test_every_right_is_somebody_s():
    assert GRANTED.keys() == set(Right)
    assert all(GRANTED.values())


def test_who_asks_is_the_variable_s_user_or_the_system_s(monkeypatch):
    assert whoami({USER: "ann"}) == "ann"
    monkeypatch.setenv("LOGNAME", "bob")
    assert whoami({}) == "bob"


def test_a_refusal_names_the_role_and_is_written_down(tmp_path):
    settings = load(written(tmp_path, SETTINGS, ROLES))
    lake = lake_of(settings)
    assert ask(settings, lake, Right.CHANGE, "run", "ann") == "ann"
    with pytest.raises(Denied) as refused:
        ask(settings, lake, Right.CHANGE, "warehouse disable pg", "bob")
    assert str(refused.value) == (
        "warehouse disable pg: bob may not change the settings or start a sync; that takes the role Unify and Engage "
        "Admin or Workspace Owner, and roles: gives bob Unify and Engage read-only"
    )
    with pytest.raises(Denied, match="roles: gives eve no role"):
        ask(settings, lake, Right.SEE, "status", "eve")
    assert [(one.who, one.action, one.name) for one in Log.read(lake).changes] == [
        ("bob", "denied", "warehouse disable pg"),
        ("eve", "denied", "status"),
    ]


def test_a_refusal_that_cannot_be_written_down_is_still_one(tmp_path):
    settings = load(written(tmp_path, SETTINGS, ROLES))
    (tmp_path / "lake").write_text("no folder")
    with pytest.raises(Denied):
        ask(settings, lake_of(settings), Right.SEE, "status", "eve")


@pytest.mark.parametrize("words", SEEING + CHANGING, ids=" ".join)
def test_every_command_asks(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    settings = a_space(tmp_path, SETTINGS + ROLES)
    monkeypatch.setenv(USER, "eve" if words in SEEING else "bob")
    code, _, err = in_process(*words, "--settings", settings)
    assert (code, err.count("\n")) == (1, 1)
    assert "may not" in err
    assert not (tmp_path / "acme.duckdb").exists()
    (change,) = Log.read(lake_of(load(settings))).changes
    assert (change.action, change.name) == ("denied", " ".join(words[:3] if words[0] == "warehouse" else words[:1]))


def test_who_may_see_sees(tmp_path, monkeypatch):
    settings = a_space(tmp_path, SETTINGS + ROLES)
    monkeypatch.setenv(USER, "bob")
    for words in SEEING:
        assert in_process(*words, "--settings", settings, "--json")[0] == 0
    monkeypatch.setenv(USER, "ann")
    assert in_process("warehouse", "disable", "local", "--settings", settings)[0] == 0
    changes = json.loads(in_process("audit", "--settings", settings, "--json")[1])["changes"]
    assert [(one["who"], one["action"]) for one in changes] == [("ann", "disabled")]


def test_a_role_that_there_is_none_of_is_told(tmp_path):
    code, _, err = in_process("status", "--settings", written(tmp_path, SETTINGS, "roles: {ann: Boss}\n"))
    assert code == 2
    assert "roles.ann.0: expected 'Unify and Engage read-only'" in err
    assert len(Role) == 4
