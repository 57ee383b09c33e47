"""What `make dbt-compare` says of two rows: nothing that differs passes without a reason."""

import pytest

from tests.dbt.compare import NO_REASON, REASONS, SAME

GRAPH = {"segment_id": "p2", "canonical_segment_id": "p1"}
MAPPING = {"external_id_hash": "h", "canonical_segment_id": "p1", "timestamp": 2}
TRAITS = {"canonical_segment_id": "p1", "merged_to": None, "plan": "pro", "size": None}


@pytest.mark.parametrize(
    ("model", "ours", "theirs"),
    [
        ("id_graph", GRAPH, GRAPH | {"canonical_segment_id": "p0"}),
        ("external_id_mapping", MAPPING, MAPPING | {"canonical_segment_id": "p0"}),
        ("external_id_mapping", MAPPING, MAPPING | {"timestamp": 3}),
        ("profile_traits", TRAITS, None),
        ("profile_traits", TRAITS, TRAITS | {"plan": "free"}),
        ("profile_traits", TRAITS, TRAITS | {"plan": None}),
        ("profile_traits", TRAITS, TRAITS | {"merged_to": "p0"}),
    ],
)
def test_a_difference_that_nobody_knows_has_no_reason(model, ours, theirs):
    assert REASONS[model](ours, theirs) == NO_REASON
    assert REASONS[model](ours, ours | {"etl_ts": 1}) == SAME


@pytest.mark.parametrize(
    ("model", "ours", "theirs", "told"),
    [
        ("external_id_mapping", MAPPING, MAPPING | {"timestamp": 1}, "that of the merge"),
        ("profile_traits", TRAITS | {"plan": None}, None, "without traits"),
        ("profile_traits", TRAITS, TRAITS | {"merged_to": ""}, "''"),
        ("profile_traits", TRAITS, TRAITS | {"size": 7}, "set to null"),
        (
            "profile_traits",
            TRAITS | {"plan": None, "merged_to": "p0"},
            TRAITS | {"plan": "x", "merged_to": ""},
            "merged away",
        ),
    ],
)
def test_a_difference_that_is_known_is_told(model, ours, theirs, told):
    assert told in REASONS[model](ours, theirs)
