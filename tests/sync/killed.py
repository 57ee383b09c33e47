"""A job that dies at a step, and people of whom nobody else knows."""

import pytest

from profiles_sync.control import backfills
from tests.sync.steps import call, job, recent


def people_of(who):
    """A profile of a device that no user is known of."""
    return [call("page", f"{who}1", anonymousId=f"a{who}") | {"receivedAt": recent(2)}]


class Killed(BaseException):
    """As SIGKILL: nothing of ours runs after it."""


def killed(twin, monkeypatch, step):
    """The job, until it comes to a step."""

    def dies(*given):
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(step, dies)
        job(twin)


def killed_after_staging(twin, monkeypatch):
    killed(twin, monkeypatch, "profiles_sync.sync.backfill.carrying_out.Sending")
    (one,) = backfills.backfills(twin.lake)
    assert one.status == "staged"
    assert set(one.staged) == set(one.tables)
