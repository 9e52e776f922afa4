"""Shapes: what is counted of JSON values, and that the way of counting (one by one, many at once) changes nothing."""

from typing import Any

import pytest

from caskmcp.compiler.normalize.forms import Words
from caskmcp.compiler.normalize.node import WAITING, Node
from caskmcp.compiler.normalize.shape import DEEPEST, add, add_unread, add_wire
from caskmcp.compiler.normalize.written import bare, few, plain


def shape(*values: Any) -> dict[str, Any]:
    node = Node()
    for serial, value in enumerate(values):
        add(node, value, serial)
    return plain(node)


def wire(*texts: str) -> dict[str, Any]:
    node = Node()
    for serial, text in enumerate(texts):
        add_wire(node, text, serial)
    return bare(plain(node))


def test_each_kind_of_value_is_counted() -> None:
    found = bare(shape(None, True, 1, 1.5, "a b", [], [1], {}, {"id": 1}))
    assert found == {
        "nulls": 1, "booleans": 1, "integers": 1, "numbers": 1, "strings": 1, "arrays": 2, "empty_arrays": 1, "objects": 2,
        "items": {"integers": 1}, "properties": {"id": {"integers": 1}},
    }  # fmt: skip


def test_items_and_fields_of_many_objects_add_up_place_by_place() -> None:
    rows = [{"id": number, "tags": ["a b"] * number, "owner": {"id": number}} for number in range(5)]
    found = bare(shape(rows, rows))
    assert found["items"]["objects"] == 10
    assert found["items"]["properties"]["tags"] == {"arrays": 10, "empty_arrays": 2, "items": {"strings": 20}}
    assert found["items"]["properties"]["owner"]["properties"]["id"]["integers"] == 10


def test_many_texts_are_counted_like_few() -> None:
    texts = [f"text number {number}" for number in range(3 * WAITING)] + ["2026-01-05", "", "a@b.example"]
    assert bare(shape(texts))["items"] == bare(shape(*texts))
    assert bare(shape(texts))["items"] == {"strings": 3 * WAITING + 3, "empties": 1, "formats": {"date": 1, "email": 1}}


def test_formats_are_counted_also_where_the_first_text_has_another() -> None:
    assert bare(shape(["2026-01-05", "2026-01-06", "open now", "a@b.example"]))["items"]["formats"] == {"date": 2, "email": 1}


def test_keys_that_are_data_make_a_map_and_are_gone() -> None:
    found = bare(shape({"balances": {"Zoltan Fekete": 5, "u_12345": 6}}, {"balances": {"zoltan": 7}}))
    assert found["properties"]["balances"] == {"objects": 2, "maps": 2, "map_values": {"integers": 3}}


def test_an_unknown_key_stays_in_a_plain_record_and_goes_from_a_map() -> None:
    record, table = {"id": 1, "name": "a b", "rrule": "c d"}, {"rrule": 1}
    found = bare(shape(record, table))
    assert sorted(found["properties"]) == ["id", "name", "rrule"]
    assert (found["properties"]["rrule"], found["maps"], found["map_values"]) == ({"strings": 1}, 1, {"integers": 1})


def test_data_keys_in_a_record_are_values_of_a_map_beside_its_fields() -> None:
    found = bare(shape({"total": 1, "0f8bb918-928c-4b90-9cd5-7a431ef2bf68": 2}))
    assert found == {"objects": 1, "properties": {"total": {"integers": 1}}, "map_values": {"integers": 1}}


def test_one_object_of_several_with_equal_keys_is_asked_for_itself() -> None:
    mixed, flat = {"id": 1, "total": "a b", "rrule": 3}, {"id": 1, "total": 2, "rrule": 3}
    found = bare(shape([mixed, flat, mixed]))["items"]
    assert found["properties"]["rrule"] == {"integers": 2}
    assert found["map_values"] == {"integers": 1}


