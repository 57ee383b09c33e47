"""The pages of the site: every section of the README is on one, nothing generated is stale, and every snippet runs."""

import json
import re

import pytest
import yaml

pytest.importorskip("mkdocs")  # the second lane has it not

from profiles_sync import errors
from profiles_sync.cli import EXIT, WRONG_USAGE
from profiles_sync.generator.case_study import case_study_events
from profiles_sync.queries.library import library
from profiles_sync.settings import load
from profiles_sync.spec.tables import FIXED_TABLES
from profiles_sync.warehouses.setup import SCRIPTS
from scripts.documentation import pictures, readme
from scripts.documentation import settings as settings_reference
from scripts.documentation.pages import Pages
from tests import documents
from tests.commands import in_process, warehouse
from tests.test_readme import ROOT, block

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
EXAMPLE = ROOT / "conf" / "example.yml"


@pytest.fixture(scope="module")
def pages():
    return Pages()


@pytest.fixture(scope="module")
def built(pages):
    return {page: pages.built(page) for page in pages.sources}


# What is taken over from the README
def test_no_marker_is_left(built):
    assert [page for page, text in built.items() if re.search(r"^<!-- \w+: ", text, re.M)] == []


def test_every_page_is_in_the_navigation(pages):
    def listed(entry):
        return [one for inner in entry.values() for one in listed_in(inner)] if isinstance(entry, dict) else [entry]

    def listed_in(inner):
        return [inner] if isinstance(inner, str) else [one for entry in inner for one in listed(entry)]

    navigation = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    assert sorted([*listed_in(navigation), *pages.more.values()]) == sorted(pages.sources)


def test_a_section_that_no_page_names_is_missed():
    known = readme.sections("# A product\n\n## One\n\n### Its part\n\n## Two\n")
    assert readme.left_over({"a.md": "<!-- readme: One -->"}, known) == ["Two"]
    with pytest.raises(ValueError, match=r"docs/ has these sections of the README: .*Two"):
        readme.placed({"a.md": "# A\n\n<!-- readme: One -->\n<!-- readme: A product -->"}, known)


def test_a_section_that_is_not_there_is_told():
    with pytest.raises(ValueError, match="no such section in the README: Three"):
        readme.placed({"a.md": "<!-- readme: Three -->"}, {})


def test_a_section_brings_those_below_it_but_for_what_another_page_has():
    one = readme.sections("## One\n\na\n\n### Its part\n\nb\n\n```sh\n# no heading\n```\n\n### Another\n\nc\n")["One"]
    text = readme.included(one, 1, lambda section: section.title == "Another")
    assert text == "a\n\n## Its part\n\nb\n\n```sh\n# no heading\n```"


def test_links_within_the_readme_lead_to_the_pages():
    places = {"When, and why?": readme.Place("a/b.md", "when-and-why")}
    text = "[then](#when-and-why), [licence](LICENSE), [else](https://example.com)"
    assert readme.for_the_site(text, "c.md", places) == (
        "[then](a/b.md#when-and-why), licence, [else](https://example.com)"
    )
    assert readme.for_the_site("[a](#when-and-why)", "a/c.md", places) == "[a](b.md#when-and-why)"


def test_what_belongs_to_an_item_is_indented_as_markdown_for_the_site_wants_it():
    text = "1. one\n\n   ```yaml\n   a: 1\n   ```\n\n2. two\n\ntext\n\n- three\n  goes on"
    assert readme.for_the_site(text, "a.md", {}) == (
        "1. one\n\n    ```yaml\n    a: 1\n    ```\n\n2. two\n\ntext\n\n- three\n    goes on"
    )


# What is made of the code
def test_the_settings_reference_has_every_setting_with_its_default(built):
    listed = set(re.findall(r"^\| `([\w.]+)` \|", built["settings.md"], re.M))
    wanted = {key for key in _keys(load(EXAMPLE).model_dump(by_alias=True)) if not key.startswith("warehouses.")}
    assert {key for key in wanted - listed if not any(one.startswith(f"{key}.NAME.") for one in listed)} == set()
    assert {"log.level", "identity.max_merges", "sources.NAME.path", "schedule.every_minutes"} <= listed
    assert "| `schedule` | keys or null | `null` |" in built["settings.md"]


