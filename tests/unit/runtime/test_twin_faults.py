"""Faults of a twin: each does what its row says, to the operations that it is for, and to no other."""

from collections.abc import Callable
from typing import Any

import pytest

from caskmcp.errors import CaskError
from caskmcp.runtime.twin.faults import FAULTS, OTHER, Faulty, planted
from caskmcp.runtime.twin.wire import Answer, body
from tests.support.contracts import HOST
from tests.support.twin_api import asks, order, twin

Ask = Callable[..., Any]
GET = f"GET {HOST}/orders/{{order_id}}"
LIST = f"GET {HOST}/orders"


def faulty(*given: str) -> Faulty:
    at = twin()
    return Faulty(at, planted(at, given))


def value(at: Faulty, method: str, path: str, given: Any = None, **query: Any) -> Any:
    return at.answer(asks(method, path, given, **query)).value


def status(at: Faulty, method: str, path: str, given: Any = None) -> int:
    return at.answer(asks(method, path, given)).status


def whole(at: Faulty, path: str) -> Answer:
    return at.answer(asks("GET", path))


def ids(at: Faulty, **query: Any) -> list[int]:
    return [row["id"] for row in value(at, "GET", "/orders", **query)["items"]]


def after(at: Faulty, method: str, path: str, given: Any, seen: str) -> Any:
    """What a read says after a write."""
    at.answer(asks(method, path, given))
    return value(at, "GET", seen)


# Fault -> what shows it, as a value; then what a twin without it says.
# fmt: off
SHOWN: dict[str, tuple[Callable[[Faulty], Any], Any, Any]] = {
    "status-500":     (lambda at: status(at, "GET", "/health"),                                                   500,  200),
    "status-404":     (lambda at: status(at, "GET", "/orders/1"),                                                 404,  200),
    "status-403":     (lambda at: status(at, "POST", "/orders", {"note": "x"}),                                   403,  201),
    "wrong-media":    (lambda at: whole(at, "/orders/1").media,                                                   "text/html", "application/json"),
    "broken-body":    (lambda at: body(whole(at, "/orders/1"))[:3],                                               b"...", b'{"i'),
    "missing-field":  (lambda at: sorted(value(at, "GET", "/orders/1")),                                          ["id", "status", "total"], ["id", "note", "status", "total"]),
    "null-field":     (lambda at: value(at, "GET", "/orders/1")["note"],                                          None, "note 1"),
    "wrong-type":     (lambda at: value(at, "GET", "/orders/1")["note"],                                          ["note 1"], "note 1"),
    "renamed-field":  (lambda at: sorted(value(at, "GET", "/orders/1")),                                          ["id", "note_new", "status", "total"], ["id", "note", "status", "total"]),
    "wrong-value":    (lambda at: value(at, "GET", "/orders/1")["note"],                                          f"note 1-{OTHER}", "note 1"),
    "extra-enum":     (lambda at: value(at, "GET", "/orders/1")["status"],                                        OTHER, "open"),
    "wrong-thing":    (lambda at: value(at, "GET", "/orders/1")["id"],                                            2, 1),
    "short-list":     (ids,                                                                                       [1, 2, 3], [1, 2, 3, 4]),
    "empty-list":     (ids,                                                                                       [], [1, 2, 3, 4]),
    "repeated-thing": (ids,                                                                                       [1, 1, 2, 3, 4], [1, 2, 3, 4]),
    "wrong-total":    (lambda at: value(at, "GET", "/orders")["total"],                                           5, 4),
    "repeated-page":  (lambda at: ids(at, page=2, size=2),                                                        [1, 2], [3, 4]),
    "ignored-filter": (lambda at: ids(at, status="paid"),                                                         [1, 2, 3, 4], [2, 4]),
    "stale-list":     (lambda at: len(after(at, "POST", "/orders", {"note": "x"}, "/orders")["items"]),           4, 5),
    "stale-read":     (lambda at: after(at, "PATCH", "/orders/1", {"note": "x"}, "/orders/1")["note"],            "note 1", "x"),
    "lost-create":    (lambda at: after(at, "POST", "/orders", {"note": "x"}, "/orders/6"),                       {"code": "no_such_order"}, {"id": 6, "note": "x", "status": "open", "total": 7.5}),
    "reused-id":      (lambda at: value(at, "POST", "/orders", {"note": "x"})["id"],                              5, 6),
    "lost-update":    (lambda at: after(at, "PATCH", "/orders/1", {"note": "x"}, "/orders/1")["note"],            "note 1", "x"),
    "partial-update": (lambda at: after(at, "PATCH", "/orders/1", {"note": "x", "status": "paid"}, "/orders/1"),  order(1, note="x"), order(1, "paid", note="x")),
    "lost-delete":    (lambda at: after(at, "DELETE", "/orders/1", None, "/orders/1"),                            order(1), {"code": "no_such_order"}),
}
# fmt: on


@pytest.mark.parametrize("name", [row.name for row in FAULTS])
def test_each_fault_shows_and_a_twin_without_it_is_sound(name: str) -> None:
    show, wrong, right = SHOWN[name]
    assert show(faulty(name)) == wrong
    assert show(faulty()) == right


def test_there_are_no_two_faults_of_one_name_and_each_has_its_case() -> None:
    assert len({row.name for row in FAULTS}) == len(FAULTS) == 25
    assert SHOWN.keys() == {row.name for row in FAULTS}


def test_a_fault_of_one_operation_leaves_the_others_sound() -> None:
    at = faulty(f"wrong-value:{GET}")
    assert value(at, "GET", "/orders/1")["note"] == f"note 1-{OTHER}"
    assert value(at, "GET", "/orders")["items"][0]["note"] == "note 1"


def test_faults_are_the_same_each_time_and_errors_stay_what_they_are() -> None:
    rows = [value(faulty("null-field"), "GET", "/orders") for _ in range(2)]
    assert rows[0] == rows[1]
    assert status(faulty("status-500"), "GET", "/orders/99") == 404


def test_a_list_has_its_fault_in_each_thing() -> None:
    assert [row["note"] for row in value(faulty(f"null-field:{LIST}"), "GET", "/orders")["items"]] == [None] * 4


@pytest.mark.parametrize("given", ["nonsense", "", "status-500:GET nowhere"])
def test_what_is_no_fault_or_no_operation_is_bad_input(given: str) -> None:
    with pytest.raises(CaskError, match=r"there is no fault|has no operation") as told:
        faulty(given)
    assert told.value.code == "CASK-I010"
