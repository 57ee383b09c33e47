"""Segment's published dbt models beside ours, over the same raw tables: `make dbt-compare CHECKOUT=path`.

Takes a checkout of github.com/segmentio/profiles-sync-dbt, runs it and our package on a DuckDB file that the main job
filled, once from nothing and once after merges and late events, and counts how the rows differ and why. It fails where
ours are not the lake's, and where a difference has no reason that we know.
"""

import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console

from profiles_sync.generator.case_study import case_study_events
from profiles_sync.terminal.overview import table
from profiles_sync.warehouses import DuckDBSettings
from tests.dbt.running import Dbt, driver, duckdb_output
from tests.lakes import Twin
from tests.sync.steps import job, stream
from tests.warehouses.contract.places import DuckDBPlace

KEYS = {"id_graph": "segment_id", "external_id_mapping": "external_id_hash", "profile_traits": "canonical_segment_id"}
SAME, NO_REASON = "the same", "no reason that we know"
#: Columns of theirs that say when dbt ran, or of the raw row; nobody expects them in ours.
LEFT_OUT = {"etl_ts", "segment_id"}
BATCHES = {"a first run": [*case_study_events(), *stream(1, 1500, day=3)], "a later run": stream(2, 1500)}
_DATEADD = """
{% macro duckdb__dateadd(datepart, interval, from_date_or_timestamp) %}
    (CAST({{ from_date_or_timestamp }} AS timestamp) + CAST({{ interval }} AS bigint) * INTERVAL 1 {{ datepart }})
{% endmacro %}
"""


def id_graph(ours, theirs):
    same = theirs is not None and ours["canonical_segment_id"] == theirs["canonical_segment_id"]
    return SAME if same else NO_REASON


def external_id_mapping(ours, theirs):
    if theirs is None or ours["canonical_segment_id"] != theirs["canonical_segment_id"]:
        return NO_REASON
    if ours["timestamp"] == theirs["timestamp"]:
        return SAME
    moved = ours["timestamp"] > theirs["timestamp"]
    return "timestamp: ours is that of the merge, as in Segment's table reference" if moved else NO_REASON


def profile_traits(ours, theirs):
    if theirs is None and (ours["merged_to"] or not traits(ours)):
        return "theirs has no row of a profile without traits, or merged away"
    if theirs is None or theirs["merged_to"] not in (ours["merged_to"], ""):
        return NO_REASON
    if traits(ours) == traits(theirs):
        return SAME if ours["merged_to"] == theirs["merged_to"] else "merged_to is '' in theirs on a full run"
    if ours["merged_to"]:
        return "theirs keeps traits on a profile that was merged away"
    if traits(ours).items() <= traits(theirs).items():
        return "theirs keeps a trait that was set to null"
    return NO_REASON


def traits(row):
    declared = {"canonical_segment_id", "merged_to", "seq", "timestamp", "uuid_ts", *LEFT_OUT}
    return {
        name: value
        for name, value in row.items()
        if name not in declared and not name.startswith("triggering_") and value is not None
    }


REASONS = {one.__name__: one for one in (id_graph, external_id_mapping, profile_traits)}


def keyed(place, schema, model):
    """Rows by key, with the names of their columns; and how many have no key of their own."""
    columns = list(place.columns(schema)[model])
    rows = [dict(zip(columns, row, strict=True)) for row in place.rows(model, columns, schema)]
    found = {row[KEYS[model]]: row for row in rows if row[KEYS[model]] is not None}
    return found, len(rows) - len(found)


def compared(place, model):
    """Reason to how many rows it is that of."""
    ours, _ = keyed(place, "modelled", model)
    theirs, lost = keyed(place, "theirs", model)
    found = Counter(REASONS[model](row, theirs.get(key)) for key, row in ours.items())
    found[NO_REASON] += len(theirs.keys() - ours.keys())
    found["theirs has a row without a key, or a second one of it"] += lost
    return +found


def is_ours_the_lakes(place, model):
    columns = list(place.columns("acme")[model])
    rows = [sorted(map(repr, place.rows(model, columns, schema))) for schema in ("acme", "modelled")]
    return rows[0] == rows[1]


def runnable(checkout, folder):
    """A copy of the checkout, as it is but for what DuckDB does not take: a time as text, to which hours are added."""
    shutil.copytree(checkout, folder, ignore=shutil.ignore_patterns(".git", "target", "logs"))
    (folder / "macros" / "dateadd.sql").write_text(_DATEADD)
    return folder


def prepared(checkout, folder):
    """A space with a warehouse, that warehouse, and dbt over each of the two packages."""
    place, twin = DuckDBPlace(folder), Twin(folder / "space")
    # Not called like the schema, which theirs names without the file.
    place.settings = DuckDBSettings(type="duckdb", path=str(folder / "compare.duckdb"))
    twin.settings = twin.settings.model_copy(update={"warehouses": {"local": place.settings}})
    output, theirs = duckdb_output(place.settings), runnable(checkout, folder / "checkout")
    return twin, place, output, theirs


def main(checkout):
    console, well = Console(width=120), True
    with tempfile.TemporaryDirectory() as made, driver() as started:
        folder = Path(made)
        twin, place, output, theirs = prepared(checkout, folder)
        ours = Dbt(started, folder / "ours", output)
        upstream = Dbt(started, folder / "theirs", output, project=theirs, target="theirs", schema_name="acme")
        for title, events in BATCHES.items():
            twin.write(events)
            assert job(twin).status == "Success"
            for dbt in (ours, upstream):
                dbt("run")
                assert dbt.said["ok"], dbt.said
            for model in KEYS:
                same, found = is_ours_the_lakes(place, model), compared(place, model)
                well = well and same and NO_REASON not in found
                console.print(f"{model} after {title}: ours {'is' if same else 'IS NOT'} as the lake")
                console.print(table("", ("rows", "theirs"), [(count, why) for why, count in found.most_common()]))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
