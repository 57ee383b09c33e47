"""A space with people in it, and the console as each role sees it."""

import json
import re

import pytest
from fastapi.testclient import TestClient

from profiles_sync.console.app import application
from profiles_sync.console.safety import LOOPBACK
from profiles_sync.control.policy import USER
from profiles_sync.generator.case_study import case_study_events
from profiles_sync.settings import load
from profiles_sync.sync.hourly import run
from tests import commands
from tests.commands import written

ANN, BOB, EVE, OWEN, NOBODY = "ann", "bob", "eve", "owen", "nobody"
#: Who may see people's data, and who may not.
ADMINS, READERS = (ANN, OWEN), (BOB, EVE)
ADDED = """\
  cluster: {type: redshift, host: 127.0.0.1, port: 1, database: acme, username: segment, password: s3cret,
    s3_bucket: acme-staging, connect_timeout: 2, enabled: false, selective: {user_traits: off, track-tables: off}}
roles:
  ann: [Unify and Engage Admin]
  owen: [Unify and Engage Admin, Workspace Owner]
  bob: [Unify and Engage read-only]
  eve: [Unify read-only and Engage user]
"""
SETTINGS = commands.SETTINGS + ADDED
_AT = "2022-06-22T11:00:00Z"
EVENTS = [
    *case_study_events(),
    {"type": "track", "event": "Order Completed", "userId": "u-77", "messageId": "order_1", "receivedAt": _AT}
    | {"properties": {"total": 5, "coupon": "spring"}},
    {"type": "identify", "userId": "u-77", "messageId": "who_1", "receivedAt": _AT}
    | {"traits": {"phone": "+49 30 1234", "plan": "pro", "email": "ute@example.com"}},
    {"type": "page", "anonymousId": "null", "messageId": "nobody_1", "receivedAt": _AT},
    "no JSON",
]
#: Values that only who may see people's data may ever be sent.
SECRETS = ("jane.kim@segment.com", "5285bc35-05ef-4d21", "u-77", "+49 30 1234", "ute@example.com", "s3cret")


class Client(TestClient):
    """Somebody's browser: forms have the token that the pages carry."""

    def __init__(self, app, who=ANN):
        super().__init__(app, headers={"x-who": who})

    def sends(self, path, /, **fields):
        token = re.search(r'name="csrf" value="(\w+)"', self.get("/identity").text)
        return self.post(path, data={**fields, "csrf": token[1] if token else ""})


def console(path):
    """The application, for which the one who asks is named by a header."""
    return application(load(path), lambda request: request.headers["x-who"], (*LOOPBACK, "testserver"))


@pytest.fixture(scope="session")
def people(tmp_path_factory):
    """The path of the settings; the job has run."""
    folder = tmp_path_factory.mktemp("people")
    (folder / "events" / "website").mkdir(parents=True)
    lines = [one if isinstance(one, str) else json.dumps(one) for one in EVENTS]
    (folder / "events" / "website" / "first.jsonl").write_text("\n".join(lines) + "\n")
    path = written(folder, SETTINGS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(USER, ANN)
        assert run(load(path), lambda: pytest.fail("so few events need no Spark")).status == "Success"
    return path
