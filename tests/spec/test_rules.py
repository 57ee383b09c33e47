"""Identity Resolution rules: ranks and blocked values."""

import pytest

from profiles_sync.spec.rules import RECOMMENDED, Blocked, IdentityRules, Rule, default_rules


@pytest.mark.parametrize("value", ["", " ", "0", "-", "000-00", "000\n", "\t-1 ", "null", "anonymous"])
def test_the_recommended_values_are_blocked_with_blanks_around_them(value: str) -> None:
    assert RECOMMENDED.has(value)


@pytest.mark.parametrize("value", ["10", "0\n0", "NULL", "null1", "-10", "anonymous user", "\u0660"])
def test_other_values_are_not(value: str) -> None:
    assert not RECOMMENDED.has(value)


@pytest.mark.parametrize("pattern", ["(?i)test", "test|TEST", "^TEST$", "T|TE|TEST"])
def test_a_pattern_is_a_whole_expression_and_matches_the_whole_value(pattern: str) -> None:
    blocked = Blocked(patterns=(pattern,))
    assert blocked.has("TEST")
    assert not blocked.has("TESTS")
    assert not blocked.has("a TEST")


def test_by_default_user_id_comes_first_and_then_email_and_the_others_by_name() -> None:
    kinds = [rule.type for rule in default_rules()]
    rules = IdentityRules((*default_rules(), Rule("app_id"), Rule("zip", priority=3)))
    assert list(IdentityRules().by_type) == ["user_id", "email", *sorted(set(kinds) - {"user_id", "email"})]
    assert list(rules.by_type)[:5] == ["user_id", "email", "zip", "android.id", "android.idfa"]
    assert list(rules.by_type)[6:9] == ["anonymous_id", "app_id", "ga_client_id"]
    assert rules.custom_types == ("zip", "app_id")


def test_one_user_id_and_five_of_everything_else_for_ever() -> None:
    assert {rule.type: rule.limit for rule in default_rules()} | {"user_id": 5} == dict.fromkeys(
        IdentityRules().ranks, 5
    )
    assert [rule.limit for rule in default_rules() if rule.type == "user_id"] == [1]
    assert {rule.frequency.window for rule in default_rules()} == {None}
