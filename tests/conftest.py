"""One SparkSession for the whole run, the marks for tests, and an environment without anybody's settings."""

import os

import pytest
from hypothesis import HealthCheck, settings

from profiles_sync.settings import ENV_PREFIX

settings.register_profile("default", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


# Where tests run the job itself. Each takes a second or so, and there are hundreds.
_LAKES = (
    "pipeline/test_",
    "sync/",
    "quality/",
    "control/",
    "docs/",
    "test_",
    "warehouses/test_duckdb",
    "warehouses/test_postgres",
    "warehouses/test_bigquery.py",
    "warehouses/test_snowflake.py",
    "warehouses/contract/",
)
_NO_LAKES = ("pipeline/test_digests", "pipeline/test_kernel")


def pytest_collection_modifyitems(items):
    for item in items:
        if "spark" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.spark)
        place = item.nodeid.removeprefix("tests/")
        if place.startswith(_LAKES) and not place.startswith(_NO_LAKES):
            item.add_marker(pytest.mark.lake)


@pytest.fixture(scope="session")
def spark():
    from profiles_sync.session import get_session

    session = get_session()
    yield session
    session.stop()


@pytest.fixture
def no_settings_in_the_environment(monkeypatch):
    for name in [name for name in os.environ if name.upper().startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)
