"""A server for the sync that is listened to."""

import pytest

from tests.servers import postgres


@pytest.fixture(scope="module")
def postgres_server():
    with postgres() as server:
        yield server
