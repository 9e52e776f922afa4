"""Keys of objects: names of fields against data that somebody typed."""

import pytest

from caskmcp.compiler.normalize.keys import Key, is_mixed, is_record, kind


@pytest.mark.parametrize(
    "key", ["id", "name", "created_at", "createdAt", "work_pool", "$ref", "@type", "_links", "any_", "max_retries", "maxRuns", "len_limit"]
)
def test_a_key_made_of_words_is_a_field_wherever_it_stands(key: str) -> None:
    assert kind(key) is Key.FIELD


@pytest.mark.parametrize(
    "key",
    [
        "zoltan",
        "rrule",
        "lateness",
        "address1",
        "user_12",
        "max",
        "max_zoltan",
        "max_amber",
        "customer_zoltan",
        "prefect.flow.id",
        "größe",
        "名前",
        "straße_nr",
        "Zoltan",
    ],
)
def test_a_name_whose_words_are_not_known_is_unknown(key: str) -> None:
    assert kind(key) is Key.UNKNOWN


@pytest.mark.parametrize(
    "key",
    [
        "",
        "12",
        "user_12345",
        "order-471193",
        "a1b2c3",
        "Zoltan Fekete",
        "zoltan@shop.test",
        "0f8bb918-928c-4b90-9cd5-7a431ef2bf68",
        "/orders",
        "run.googleapis.com/stage",
        "$int",
        "x" * 65,
        "a\u2028b",
        "\ud800",
        "a\u00a0b",
        "name\n",
        "redacted-secret-0123456789abcdef",
    ],
)
def test_an_identifier_a_number_or_a_text_is_data(key: str) -> None:
    assert kind(key) is Key.DATA


def test_unknown_keys_are_fields_among_known_fields_with_values_of_several_kinds() -> None:
    assert is_record(2, 1, [1, "a", "b"])
    assert is_record(2, 2, [1, "a", "b", None])
    assert not is_record(1, 1, [1, "a"])
    assert not is_record(2, 3, [1, "a", "b", "c", "d"])
    assert not is_record(2, 1, [1, 2, 2.5])


def test_integers_and_fractions_are_one_kind_and_null_is_none() -> None:
    assert not is_mixed([1, 2.5, None])
    assert is_mixed([1, True])
    assert is_mixed([[], {}])
    assert not is_mixed([])
