"""The statements for Databricks on open Delta by Spark: words, the list of columns, the record, whose turn it is."""

import threading
from types import SimpleNamespace

import pytest

from profiles_sync.errors import WarehouseBusy, WarehouseUnreachable
from profiles_sync.sync.retyping import Asked, made_wider
from profiles_sync.sync.run import Bounds, sync_warehouse
from profiles_sync.warehouses.base import BEGUN, INTERNAL, Cursor
from profiles_sync.warehouses.databricks import CAPABILITIES
from profiles_sync.warehouses.databricks.spark import SparkConnection
from tests.lakes import Twin
from tests.sync.steps import bought, call
from tests.warehouses.contract.places import DatabricksPlace
from tests.warehouses.contract.steps import sync


@pytest.fixture
def place(spark, tmp_path):
    made = DatabricksPlace(tmp_path, spark)
    yield made
    made.close()


def test_every_word_of_sparks_that_is_not_reserved_names_a_column_without_backticks(spark):
    words = {row[0].lower() for row in spark.sql("SELECT keyword FROM sql_keywords()").collect()}
    assert {"null", "true", "false"} <= words & CAPABILITIES.reserved
    free = sorted(words - CAPABILITIES.reserved)
    named = ", ".join(f"'{word}' AS `{word}`" for word in free)
    assert spark.sql(f"SELECT {', '.join(free)} FROM (SELECT {named})").collect() == [tuple(free)]


def test_a_catalog_that_lists_its_columns_is_asked_for_them(place, spark):
    spark.sql("CREATE TABLE spark_catalog.acme.there (n INT, t STRING) USING DELTA")
    with place.open().connect() as connection:
        assert connection.columns("acme") == {"there": {"n": "int", "t": "string"}}
        assert connection.columns("nowhere") == {}
        spark.sql("CREATE SCHEMA spark_catalog.information_schema")
        try:
            spark.sql(
                "CREATE TABLE spark_catalog.information_schema.columns USING PARQUET AS SELECT * FROM VALUES "
                "('acme', 'told', 'b', 'DECIMAL(3,1)', 2), ('acme', 'told', 'a', 'STRING', 1), ('x', 'y', 'z', '', 1)"
                " AS v(table_schema, table_name, column_name, full_data_type, ordinal_position)"
            )
            assert connection.columns("acme") == {"told": {"a": "string", "b": "decimal(3,1)"}}
        finally:
            spark.sql("DROP SCHEMA spark_catalog.information_schema CASCADE")


def test_a_text_with_a_length_loses_it_in_place(place, spark):
    spark.sql("CREATE TABLE spark_catalog.acme.bought (id STRING, note VARCHAR(3)) USING DELTA")
    spark.sql("INSERT INTO spark_catalog.acme.bought VALUES ('m1', 'abc')")
    lake = SimpleNamespace(public_tables=lambda: ["bought"], types=lambda name: {"id": "string", "note": "string"})
    assert made_wider(place.open(), lake, Asked("bought", "note", "varchar")).was == "varchar(3)"
    assert place.columns()["bought"] == {"id": "string", "note": "string"}
    spark.sql("INSERT INTO spark_catalog.acme.bought VALUES ('m2', 'abcd')")
    assert sorted(place.rows("bought", ["note"])) == [("abc",), ("abcd",)]


def test_the_record_moves_only_from_where_the_sync_began(place):
    sql, first, second = place.open().dialect, Cursor("a", BEGUN), Cursor("it's", 4, "c\\")
    with place.open().connect() as connection:
        connection.execute(*sql.create_schema(INTERNAL), *sql.create_cursors("acme"))
        connection.execute(*sql.create_cursors("other"))

        def moved(before, now):
            return connection.execute(*sql.move_cursors("acme", before, now, "1"))

        assert moved({}, {"pages": first, "tracks": first}) == 2
        assert moved({"pages": first}, {"pages": second, "tracks": second}) == 1  # tracks stands, and nobody said so
        assert moved({"pages": first, "gone": first}, {"pages": second, "gone": second}) == 0
        assert sorted(map(tuple, connection.query(sql.read_cursors("acme")))) == [
            ("pages", "it's", 4, "c\\"),
            ("tracks", "a", BEGUN, ""),
        ]
        assert connection.query(sql.read_cursors("other")) == []


def test_one_owner_has_a_schema_until_its_time_is_over(place):
    sql = place.open().dialect
    with place.open(patience=0).connect() as connection:
        with connection.only_sync("acme"):
            assert connection.execute(*sql.claim("acme", "another", 60)) == 0
            with pytest.raises(WarehouseBusy, match="another sync of schema acme"), connection.only_sync("acme"):
                pass
            with connection.only_sync("other"):
                assert connection.query(sql.read_cursors("acme")) == []
        assert connection.execute(*sql.claim("acme", "killed", 0)) == 1
        assert connection.execute(*sql.claim("acme", "next", 60)) == 1
        assert connection.execute(*sql.let_go("acme", "killed")) == 0


@pytest.mark.standin
@pytest.mark.parametrize("broken", ["INSERT OVERWRITE", "SELECT count(*)"])
def test_a_table_is_replaced_in_one_commit_and_whoever_reads_meanwhile_finds_all_rows(
    place, tmp_path, monkeypatch, broken
):
    twin = Twin(tmp_path, spark=place.session)
    twin.land([bought("m1"), bought("m2"), call("identify", "i1", 3, userId="u1", traits={"a": 1})])
    assert sync(twin, place).status == "Success"
    tables = ("bought", "user_traits")
    found = {name: place.rows(name, ["received_at"]) for name in tables}
    place.run(f"DELETE FROM {place.quote('acme', 'bought')} WHERE id = 'm2'")
    place.run(f"INSERT INTO {place.quote('acme', 'bought')} (id) VALUES ('not ours')")
    run, read = SparkConnection._rows, []

    def looking(self, statement):
        if statement.startswith(broken):
            raise WarehouseUnreachable("gone")
        done = run(self, statement)
        if statement.startswith(("DELETE", "INSERT", "MERGE")):
            read.extend(len(place.rows(name, ["received_at"])) for name in tables)
        return done

    whole = Bounds(whole=tables)
    with monkeypatch.context() as patched:
        patched.setattr(SparkConnection, "_rows", looking)
        assert sync_warehouse(place.open(), twin.lake, "2", bounds=whole).status == "Failed"
    assert read
    assert set(read) <= {1, 2}
    assert sync_warehouse(place.open(), twin.lake, "3", bounds=whole).status == "Success"
    assert {name: sorted(place.rows(name, ["received_at"])) for name in tables} == {
        name: sorted(rows) for name, rows in found.items()
    }


@pytest.mark.standin
def test_of_many_that_want_a_schema_at_once_one_has_it(place):
    with place.open(patience=0).connect() as connection:
        connection.execute(*place.open().dialect.create_schema(INTERNAL), *place.open().dialect.create_cursors("acme"))
        have, told, all_asked = [], [], threading.Barrier(4)

        def ask():
            try:
                with connection.only_sync("acme"):
                    have.append(1)
                    all_asked.wait(300)
            except WarehouseBusy as busy:
                told.append(busy)
                all_asked.wait(300)

        asking = [threading.Thread(target=ask) for _ in range(4)]
        for one in asking:
            one.start()
        for one in asking:
            one.join()
    assert (len(have), len(told)) == (1, 3)
