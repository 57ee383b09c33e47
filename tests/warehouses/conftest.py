"""The servers that warehouse tests need, one of each per session."""

import pytest

from tests.bigquery_server import bigquery
from tests.redshift_server import redshift
from tests.servers import postgres
from tests.snowflake_server import snowflake
from tests.stores import s3_server


@pytest.fixture(scope="session")
def postgres_server():
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def bigquery_server():
    with bigquery() as server:
        yield server


@pytest.fixture(scope="session")
def staging_s3():
    """An S3 server for staged rows."""
    with s3_server() as variables:
        yield variables


@pytest.fixture(scope="session")
def redshift_cluster(postgres_server, staging_s3):
    with redshift(postgres_server, staging_s3) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def snowflake_server():
    with snowflake() as server:
        yield server
