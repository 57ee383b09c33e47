"""A warehouse's schema is compared as the warehouse keeps its name."""

import pytest

from profiles_sync.settings import load
from profiles_sync.sync.schemas import refused
from profiles_sync.warehouses import open_warehouse
from tests.commands import SETTINGS, written

REDSHIFT = "type: redshift, host: h, database: d, username: u, password: x, s3_bucket: rows"
POSTGRES = "type: postgres, host: h, port: 1, database: d, username: u, password: x"
TWO = SETTINGS.replace("  website:", "  2026-web: {id: source_9, name: Web, path: ./web/}\n  website:")


def why(tmp_path, fields, schema, first):
    """Why a warehouse is not synced to a schema."""
    settings = load(written(tmp_path, TWO, f"  w: {{{fields}, schema: {schema}}}\n"))
    return refused(open_warehouse("w", settings.warehouses["w"], settings.schema_name), first, settings)


@pytest.mark.parametrize("schema", ["Website", "2026-Web", "2026_web"])
def test_a_source_and_a_schema_that_would_be_one_in_the_warehouse_have_one_name(tmp_path, schema):
    assert "is called like the source" in why(tmp_path, REDSHIFT, schema, {})
    assert why(tmp_path, REDSHIFT, "web", {}) is None


def test_other_capitals_are_another_schema_only_where_they_matter(tmp_path):
    assert why(tmp_path, REDSHIFT, "Acme", {"w": "acme"}) is None
    assert "its schema is acme since its first sync and cannot become Acme" in why(
        tmp_path, POSTGRES, "Acme", {"w": "acme"}
    )


def test_the_sync_records_schema_cannot_be_had_in_capitals_either(tmp_path):
    with pytest.raises(Exception, match="the sync record lives in that schema"):
        why(tmp_path, REDSHIFT, "_Profiles_Sync", {})