def test_a_vocabulary_is_a_candidate_until_a_text_may_not_stand_in_it() -> None:
    assert shape("open", "open", "closed")["candidates"] == {"open": [2, 2], "closed": [1, 1]}
    assert "candidates" not in shape("open", "open now")
    assert "candidates" not in shape(*(f"state{chr(97 + number)}" for number in range(21)))
    assert len(shape(*(f"state{chr(97 + number)}" for number in range(20)))["candidates"]) == 20


def test_a_value_counts_once_for_each_exchange() -> None:
    assert shape(["open", "open", "closed"], ["open"])["items"]["candidates"] == {"open": [3, 2], "closed": [1, 1]}


def test_no_text_is_a_candidate_where_names_stand() -> None:
    found = shape({"username": "open", "names": ["open"], "owner": {"state": "open"}})
    assert "candidates" not in found["properties"]["username"]
    assert "candidates" not in found["properties"]["names"]["items"]
    assert found["properties"]["owner"]["properties"]["state"]["candidates"] == {"open": [1, 1]}


def test_a_placeholder_is_counted_by_kind_and_format_and_is_no_candidate() -> None:
    found = shape("redacted-0123456789abcdef@example.com", "redacted-secret-0123456789abcdef", "open now")
    assert found == {"strings": 3, "redacted": {"email": 1, "secret": 1}, "formats": {"email": 1}}
    assert shape(12025550100, 5)["range"] == [5, 5]
    assert shape(12025550100)["redacted"] == {"phone": 1}


def test_below_the_deepest_level_nothing_is_described() -> None:
    value: Any = "open"
    for _ in range(DEEPEST + 3):
        value = {"data": [value]}
    found, levels = shape(value), 0
    while "properties" in found or "items" in found:
        found = found["properties"]["data"] if "properties" in found else found["items"]
        levels += 1
    assert levels == DEEPEST
    assert found == {"objects": 1, "maps": 1}


def test_a_thousand_levels_are_no_problem() -> None:
    value: Any = 1
    for _ in range(900):
        value = [value]
    assert shape(value)["arrays"] == 1


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "-2", "0"], {"integers": 3}),
        (["1.5", "-0.25"], {"numbers": 2}),
        (["true", "false"], {"booleans": 2}),
        (["01", "1e5", "--1", "1.", ".5", "٣", "", "1" * 19, "+1"], {"strings": 9, "empties": 1}),
    ],
)
def test_text_on_the_wire_is_read_as_what_it_says(texts: list[str], expected: dict[str, int]) -> None:
    assert wire(*texts) == expected


def test_an_uploaded_file_is_a_text_of_which_nothing_is_known() -> None:
    node = Node()
    add_wire(node, "open", 0)
    add_unread(node)
    assert plain(node) == {"strings": 2}


def test_fewer_than_five_distinct_figures_are_told_by_digests_and_more_by_none() -> None:
    assert len(shape(1, 2, 2.0, 3, 4)["figures"]) == 4
    assert shape(1, 2, 3, 4, 5)["figures"] == []
    assert few({"a", "b"}) == few({"b", "a"})
    assert shape(3, 17.5, -4)["range"] == [-4, 18]


def test_figures_beyond_all_bounds_have_no_range() -> None:
    assert shape(1e300, 1)["range"] is None
    assert shape(2**70, 1)["range"] is None


def test_words_that_are_whole_texts_are_noted_for_all_bodies_at_once() -> None:
    words = Words()
    node = Node(words=words)
    add(node, {"id": "garden", "note": "the castle", "tags": ["river", "zoltan"], "more": {"x": ["valley"] * 100}}, 0)
    plain(node)
    assert words.found == {"garden", "river", "valley"}


def test_the_bare_form_holds_nothing_that_was_private() -> None:
    found = shape({"state": "open", "price": 17, "map": {"u_12345": "closed"}, "list": [3]})
    text = str(bare(found))
    assert [secret for secret in ("open", "closed", "17", "candidates", "figures", "range") if secret in text] == []
