"""The dashboard and the rules ask for metrics and labels that there are, and no metric goes unseen."""

import json
from pathlib import Path

import pytest
import yaml

from profiles_sync.watching.figures import METRICS, PREFIX
from tests.watching.promql import names

CONF = Path(__file__).parents[2] / "conf"
DASHBOARD = json.loads((CONF / "grafana/profiles-sync.json").read_text())
RULES = yaml.safe_load((CONF / "prometheus/alerts.yml").read_text())
LABELS = {PREFIX + metric.name: {"space", *metric.labels} for metric in METRICS}


def values(node, key):
    """Everything that stands under a key, however deep."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key and isinstance(value, str):
                yield value
            yield from values(value, key)
    elif isinstance(node, list):
        for one in node:
            yield from values(one, key)


QUERIES = [*values(DASHBOARD["panels"], "expr"), *values(DASHBOARD["templating"], "definition")]
CONDITIONS = [*values(RULES, "expr")]


@pytest.mark.parametrize("expression", [*QUERIES, *CONDITIONS])
def test_an_expression_asks_for_metrics_and_labels_that_there_are(expression):
    metrics, labels = names(expression)
    assert metrics
    assert metrics <= LABELS.keys()
    for metric in metrics:
        assert labels <= LABELS[metric], metric


def test_the_dashboard_shows_every_metric():
    assert {metric for query in QUERIES for metric in names(query)[0]} == LABELS.keys()


def test_there_are_rules_for_what_failed_for_what_is_late_and_for_quarantine():
    asked = {metric.removeprefix(PREFIX) for rule in CONDITIONS for metric in names(rule)[0]}
    assert {"run_status", "warehouse_status", "last_success_timestamp_seconds", "quarantine_lines"} <= asked


def test_what_a_rule_says_has_only_labels_that_its_expression_leaves():
    for rule in RULES["groups"][0]["rules"]:
        said = set(yaml.safe_dump(rule["annotations"]).replace("{{", " ").split("$labels.")[1:])
        assert {one.split()[0] for one in said} <= names(rule["expr"])[1], rule["alert"]


def test_panels_do_not_cover_each_other():
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_a_query_with_a_metric_that_is_none_is_noticed():
    assert names('sum by (space) (profiles_sync_runs{space=~"$space"}) / time()') == ({"profiles_sync_runs"}, {"space"})
    assert names('delta(a_b[6h]) > 1 and on (x) c{y="z"}') == ({"a_b", "c"}, {"x", "y"})


def test_the_readme_has_every_metric():
    listed = "".join(
        f"| `{one.name}` | {', '.join(f'`{label}`' for label in one.labels)} | {one.about} |\n" for one in METRICS
    )
    assert listed.replace("|  |", "| |") in (CONF.parent / "README.md").read_text(encoding="utf-8")
