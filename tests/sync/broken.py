"""A lake that somebody wrote into: rows of ours with something wrong in them."""

import datetime as dt

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from profiles_sync.lake.tables import scan
from profiles_sync.settings import load
from tests.sync.steps import bought, call

NOBODY = "use_" + "0" * 27
LATE = dt.datetime(2150, 1, 1, tzinfo=dt.UTC)


def checked(twin, more=""):
    """Turn the checks on, and read the settings anew."""
    path = twin.folder / "acme.yml"
    written = path.read_text().partition("quality:")[0]
    path.write_text(f"{written}quality: {{enabled: true{more}}}\n")
    twin.settings = load(path)
    return twin


def own(twin, text, settings=""):
    """A file of a person's own expectations, and the settings that name its folder; more settings after them."""
    folder = twin.folder / "expectations"
    folder.mkdir(exist_ok=True)
    (folder / "own.yml").write_text(text)
    checked(twin, ", expectations: ./expectations")
    path = twin.folder / "acme.yml"
    path.write_text(path.read_text() + settings)
    twin.settings = load(path)
    return twin


def people():
    """Two profiles that merge, with traits, a page and a purchase."""
    return [
        call("page", "q1", anonymousId="secret-visitor", name="Home"),
        call("identify", "q2", userId="u1", traits={"email": "jane@example.com", "plan": "pro"}),
        call("identify", "q3", anonymousId="secret-visitor", userId="u1", traits={"age": 30}),
        call("group", "q4", userId="u1", groupId="g1"),
        call("screen", "q5", userId="u1", name="Start"),
        bought("q6", total=5),
    ]


def break_rows(twin, table_name, count=1, /, **wrong):
    """Write rows into a table of the lake: its first one with something else in it."""
    table = twin.lake.open(table_name)
    row = scan(table).slice(0, 1).to_pylist()[0]
    rows = [
        row | {key: value(number) if callable(value) else value for key, value in wrong.items()}
        for number in range(count)
    ]
    schema = pa.schema([field for field in scan(table).schema])
    write_deltalake(twin.lake.path(table_name), pa.Table.from_pylist(rows, schema), mode="append")


def mend(twin, name, condition):
    """Delete rows from a table of the lake."""
    DeltaTable(twin.lake.path(name)).delete(condition)


def merged_away(twin):
    """A profile that is not canonical any more."""
    rows = scan(twin.lake.open("id_graph")).to_pylist()
    return next(row["segment_id"] for row in rows if row["segment_id"] != row["canonical_segment_id"])
