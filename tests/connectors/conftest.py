"""A session with the connectors of Snowflake and BigQuery, made for Spark 3.5: a run of its own, by that lane.

.venv-spark-3/bin/python -m pytest -m standin tests/connectors
"""

import os
import subprocess
import sys

import pyspark
import pytest

from profiles_sync.warehouses.bigquery import connector as bigquery_connector
from profiles_sync.warehouses.snowflake import connector as snowflake_connector
from tests.bigquery_server import bigquery
from tests.lakes import Twin
from tests.snowflake_server import snowflake

BUCKET = "rows-on-their-way"
JARS = (bigquery_connector.JAR, snowflake_connector.JAR)


def pytest_collection_modifyitems(items):
    for item in items:
        if "/connectors/" in str(item.path):
            item.add_marker(pytest.mark.standin)
            item.add_marker(pytest.mark.timeout(900))
            if not pyspark.__version__.startswith("3.5"):
                item.add_marker(pytest.mark.skip(reason="the connectors are made for Spark 3.5"))


@pytest.fixture(scope="session")
def tls(tmp_path_factory):
    """A key, its certificate and a trust store for the JVM."""
    folder = tmp_path_factory.mktemp("tls")
    _run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {folder}/key.pem -out {folder}/cert.pem "
        "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
    )
    _run(
        f"keytool -importcert -noprompt -alias us -file {folder}/cert.pem -keystore {folder}/trust.p12 "
        "-storetype PKCS12 -storepass of-the-test"
    )
    return folder


def _run(command):
    subprocess.run(command.split(), check=True, capture_output=True)


@pytest.fixture(scope="session")
def session(tls, bigquery_by_tls, snowflake_server):
    """Spark with the connectors, which it fetches by their coordinates where it has them not.

    The servers outlive it: when it stops, Snowflake's connector ends its sessions, and tries that for minutes.
    A bucket is a folder that the stand-in finds under the same URL.
    """
    from pyspark.sql import SparkSession

    os.environ["NO_GCE_CHECK"] = "true"  # Google's libraries would ask the cloud's metadata addresses
    os.environ["PYSPARK_PYTHON"] = sys.executable  # tasks unpack Arrow, and the system's Python has none
    zone = "-Duser.timezone=America/New_York"  # Snowflake's connector writes times with the offset of its JVM's
    java = f"{zone} -Djavax.net.ssl.trustStore={tls / 'trust.p12'} -Djavax.net.ssl.trustStorePassword=of-the-test"
    made = (
        SparkSession.builder.master("local[2]")
        .config("spark.jars.packages", ",".join(JARS))
        .config("spark.driver.extraJavaOptions", java)
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.hadoop.fs.gs.impl", "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme")
        .config("spark.hadoop.fs.viewfs.overload.scheme.target.gs.impl", "org.apache.hadoop.fs.LocalFileSystem")
        .config(f"spark.hadoop.fs.viewfs.mounttable.{BUCKET}.linkFallback", bigquery_by_tls.bucket(BUCKET).as_uri())
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    yield made
    made.stop()


@pytest.fixture(scope="session")
def bigquery_by_tls(tls):
    with bigquery(tls) as server:
        yield server


@pytest.fixture(scope="session")
def snowflake_server():
    with snowflake() as server:
        yield server


@pytest.fixture
def twin(tmp_path, place):
    made = Twin(tmp_path)
    made.settings = made.settings.model_copy(update={"warehouses": {"local": place.settings}})
    return made
