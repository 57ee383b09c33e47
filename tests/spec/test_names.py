"""Names of events and properties as tables and columns."""

import hashlib
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles_sync.spec import names
from profiles_sync.spec.tables import BY_NAME, reserved_columns

UPPER, LOWER, DIGITS = (
    set(letters.encode()) for letters in (string.ascii_uppercase, string.ascii_lowercase, "0123456789")
)
SNAKE = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")
TRACK = reserved_columns("<event>")

PAIRS = {
    "inviteYourCustomers": "invite_your_customers",
    "userIDs": "user_ids",
    "CStringRef": "cstring_ref",
    "HTTPRequest": "httprequest",
    "samPLE text": "sam_ple_text",
    "aBC": "a_bc",
    "iPhone": "i_phone",
    "Order Completed": "order_completed",
    "order-completed": "order_completed",
    "Order.Completed": "order_completed",
    "ORDER_COMPLETED": "order_completed",
    "OrderCOMPLETED": "order_completed",
    "sample___text": "sample_text",
    "2FA Enabled": "2fa_enabled",
    "_id": "id",
    "$id": "id",
    "foo_": "foo",
    "addressLine2": "address_line2",
    "SHA256Hash": "sha256hash",
    "sha256Hash": "sha256_hash",
    "f_pX9": "f_p_x9",
    "p_z9Rg": "p_z9_rg",
    "•foo˙": "foo",
    "日本": "",
    "日本 Order": "order",
    "Ünïcode": "n_code",
    "edf_6N": "edf_6n",
    "3Doctors": "3doctors",
    "": "",
    "_": "",
    "__": "",
    "already_in_snake_case_2": "already_in_snake_case_2",
    "trailing newline\n": "trailing_newline",
    "foo\n": "foo",
    "\ud800order": "order",
}

# Names made of the characters that the rule tells apart, so that its branches are met often.
NAMES = st.text(alphabet="abzABZ019__ -$é日", max_size=14) | st.text(max_size=20)


def by_bytes(raw: str) -> str:
    """The rule as it is written down, byte by byte and slowly, to hold the quick one against."""
    source = raw.encode("utf-8", "surrogatepass")
    end, size = 0, len(source)
    while end < size and (
        source[end] in LOWER | DIGITS
        or (source[end] == ord("_") and 0 < end < size - 1 and source[end + 1] in LOWER | DIGITS)
    ):
        end += 1
    if end == size:
        return raw
    prefix = source[:end]
    out = bytearray(prefix)

    def word(start: int) -> int:
        stop = start
        while stop < size and source[stop] in UPPER | DIGITS:
            stop += 1
        while stop < size and source[stop] in LOWER | DIGITS:
            stop += 1
        out.extend(source[start:stop].lower())
        return stop

    after = prefix[prefix.rfind(b"_") + 1 :]
    if source[end] in UPPER and (not LOWER & set(prefix) or (b"_" in prefix and not LOWER & set(after))):
        end = word(end)
    while end < size:
        if source[end] not in UPPER | LOWER | DIGITS:
            end += 1
            continue
        if out:
            out.extend(b"_")
        end = word(end)
    return out.decode()


@pytest.mark.parametrize("raw", PAIRS)
def test_a_name_becomes_snake_case(raw: str) -> None:
    assert names.snake_case(raw) == PAIRS[raw]


@given(NAMES)
def test_the_quick_rule_equals_the_rule_as_written_down(raw: str) -> None:
    assert names.snake_case(raw) == by_bytes(raw)


@given(NAMES)
def test_snake_case_is_words_with_single_underscores_or_nothing(raw: str) -> None:
    result = names.snake_case(raw)
    assert result == "" or SNAKE.fullmatch(result)


@given(NAMES)
def test_snake_case_of_snake_case_changes_nothing(raw: str) -> None:
    once = names.snake_case(raw)
    assert names.snake_case(once) == once


def test_two_spellings_of_an_event_share_a_table() -> None:
    assert names.event_slug("Order Completed") == names.event_slug("order-completed") == "order_completed"


@pytest.mark.parametrize("event", ["日本", "", "!!!", "\ud800"])
def test_an_event_without_letters_is_named_by_its_hash(event: str) -> None:
    digest = hashlib.sha1(event.encode("utf-8", "surrogatepass")).hexdigest()
    assert names.event_slug(event) == "_unnamed_" + digest[:8]
    assert names.event_table(names.event_slug(event)) == "_unnamed_" + digest[:8]


def test_the_hash_of_an_unnamed_event_never_changes() -> None:
    assert names.event_slug("日本") == "_unnamed_44da6bbc"


@pytest.mark.parametrize("taken", [*BY_NAME, "quarantine"])
def test_an_event_never_takes_the_name_of_another_table(taken: str) -> None:
    assert names.event_table(names.event_slug(taken)) == "_" + taken


def test_other_events_keep_their_slug_as_table() -> None:
    assert names.event_table("order_completed") == "order_completed"
    assert names.event_table("track") == "track"


@given(NAMES)
def test_the_folders_for_state_are_no_event_tables(event: str) -> None:
    assert names.event_table(names.event_slug(event)) not in {"_control", "_staging", *BY_NAME, "quarantine"}


def test_each_part_of_a_path_is_snake_cased() -> None:
    assert names.column(("field", "nestedA", "nestedB"), TRACK, "context_") == "context_field_nested_a_nested_b"
    assert names.column(("address", "street"), TRACK) == "address_street"


def test_parts_without_letters_are_left_out_and_a_name_without_any_has_no_column() -> None:
    assert names.column(("日本", "a", "$"), TRACK) == "a"
    assert names.column(("日本", "$"), TRACK) is None
    assert names.column(("日本",), TRACK, "context_") is None


@pytest.mark.parametrize("name", sorted(TRACK))
def test_a_property_never_takes_a_column_of_the_table(name: str) -> None:
    assert names.column((name,), TRACK) == "_" + name


def test_a_property_that_adds_up_to_a_column_of_the_table_is_prefixed_too() -> None:
    assert names.column(("user", "id"), TRACK) == "_user_id"
    assert names.column(("$id",), TRACK) == "_id"


def test_a_property_never_takes_the_column_of_a_context_field() -> None:
    assert names.column(("context", "ip"), TRACK) == names.column(("contextIp",), TRACK) == "_context_ip"
    assert names.column(("ip",), TRACK, "context_") == "context_ip"
    assert names.column(("context",), TRACK) == "context"
    assert names.column(("contexts",), TRACK) == "contexts"


def test_a_context_field_keeps_its_name_beside_a_column_of_the_table() -> None:
    assert names.column(("id",), TRACK, "context_") == "context_id"
