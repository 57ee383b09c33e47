"""Sources behind URLs: every file has a URL of its own that opens it, and a store that fails is not an empty one."""

import json

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import fs

from profiles_sync.errors import SourceUnreachable
from profiles_sync.pipeline import batches
from profiles_sync.pipeline.batches import SourceFile
from profiles_sync.pipeline.discover import new_files
from profiles_sync.pipeline.run import prepare
from profiles_sync.pipeline.storage import below, resolve
from profiles_sync.sync.hourly import run
from tests.intake import ids, page, put, quarantined, rows, settled, take
from tests.lakes import Twin

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=9)


@pytest.fixture
def twin(tmp_path):
    return Twin(tmp_path / "space")


@given(st.lists(NAMES.filter(lambda name: name not in {".", ".."}), min_size=1, max_size=4).map("/".join))
def test_what_stands_below_a_url_is_found_by_its_own_url(relative):
    for url, root in (("file:///a%20b", "/a b"), ("gs://bucket/a%20b/", "bucket/a b"), ("/a b", "/a b")):
        filesystem, path = resolve(below(url, relative))
        assert path == f"{root}/{relative}"
        assert isinstance(filesystem, fs.GcsFileSystem if url.startswith("gs") else fs.LocalFileSystem)


def test_files_and_tables_behind_a_url(twin):
    names = ["a b/c+d=é%20#?.json", "100%.json", "x.json"]
    for name in names:
        put(twin, f"of a url/{name}", page(name) + b"\nbroken")
    table = twin.folder / "a table"
    write_deltalake(table, pa.table({"type": ["page"], "messageId": ["m1"], "day": ["1/2 %"]}), partition_by=["day"])
    folder = f"file://{twin.folder}/events/of%20a%20url"
    settled(twin, {"folder": folder, "table": f"file://{twin.folder}/a%20table"})
    assert take(twin).events == 4
    assert ids(twin) == sorted([*names, "m1"])
    assert take(twin).read == 0
    files = [path for path in batches.taken_files(twin.lake) if path.startswith(folder)]
    assert sorted(files) == sorted(row["file"] for row in rows(twin, "quarantine"))
    assert sorted(resolve(path)[1] for path in files) == sorted(f"{twin.folder}/events/of a url/{one}" for one in names)
    assert len(quarantined(twin)) == 3


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIAKEY:hunter2@bucket/events",
        "s3://bucket/events?endpoint_override=hunter2",
        "abfs://:hunter2@account.dfs.core.windows.net/container",
    ],
)
def test_credentials_in_a_url_are_refused_and_not_repeated(url):
    (refused,) = new_files({"website": url}, {}).errors
    assert "set them in the environment" in refused
    assert "hunter2" not in refused


@pytest.mark.parametrize("url", ["hdfs://host/events", "http://host/events", "s3:///events", "gs://"])
def test_a_storage_that_is_not_supported_is_refused(url):
    (refused,) = new_files({"website": url}, {}).errors
    assert "cannot open" in refused


@pytest.mark.slow
def test_a_store_that_does_not_answer_fails_the_run_and_loses_nothing(twin, monkeypatch):
    for name, value in {"ENDPOINT_URL": "http://127.0.0.1:9", "REGION": "us-east-1", "ACCESS_KEY_ID": "x"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    settled(twin, {"website": "s3://nobody-answers/events"})
    result = run(twin.settings, lambda: None).shown()
    assert result["status"] == "Failed"
    assert result["error"].startswith("source website: cannot list s3://nobody-answers/events: ")
    file = SourceFile("website", "s3://nobody-answers/events/a.jsonl", 1, 0)
    prepare(twin.lake)
    batches.open_batch(twin.lake, (file,))
    with pytest.raises(SourceUnreachable, match=r"cannot read nobody-answers/events/a\.jsonl"):
        take(twin)
    assert batches.unfinished(twin.lake).files == (file,)
    assert "hunter2" not in json.dumps(result)
