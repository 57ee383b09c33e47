"""One SparkSession for the whole run, and the mark for the tests that use it."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("default", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


# Where tests run the job itself. Each takes a second or so, and there are hundreds.
_LAKES = ("pipeline/test_", "sync/", "control/", "test_", "warehouses/test_duckdb")
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
