"""The servers that warehouse tests need, one of each per session."""

import pytest

from tests.servers import postgres


@pytest.fixture(scope="session")
def postgres_server():
    with postgres() as server:
        yield server
