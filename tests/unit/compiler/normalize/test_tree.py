"""The tree of raw paths: what makes two places alike, and what says that they are not."""

from typing import Any

import pytest

from caskmcp.compiler.normalize.tree import Place, alike, facts, is_success, key_paths, union
from tests.support.traffic import Item, exchange, part


def tree(*found: Item) -> Place:
    root = Place()
    for number, row in enumerate(part(*found)["rows"]):
        root.insert(number, row)
    return root


def at(root: Place, path: str) -> Place:
    for segment in path.split("/"):
        root = root.children[segment]
    return root


def compared(*found: Item) -> tuple[int, int]:
    """`alike` of the two places `a` and `b`."""
    root = tree(*found)
    return alike(at(root, "ok"), at(root, "no"))


def verdict(*found: Item) -> str:
    pos, neg = compared(*found)
    return "unlike" if neg else "alike" if pos else "silent"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["GET /ok 200 {id: 1, name: a}", "GET /no 200 {id: 1, name: a}"], "alike"),
        (["GET /ok 200 {id: 1, name: a, more: 1, rest: 2}", "GET /no 200 {id: 1, name: a}"], "alike"),
        (["GET /ok 200 {id: 1, name: a}", "GET /no 200 {total: 1, count: a}"], "unlike"),
        (["GET /ok 200 {id: 1, name: a, page: 1}", "GET /no 200 {id: 1, name: a, count: 3}"], "silent"),
        (["GET /ok 200 {id: 1}", "GET /no 200 {total: 1}"], "silent"),
        (["GET /ok 200 {id: 1}", "GET /no 200 text"], "unlike"),
        (["GET /ok 200 []", "GET /no 200 []"], "silent"),
        (["GET /ok 200 {id: 1, name: a}", "POST /no 200 {total: 1, count: a}"], "silent"),
        (["GET /ok 404 {id: 1, name: a}", "GET /no 200 {total: 1, count: a}"], "silent"),
        (["DELETE /ok 204", "DELETE /no 204"], "silent"),
        (["GET /ok/items 200 []", "GET /no/items 200 []"], "alike"),
        (["GET /ok/items 200 []", "GET /no/items 200 []", "GET /no/notes 200 []"], "silent"),
        (["GET /ok/items 200 {id: 1, name: a}", "GET /no/items 200 {total: 1, count: a}"], "unlike"),
        (["GET /ok/ 200 []", "GET /no/ 200 []"], "silent"),
    ],
)
def test_answers_and_what_lies_below_tell_whether_places_are_alike(found: list[str], expected: str) -> None:
    assert verdict(*found) == expected


@pytest.mark.parametrize(
    ("method", "one", "two", "expected"),
    [
        ("POST", {"id": 1, "name": "a"}, {"id": 1, "name": "a"}, "alike"),
        ("POST", {"id": 1, "name": "a"}, {"total": 1, "count": 2}, "unlike"),
        ("PATCH", {"id": 1, "name": "a"}, {"total": 1, "count": 2}, "silent"),
        ("POST", {"id": 1, "name": "a"}, None, "silent"),
    ],
)
def test_requests_tell_too_but_for_a_patch_which_is_partial_by_nature(method: str, one: Any, two: Any, expected: str) -> None:
    second = exchange(f"{method} /no 204") if two is None else exchange(f"{method} /no 204", body=two)
    assert verdict(exchange(f"{method} /ok 204", body=one), second) == expected


def test_alike_is_the_same_from_both_sides() -> None:
    root = tree(
        "GET /ok 200 {id: 1, name: a}", "GET /ok/items 200 {id: 1, page: 2}", "GET /no 200 {id: 1, name: a}", "GET /no/items 200 text"
    )
    assert alike(at(root, "ok"), at(root, "no")) == alike(at(root, "no"), at(root, "ok"))


def test_a_union_has_the_rows_methods_and_children_of_all_and_changes_none() -> None:
    root = tree("GET /ok 200 {id: 1}", "DELETE /no 204", "GET /ok/items 200 []", "GET /no/items 404", "GET /no/notes 200 []")
    both = union([at(root, "ok"), at(root, "no")])
    assert sorted(both.methods) == ["DELETE", "GET"]
    assert sorted(both.children) == ["items", "notes"]
    assert both.children["items"].methods["GET"].count == 2
    assert both.children["items"].methods["GET"].successes == 1
    assert sorted(at(root, "ok").methods) == ["GET"]
    assert at(root, "ok/items").methods["GET"].count == 1


def test_a_place_succeeded_if_anything_at_it_or_below_did() -> None:
    root = tree("GET /ok 404", "GET /ok/items 200 []", "GET /no 404", "GET /no/items 500", "GET /default 304")
    assert [at(root, name).succeeded() for name in ("ok", "no", "default")] == [True, False, True]
    assert at(root, "ok").good == frozenset()


def test_key_paths_go_four_keys_deep_and_through_arrays_and_stop_at_maps() -> None:
    row = part("GET /ok 200 {id: 1, rows: [{id: 1, owner: {name: {first: {last: 1}}}}], map: {a b: 1}}")["rows"][0]
    shape = row["responses"]["200"]["application/json"]["shape"]
    assert sorted(key_paths(shape)) == [
        "id", "map", "map.*", "rows", "rows.[]", "rows.[].id", "rows.[].owner", "rows.[].owner.name", "rows.[].owner.name.first",
    ]  # fmt: skip
    assert facts(row).responses == set(key_paths(shape))


@pytest.mark.parametrize(
    ("status", "good"), [("200", True), ("204", True), ("304", True), ("302", False), ("404", False), ("0", False), ("101", False)]
)
def test_success_is_2xx_and_not_modified(status: str, *, good: bool) -> None:
    assert is_success(status) is good
