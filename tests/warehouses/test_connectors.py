"""`load: connector` without a JVM: what a connector is told, what its errors become, and who gets a session."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError

from profiles_sync.errors import AnotherLake, WarehouseRefused, WarehouseUnreachable
from profiles_sync.warehouses import BigQuerySettings, SnowflakeSettings, open_warehouse
from profiles_sync.warehouses.bigquery import connector as bigquery
from profiles_sync.warehouses.frames import carried, framed, session_for
from profiles_sync.warehouses.snowflake import connector as snowflake

SNOWFLAKE = {"type": "snowflake", "account": "acme-eu1", "username": "U", "database": "D", "warehouse": "W"}
BIGQUERY = {"type": "bigquery", "project": "acme-1", "location": "EU"}


def test_native_is_the_default_and_indirect_needs_a_bucket():
    assert BigQuerySettings(**BIGQUERY).load == SnowflakeSettings(**SNOWFLAKE, password="x").load == "native"
    with pytest.raises(ValidationError, match="write_method: indirect needs temporary_bucket"):
        BigQuerySettings(**BIGQUERY, load="connector", write_method="indirect")


def test_bigquerys_connector_is_told_project_place_key_bucket_and_labels():
    fields = {"credentials": "/k.json", "temporary_bucket": "b-1", "write_method": "indirect", "labels": {"team": "x"}}
    assert bigquery.options(BigQuerySettings(**BIGQUERY, **fields, timeout=9), "pages") == {
        "writeMethod": "indirect",
        "parentProject": "acme-1",
        "temporaryGcsBucket": "b-1",
        "credentialsFile": "/k.json",
        "location": "EU",
        "httpConnectTimeout": "9000",
        "httpReadTimeout": "9000",
        "bigQueryJobLabel.product": "profiles-sync",
        "bigQueryJobLabel.team": "x",
        "bigQueryJobLabel.table": "pages",
    }


def test_nobody_tells_a_plain_endpoint_who_asks():
    told = bigquery.options(
        BigQuerySettings(**BIGQUERY, endpoint="http://127.0.0.1:1", storage_endpoint="localhost:2"), "pages"
    )
    assert (told["gcpAccessToken"], told["bigQueryHttpEndpoint"]) == ("anonymous", "http://127.0.0.1:1")
    assert told["bigQueryStorageGrpcEndpoint"] == "localhost:2"
    assert "credentialsFile" not in told


@pytest.mark.parametrize("phrase", [None, "of-the-key"])
def test_snowflakes_connector_gets_the_key_without_its_passphrase(tmp_path, phrase):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    locked = serialization.BestAvailableEncryption(phrase.encode()) if phrase else serialization.NoEncryption()
    (tmp_path / "k.p8").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, locked))
    settings = SnowflakeSettings(
        **SNOWFLAKE, private_key_path=str(tmp_path / "k.p8"), private_key_passphrase=phrase, role="R"
    )
    told = snowflake.options(settings)
    body = "\n".join(("-----BEGIN PRIVATE KEY-----", told.pop("pem_private_key"), "-----END PRIVATE KEY-----"))
    again = serialization.load_pem_private_key(body.encode(), None)
    assert again.private_numbers() == key.private_numbers()
    assert told == {
        "sfURL": "acme-eu1.snowflakecomputing.com:443",
        "sfAccount": "acme-eu1",
        "sfUser": "U",
        "sfDatabase": "D",
        "sfSchema": "_PROFILES_SYNC",
        "sfWarehouse": "W",
        "sfRole": "R",
        "sfSSL": "on",
        "sfTimezone": "UTC",
        "column_mapping": "name",
        "keep_column_case": "on",
        "usestagingtable": "off",
        "truncate_columns": "on",
    }


def test_a_key_that_is_none_is_refused_and_not_quoted(tmp_path):
    (tmp_path / "k.p8").write_text("hunter2")
    settings = SnowflakeSettings(**SNOWFLAKE, private_key_path=str(tmp_path / "k.p8"))
    with pytest.raises(WarehouseRefused, match="cannot be read: ValueError; see private_key_path") as told:
        snowflake.options(settings)
    assert "hunter2" not in str(told.value)


def test_snowflake_keeps_the_instant_whatever_the_zone_of_the_executors():
    kinds = {"id": "VARCHAR", "at": "TIMESTAMP_NTZ"}
    source = '(SELECT "ID", CAST("AT" AS TIMESTAMP_NTZ) AS "AT" FROM "_PROFILES_SYNC"."T")'
    assert snowflake.read_as(kinds, '"_PROFILES_SYNC"."T"') == source


@pytest.mark.parametrize("settings", [BigQuerySettings(**BIGQUERY), SnowflakeSettings(**SNOWFLAKE, password="x")])
def test_without_a_session_it_is_refused_before_anybody_is_asked(settings):
    warehouse = open_warehouse("wh", settings.model_copy(update={"load": "connector"}), "acme")
    with pytest.raises(WarehouseRefused, match="wh: load: connector needs Spark"), warehouse.connect():
        pass


class Session:
    """As much of a session as is asked for: its settings."""

    conf: dict

    def __init__(self):
        self.conf = type("Conf", (dict,), {"set": dict.__setitem__})()


def test_sparks_pages_hide_what_a_connector_is_given():
    import re

    hidden = session_for("wh", Session).conf["spark.sql.redaction.options.regex"]
    for option in ("pem_private_key", "sfPassword", "gcpAccessToken", "credentials", "sfURL"):
        assert re.search(hidden, option), option
    assert not re.search(hidden, "dbtable")


def test_compute_that_lets_nobody_hide_secrets_is_given_none():
    class Serverless:
        class conf:
            @staticmethod
            def set(name, value):
                raise RuntimeError(f"[CONFIG_NOT_AVAILABLE] Configuration {name} is not available.")

    with pytest.raises(WarehouseRefused, match=r"wh: load: connector needs .* as serverless does.* load: native"):
        session_for("wh", Serverless)


def test_columns_get_the_warehouses_names_in_their_order():
    class Rows:
        columns = ("id", "group", "_op")

        def toDF(self, *names):
            return names

    batch = type("Batch", (), {"spark": lambda self, session: Rows()})()
    assert framed(batch, None, {"id": "id", "group": "_group"}) == ("id", "_group", "_op")


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        (
            "[DATA_SOURCE_NOT_FOUND] Failed to find the data source: bigquery",
            WarehouseRefused,
            "spark.jars.packages=x:y",
        ),
        ("at a.B\nCaused by: io.grpc.StatusRuntimeException: UNAVAILABLE: io exception", WarehouseUnreachable, "went"),
        ("An error\nCaused by: a.B: value 'ann@example.com' is no number\n\tat c", WarehouseRefused, "value … is no"),
    ],
)
def test_its_errors_become_ours_without_peoples_data(text, kind, told):
    with pytest.raises(kind, match=told) as raised, carried("bigquery", "x:y"):
        raise RuntimeError(text)
    assert "ann@" not in str(raised.value)


def test_an_error_of_ours_stays_as_it_is():
    with pytest.raises(AnotherLake, match="another"), carried("bigquery", "x:y"):
        raise AnotherLake("another")
