"""The fields that the signed plan passes on: those, in their structure, and none beside them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caskmcp.model.place import checked, covers, steps, tree
from caskmcp.runtime import respond as module
from caskmcp.runtime.clean import clean
from caskmcp.runtime.projection import projected
from caskmcp.runtime.respond import Answer, Result, respond
from tests.support.calls import tool

ORDERS = {
    "orders": [{"id": 1, "note": "a", "customer": {"id": 3, "email": "x"}}, {"id": 2, "note": "b"}],
    "total": 2,
    "debug": {"sql": "…"},
}


@pytest.mark.feature(85)
@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        ((), ORDERS),
        (("total",), {"total": 2}),
        (("orders[].id", "total"), {"orders": [{"id": 1}, {"id": 2}], "total": 2}),
        (("orders[].customer.id",), {"orders": [{"customer": {"id": 3}}, {}]}),
        (("orders[].customer", "orders[].customer.id"), {"orders": [{"customer": {"id": 3, "email": "x"}}, {}]}),
        (("orders",), {"orders": ORDERS["orders"]}),
        (("orders.id",), {"orders": [{"id": 1}, {"id": 2}]}),
        (("nothing",), {}),
    ],
)
def test_the_fields_at_the_places_are_kept_in_their_structure(keep: tuple[str, ...], kept: Any) -> None:
    assert projected(ORDERS, keep) == kept


@pytest.mark.parametrize(
    ("value", "keep", "kept"),
    [
        ([{"id": 1, "x": 2}], ("[].id",), [{"id": 1}]),
        ({"id": 1, "x": 2}, ("[].id",), {"id": 1}),
        ([[{"id": 1, "x": 2}]], ("[][].id",), [[{"id": 1}]]),
        ([{"id": 1, "x": 2}], ("id",), [{"id": 1}]),
        ({"orders": "none today"}, ("orders[].id",), {"orders": "none today"}),
        ({"orders": None}, ("orders[].id",), {"orders": None}),
        ("maintenance", ("id",), "maintenance"),
        ({"orders": {"7": {"id": 1}}}, ("orders[].id",), {"orders": {}}),
    ],
)
def test_another_shape_loses_nothing_that_was_approved_and_shows_nothing_that_was_not(value: Any, keep: tuple[str, ...], kept: Any) -> None:
    assert projected(value, keep) == kept


NAMES = st.sampled_from(["id", "note", "secret_field", "orders"])
VALUES = st.recursive(st.integers(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12)


def names_above(value: Any, leaves: tuple[str, ...]) -> set[str]:
    """Every name in a value but those below the leaves."""
    if isinstance(value, list):
        return set().union(*(names_above(item, leaves) for item in value))
    if isinstance(value, dict):
        return {*value}.union(*(names_above(item, leaves) for name, item in value.items() if name not in leaves))
    return set()


@given(value=VALUES)
def test_a_field_that_is_not_named_is_never_passed_on(value: Any) -> None:
    kept = projected(value, ("orders[].id", "id", "note"))
    assert "secret_field" not in names_above(kept, ("id", "note"))


def shaped(body: bytes, keep: tuple[str, ...], media: str = "application/json", whole: bool = True) -> Result:
    of = tool(expected={"type": "object", "properties": {"id": {"type": "integer"}, "mail": {"type": "string"}}})
    of = of.model_copy(update={"response": of.response.model_copy(update={"keep": keep})})
    return respond(of, Answer(200, (("content-type", media),), body, whole), None, None, clean)


def test_an_agent_gets_the_fields_and_the_drift_is_of_the_whole_answer() -> None:
    result = shaped(b'{"id":1,"mail":"a","tax":2}', ("id",))
    assert (result.structured, result.fields) == ({"id": 1}, ("added tax",))
    assert "mail" not in result.text


@pytest.mark.parametrize(("body", "media", "whole"), [(b'{"id":1,"mail":"a', "application/json", False), (b"mail: a", "text/plain", True)])
def test_a_text_in_which_no_field_can_be_told_is_not_passed_on_where_fields_were_chosen(body: bytes, media: str, whole: bool) -> None:
    result = shaped(body, ("id",), media, whole)
    assert (result.structured, result.error, result.drift) == ({"data": None}, "", ("/: media",))
    assert "cannot be told" in result.notes[0]
    assert "mail" in shaped(body, (), media, whole).text


def test_without_the_projection_every_field_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "projected", lambda value, _: value)
    assert shaped(b'{"id":1,"mail":"a"}', ("id",)).structured == {"id": 1, "mail": "a"}


# ---------------------------------------------------------------- places
@pytest.mark.parametrize("place", ["id", "orders[].id", "[].id", "[]", "a[][].b", "@type", "x-y.z_1", "$id"])
def test_these_are_places(place: str) -> None:
    assert checked(place) == place
    assert "".join(step if step == "[]" else f".{step}" for step in steps(place)).removeprefix(".") == place


@pytest.mark.parametrize("place", ["", ".", "a.", ".a", "a..b", "a[0]", "a b", "a[", "ü", "a/b", "a" * 201, "a\n"])
def test_these_are_none(place: str) -> None:
    with pytest.raises(ValueError, match="expected a place"):
        checked(place)


def test_a_place_above_another_takes_it_in() -> None:
    assert tree(("a.b", "a", "c[].d")) == {"a": {}, "c": {"[]": {"d": {}}}}


@pytest.mark.parametrize(
    ("outer", "inner", "does"),
    [
        ((), ("a",), True), (("a",), (), False), ((), (), True), (("a",), ("a",), True), (("a",), ("a.b", "a[]"), True),
        (("a.b",), ("a",), False), (("a", "b"), ("b",), True), (("b",), ("a", "b"), False), (("ab",), ("a",), False),
    ],
)  # fmt: skip
def test_places_cover_what_lies_below_them(outer: tuple[str, ...], inner: tuple[str, ...], does: bool) -> None:
    assert covers(outer, inner) is does