def _keys(values, above=()):
    for name, value in values.items():
        key = (*above, "NAME" if above in (("sources",), ("alerts",)) else name)
        if isinstance(value, dict) and value:
            yield from _keys(value, key)
        else:
            yield ".".join(map(str, key))


def test_a_comment_of_the_example_explains_its_key():
    said = settings_reference.comments(EXAMPLE.read_text())
    assert said["identity", "distributed_above"] == "auto: events in a batch"
    assert "| `engine.slots` | integer, at least 1 | `8` | Spark partitions of a step" in settings_reference.reference()


@pytest.mark.parametrize("kind", SCRIPTS)
def test_the_page_of_a_warehouse_has_its_settings_and_what_setup_sql_prints(built, kind):
    page = built[f"warehouses/{kind}.md"]
    assert in_process("warehouse", "setup-sql", kind)[1].rstrip() in page
    assert "| `schema` |" in page
    assert f"| `type` | `{kind}` | required |" in page


def test_every_error_is_told(built):
    known = {one.__name__ for one in (*errors.Terminal.__subclasses__(), *errors.Transient.__subclasses__())}
    listed = set(re.findall(r"^\| `(\w+)` \| .* \| (?:yes|no) \| ", built["wrong.md"], re.M))
    assert known == listed


def test_every_exit_code_that_is_no_success_is_told(built):
    assert set(map(int, re.findall(r"^\| exit code (\d) \|", built["wrong.md"], re.M))) == {
        *EXIT.values(),
        WRONG_USAGE,
    } - {0}


def test_every_table_and_every_query_has_a_heading(built):
    assert {table.name for table in FIXED_TABLES} <= set(re.findall("^### (.+)$", built["tables.md"], re.M))
    assert library().keys() <= set(re.findall("^### (.+)$", built["queries.md"], re.M))


def test_the_picture_of_a_merge_shows_what_the_resolver_decides():
    decisions = re.findall(r'<text class="decision"[^>]*>(.+?)<', pictures.merge())
    assert decisions == ["creates profile 1", "adds email", "creates profile 2", "merges profile 2 into 1"]


# What is shown on the pages that are written by hand
@pytest.fixture
def space(tmp_path, monkeypatch):
    """A folder with the README's settings file and the case study's events."""
    (tmp_path / "acme.yml").write_text(block("yaml", "sources:\n  website: {"))
    (tmp_path / "events" / "website").mkdir(parents=True)
    (tmp_path / "events" / "website" / "events.jsonl").write_text("\n".join(map(json.dumps, case_study_events())))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _own():
    return {page: text for page, text in Pages().own().items() if "```" in text}


@pytest.mark.parametrize("page", _own())
def test_every_snippet_of_a_page_runs(space, page):
    text = _own()[page]
    assert set(re.findall(r"^ *```(\w*)$", text, re.M)) <= {"", "sh", "yaml", "sql"}
    for number, snippet in enumerate(documents.blocks(text, "yaml")):
        (space / f"{number}.yml").write_text(snippet)
        assert load(space / f"{number}.yml").sources
    shown = "".join(documents.blocks(text, "sh")).splitlines()
    commands = list(documents.commands(text))
    assert len(commands) == len(shown), "a line is no command of ours"
    for words in commands:
        code, _, told = in_process(*words)
        assert (code, words) == (0, words), told
    _each_query_gives_what_is_shown(space, text)


def _each_query_gives_what_is_shown(space, text):
    """Beside the space's schema, one as Segment's hosted sync would have left it, with ids of its own."""
    assert len(documents.queries(text)) == len(list(documents.blocks(text, "sql")))
    if not documents.queries(text):
        return
    with warehouse(space) as opened:
        opened.execute(
            "CREATE SCHEMA hosted; CREATE TABLE hosted.user_identifiers AS "
            "SELECT * REPLACE ('kept_by_segment' AS canonical_segment_id) FROM acme.user_identifiers"
        )
        for query, shown in documents.queries(text):
            assert documents.as_shown(opened, query) == shown.splitlines()
