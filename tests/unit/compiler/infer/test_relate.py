"""What operations of one origin tell about each other: the same object under the same names, the same entity in answers."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caskmcp.compiler.infer.relate import completed, related, run
from caskmcp.compiler.infer.union import kinds, scalar, unite
from tests.support.contracts import Given
from tests.support.traffic import Item, contracts, exchange

TEXT = {"type": "string"}


def searches(path: str, *bodies: Any) -> list[Item]:
    return [exchange(f"POST {path} 200 []", body=body) for body in bodies]


def plain(*items: Item) -> dict[str, Any]:
    return {row.id: row.plain() for row in contracts(items).values()}


def after(found: Mapping[str, Any]) -> dict[str, Any]:
    """Path -> contract, as later stages read them."""
    rows = {**found, **related(found)}
    return {name.partition("example")[2]: row for name, row in rows.items()}


FILTER = searches("/flows/filter", {"flows": {"id": {"any": [1]}}}, {"flows": {"name": {"like": "a b"}}, "limit": 5}, {"limit": 6})
PAGES = searches("/flows/paginate", {"flows": {"id": {"any": [2]}}, "page": 1}, {"flows": {"tags": {"all": ["a b"]}}, "page": 2})


def body(row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = row["bodies"][0]
    return found


# ---------------------------------------------------------------- arguments
def test_an_object_under_the_same_name_may_have_the_fields_of_its_kin() -> None:
    found = after(plain(*FILTER, *PAGES))
    flows = body(found["/flows/paginate"])["schema"]["properties"]["flows"]
    assert sorted(flows["properties"]) == ["id", "name", "tags"]
    assert flows["properties"]["name"]["x-cask-confidence"] == "low"
    assert "name" not in flows.get("required", [])
    assert flows["additionalProperties"] is False


def test_nothing_inside_of_what_was_added_is_required() -> None:
    many = searches("/flows/filter", *({"flows": {"id": 1, "name": {"like": f"a {number}"}}} for number in "bcde"))
    assert body(plain(*many)["POST api.shop.example/flows/filter"])["schema"]["properties"]["flows"]["properties"]["name"]["required"] == [
        "like"
    ]
    found = after(plain(*many, *searches("/flows/paginate", {"flows": {"id": 2}})))
    added = body(found["/flows/paginate"])["schema"]["properties"]["flows"]["properties"]["name"]
    assert added == {"type": "object", "properties": {"like": TEXT}, "additionalProperties": False, "x-cask-confidence": "low"}


def test_what_was_added_was_seen_in_none_of_all() -> None:
    fields = body(after(plain(*FILTER, *PAGES))["/flows/paginate"])["fields"]
    assert fields["/flows/name"] == {"total": 2, "sources": ["traffic"]}


def test_the_whole_body_is_no_object_of_a_name() -> None:
    found = after(plain(*searches("/flows", {"name": "a b", "owner": "c d"}), *searches("/teams", {"name": "a b", "size": 1})))
    assert sorted(body(found["/flows"])["schema"]["properties"]) == ["name", "owner"]


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("data", {"id": 1}, {"id": 2, "note": "a b"}),
        ("flows", {"id": 1}, {"name": "a b"}),
        ("flows", {"id": 1}, {"id": "a b", "note": "c d"}),
    ],
    ids=["a name that says nothing", "no field in common", "a field of another kind"],
)
def test_objects_that_are_not_plainly_the_same_stay_apart(name: str, one: Any, other: Any) -> None:
    given = plain(*searches("/a", {name: one}), *searches("/b", {name: other}))
    assert related(given) == {}


def test_a_field_that_another_operation_leaves_out_is_not_required_before_ten_samples() -> None:
    few = [*FILTER, *searches("/flows/count", *({"flows": {"id": {"any": [number]}}} for number in range(4)))]
    assert "required" not in body(after(plain(*few))["/flows/count"])["schema"]
    many = [*FILTER, *searches("/flows/count", *({"flows": {"id": {"any": [number]}}} for number in range(10)))]
    assert body(after(plain(*many))["/flows/count"])["schema"]["required"] == ["flows"]


def test_what_a_document_says_is_not_touched() -> None:
    given = plain(*FILTER, *PAGES)
    documented = {
        name: row | {"bodies": [each | {"evidence": {"seen": 3, "total": 3, "sources": ["spec", "traffic"]}} for each in row["bodies"]]}
        for name, row in given.items()
    }
    assert related(documented) == {}


def test_operations_of_other_hosts_tell_nothing() -> None:
    given = plain(*FILTER, *PAGES)
    apart = {name: row | ({"host": "other.shop.example"} if "paginate" in name else {}) for name, row in given.items()}
    assert related(apart) == {}


# ---------------------------------------------------------------- answers
def test_an_entity_has_the_words_and_kinds_that_any_answer_showed() -> None:
    def order(number: int, status: str, note: Any) -> str:
        return f"{{id: {number}, status: {status}, note: {note}}}"

    listed = [f"GET /orders 200 [{order(1, 'open', 'null')}]", f"GET /orders 200 [{order(2, 'paid', 'a b')}]"] * 3
    single = [f"GET /orders/{number} 200 {order(number, word, 'c d')}" for number, word in enumerate(["open", "shipped"] * 3)]
    found = after(plain(*listed, *single))
    one = found["/orders/{order_id}"]["responses"][0]["schema"]
    assert one["properties"]["status"] == {"type": "string", "enum": ["open", "paid", "shipped"]}
    assert one["properties"]["note"] == {"anyOf": [TEXT, {"type": "null"}]}
    assert one["required"] == ["id", "note", "status"]
    assert found["/orders"]["responses"][0]["schema"]["items"]["properties"]["status"]["enum"] == ["open", "paid", "shipped"]


def test_errors_are_no_entities_of_successes() -> None:
    good = ["GET /a 200 {code: 1, message: a b, detail: c d}"]
    bad = ["GET /b 200 {id: 1}", "GET /b 404 {code: x y, message: a b, detail: null}"]
    assert related(plain(*good, *bad)) == {}


def test_two_names_are_too_few_for_an_entity() -> None:
    assert related(plain("GET /a 200 {id: 1, note: a b}", "GET /b 200 {id: 1, note: null}")) == {}


# ---------------------------------------------------------------- both
@given(st.permutations(sorted(plain(*FILTER, *PAGES, *searches("/flows/count", {"flows": {"id": {"any": [1]}, "tags": {"all": []}}})))))
def test_the_order_of_operations_does_not_matter(order: list[str]) -> None:
    given = plain(*FILTER, *PAGES, *searches("/flows/count", {"flows": {"id": {"any": [1]}, "tags": {"all": []}}}))
    assert related({name: given[name] for name in order}) == related(given)


def test_the_stage_relate_gives_only_what_changed_and_later_stages_read_all() -> None:
    given = plain(*FILTER, *PAGES, "GET /health 200 {ok: true}")
    first = Given({"infer.contract": given})
    changed = related(given)
    assert sorted(changed) == sorted(name for name in given if "/flows/" in name)
    assert run(first)["contracts"].startswith(b'{"POST api.shop.example/flows/')  # type: ignore[union-attr]
    whole = completed(Given({"infer.contract": given, "relate.contracts": changed}))
    assert whole == {**given, **changed}


# ---------------------------------------------------------------- unions of scalars
@pytest.mark.parametrize(
    ("own", "others", "union"),
    [
        (TEXT, [TEXT], TEXT),
        (TEXT, [{"type": "null"}], {"anyOf": [TEXT, {"type": "null"}]}),
        ({"type": "integer"}, [{"type": "number"}], {"type": "number"}),
        ({"type": "string", "format": "uuid"}, [{"type": "string", "format": "uuid"}], {"type": "string", "format": "uuid"}),
        ({"type": "string", "format": "uuid"}, [TEXT], TEXT),
        ({"type": "string", "enum": ["b"]}, [{"type": "string", "enum": ["a"]}, TEXT], {"type": "string", "enum": ["a", "b"]}),
        (TEXT, [{"type": "string", "enum": ["a"]}], TEXT),
        ({"type": "integer", "minimum": 0}, [{"type": "integer"}], {"type": "integer", "minimum": 0}),
        (TEXT, [{"type": "integer"}, {"type": "boolean"}], {}),
        ({"anyOf": [TEXT, {"type": "null"}]}, [{"type": "integer"}], {"anyOf": [TEXT, {"type": "integer"}, {"type": "null"}]}),
    ],
)
def test_a_union_allows_what_any_allows(own: dict[str, Any], others: list[dict[str, Any]], union: dict[str, Any]) -> None:
    assert unite(own, others) == union


def test_a_vocabulary_of_more_than_twenty_words_is_none() -> None:
    words = [f"w{chr(97 + number)}" for number in range(21)]
    assert unite({"type": "string", "enum": words[:11]}, [{"type": "string", "enum": words[11:]}]) == TEXT


def test_scalars_are_told_from_what_holds_others_and_from_what_is_not_known() -> None:
    assert (kinds({}), kinds({"type": "array"}), kinds({"anyOf": [TEXT, {}]})) == (frozenset(), frozenset({"array"}), frozenset())
    assert [scalar(schema) for schema in ({}, TEXT, {"type": "array"}, {"anyOf": [TEXT, {"type": "null"}]})] == [False, True, False, True]
