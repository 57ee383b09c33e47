"""The README's commands, given as they stand there, one after the other, in spaces that have what they speak of."""

import json

import pytest

from profiles_sync.generator.case_study import case_study_events
from tests import documents
from tests.commands import in_process
from tests.docs.elsewhere import ELSEWHERE, elsewhere
from tests.test_readme import README

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_settings_in_the_environment")]
SPACE = """\
space: {{name: {slug}, slug: {slug}}}
lake: ./{slug}-lake
sources:
  website: {{id: source_1, name: Website, path: ./{slug}-events/}}
warehouses:
  local: {{type: duckdb, path: ./{slug}.duckdb}}
"""
ORDER = {
    "type": "track",
    "event": "Order Completed",
    "anonymousId": "a1",
    "messageId": "order_1",
    "receivedAt": "2026-01-05T00:00:02Z",
    "properties": {"total": 5, "coupon": "SPRING"},
}
#: What others of the commands would not let happen any more: events of the space, and tables that are off.
FIRST = ("import-rules", "backfill")


@pytest.fixture
def spaces(tmp_path, monkeypatch):
    """The spaces that the README's commands name, and one with a warehouse `pg`, which is a file, for the others."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "brands").mkdir()
    for slug in ("acme", "shop", "dev", "prod", "brands/north", "brands/south"):
        name = slug.rpartition("/")[2]
        (tmp_path / f"{slug}.yml").write_text(SPACE.format(slug=name))
        folder = (tmp_path / slug).parent / f"{name}-events"
        folder.mkdir()
        (folder / "first.jsonl").write_text("\n".join(map(json.dumps, [*case_study_events(), ORDER])))
    with (tmp_path / "prod.yml").open("a") as settings:
        settings.write("identity: {rules: {app_id: {limit: 2}}}\n")
    shop = tmp_path / "shop.yml"
    shop.write_text(shop.read_text().replace("local:", "pg:") + "quality: {enabled: true}\n")
    monkeypatch.setenv("PROFILES_SYNC_SETTINGS", "shop.yml")
    assert in_process("run", "--settings", "shop.yml", "--settings", "acme.yml")[0] == 0
    return tmp_path


def test_every_command_of_the_readme_does_what_it_says(spaces):
    shown = list(documents.commands(README))
    given = [words for words in shown if not elsewhere(" ".join(["profiles-sync", *words]))]
    given.sort(key=lambda words: words[0] not in FIRST)
    ended = [(words, *in_process(*words)) for words in given]
    failed = [f"{' '.join(words)}: {code}, {told}" for words, code, _, told in ended if code]
    assert not failed, "\n".join(failed)
    assert len(shown) - len(ended) == len([one for one in ELSEWHERE if one.startswith("profiles-sync ")])
