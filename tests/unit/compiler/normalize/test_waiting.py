"""Bodies that wait are counted exactly as if none had waited."""

import gc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caskmcp import canon
from caskmcp.compiler.normalize.node import Node
from caskmcp.compiler.normalize.stage import Account
from caskmcp.compiler.normalize.waiting import UNKNOWN, Waiting
from caskmcp.compiler.normalize.written import plain
from caskmcp.model.exchange import Exchange
from tests.support.capturing import capture, entry, har
from tests.support.exchanges import traffic

SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
NOBODY: frozenset[str] = frozenset()


def counted(items: list[Any], most: int) -> bytes:
    account = Account(("/orders/{id}",))
    account.waiting = Waiting(most)
    account.read(items)
    return canon.compact(account.plain())


@SLOW
@given(found=traffic, most=st.integers(0, 8))
def test_how_many_bodies_wait_changes_nothing(found: list[Exchange], most: int) -> None:
    assert counted(found, most) == counted(found, 1 << 30)


def test_a_word_counts_once_for_each_exchange_however_often_it_stands_there() -> None:
    node, waiting = Node(), Waiting()
    waiting.add(node, ["open", "open", "paid"], (0, NOBODY), 9)
    waiting.add(node, ["open"], (1, NOBODY), 9)
    waiting.count()
    waiting.add(node, ["paid"], (1, NOBODY), 9)  # another call in the same exchange
    waiting.count()
    assert plain(node)["items"]["candidates"] == {"open": [3, 2], "paid": [2, 2]}


def test_an_exchange_whose_calls_are_counted_in_two_batches_counts_once() -> None:
    node, waiting = Node(), Waiting()
    for _ in range(2):
        waiting.add(node, {"state": "open"}, (7, NOBODY), 9)
        waiting.count()
    assert plain(node)["properties"]["state"]["candidates"] == {"open": [2, 1]}


def test_an_optional_field_of_one_kind_among_others_keeps_its_exchange() -> None:
    node, waiting = Node(), Waiting()
    for serial, value in enumerate(({"id": 1}, {"id": "open"}, {"state": "paid"}, {"id": "open", "state": "paid"}, {"id": None})):
        waiting.add(node, value, (serial, NOBODY), 9)
    waiting.count()
    fields = plain(node)["properties"]
    assert fields["id"]["candidates"] == {"open": [2, 2]}
    assert fields["state"]["candidates"] == {"paid": [2, 2]}


@pytest.mark.parametrize(("size", "left"), [(0, UNKNOWN), (9, 9)])
def test_a_body_waits_until_there_are_more_bytes_than_may_wait(size: int, left: int) -> None:
    node, waiting = Node(), Waiting(2 * left)
    for number in range(2):
        waiting.add(node, [number], (number, NOBODY), size)
        assert node.arrays == 0
    waiting.add(node, [2], (2, NOBODY), size)
    assert node.arrays == 3


def given_values(*echoed: str) -> Any:
    """What the answers of one operation give, of which each request said one value itself."""
    answers = [
        entry(f"https://api.example.com/v1/orders?cursor={said}", answer={"order_id": f"amber-{number}"})
        for number, said in enumerate(echoed)
    ]
    account = Account()
    account.read(capture(har(*answers)).items)
    (row,) = account.plain()["rows"]
    return row.get("given", {"/order_id": [""]})["/order_id"][0]


def test_only_what_the_own_request_said_is_not_given() -> None:
    assert given_values("amber-0", "amber-1") == ""
    assert given_values("amber-1", "amber-0") == given_values("other-7", "other-8") != ""
    assert given_values("amber-0", "amber-0") not in ("", given_values("amber-1", "amber-0"))


def test_the_collector_is_on_again_after_reading() -> None:
    assert gc.isenabled()
    Account().read([])
    assert gc.isenabled()
    with pytest.raises(TypeError):
        Account().read([object()])
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        Account().read([])
        assert not gc.isenabled()
    finally:
        gc.enable()
