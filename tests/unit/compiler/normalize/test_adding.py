"""What pieces of a source count for adds up to exactly what the whole counts for."""

import pickle
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caskmcp import canon
from caskmcp.compiler.capture.codec import encode_line
from caskmcp.compiler.normalize import pieces
from caskmcp.compiler.normalize.stage import Account, bare_part
from caskmcp.model.exchange import Exchange
from tests.support.capturing import capture, entry, har
from tests.support.exchanges import traffic

SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def counted(items: Sequence[Any]) -> Account:
    account = Account(("/orders/{id}",))
    account.read(items)
    return account


def closed(account: Account, items: Sequence[Any]) -> bytes:
    account.find_origins(lambda: map(encode_line, items))
    found = account.plain()
    return canon.compact([found, bare_part(found)])


def added(parts: Sequence[Sequence[Any]]) -> Account:
    """The sum, as it comes from other processes."""
    first, *rest = [pickle.loads(pickle.dumps(counted(part))) for part in parts]
    for other in rest:
        first.add_up(other)
    assert isinstance(first, Account)
    return first


@SLOW
@given(found=traffic, data=st.data())
def test_any_cut_of_any_traffic_adds_up_to_the_whole(found: list[Exchange], data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, 2), min_size=len(found), max_size=len(found)))
    parts = [[item for item, place in zip(found, places, strict=True) if place == number] for number in range(3)]
    assert closed(added(parts), found) == closed(counted(found), found)


def answers(*values: Any) -> list[Any]:
    return [entry(f"https://api.example.com/v1/orders/{number}", answer=value) for number, value in enumerate(values)]


WORDS = ["open", "closed", "paid", "sent", "new", "old", "late", "lost", "done", "held", "draft", "void"]
CASES = {
    "a vocabulary": answers(*({"status": word} for word in WORDS)),
    "too many words for a vocabulary": answers(*({"status": f"{word}-{other}"} for word in WORDS for other in WORDS[:3])),
    "words and one sentence": answers(*({"status": word} for word in WORDS), {"status": "as you like it, or not"}),
    "words with formats": answers({"span": "PaT"}, {"span": "P1D"}, {"span": "P1D"}, {"span": "open"}, {"span": "a b"}),
    "empty texts": answers({"a": ""}, {"a": ""}, {"a": "b"}, {"a": None}),
    "figures": answers(*({"n": number, "f": number / 4} for number in (1, 1, 2, 3, -7, 900)), {"n": 1.0}),
    "unknown keys": answers({"id": 1, "name": "x", "zorbl": "a"}, {"zorbl": 1}, {"id": 2, "name": "y", "zorbl": "b"}),
    "maps and arrays": answers({"a": {"17": 1}}, {"a": {"18": 2.5, "x y": None}}, {"a": []}, {"a": [1, "x", [None]]}, [], [{"b": True}]),
    "requests": [
        entry(
            f"https://api.example.com/v1/orders?page={number}&state=open{'&page=9' * (number % 2)}",
            "POST",
            post=("application/json", '{"qty":1}'),
        )
        for number in range(4)
    ],
    "forms": [
        entry("https://api.example.com/f", "POST", post=("application/x-www-form-urlencoded", f"a={number}&b=x")) for number in range(3)
    ],
    "one token and two": [entry(f"https://api.example.com/v1/users/{name}/x") for name in ("7f3", "7f3", "7f4")],
    "identifiers that answers give and requests take": [
        *answers(*({"order_id": f"ord_{number:06}", "by": "x y" if number == 4 else f"usr_{number:06}"} for number in range(6))),
        *(entry(f"https://api.example.com/v1/items/ord_{number:06}?ref=usr_{number:06}") for number in range(6)),
    ],
    "lists in queries and pages": [
        entry(f"https://api.example.com/v1/orders?ids=1,{number}&q=a b", response_headers={"x-total-count": "3"}) for number in range(3)
    ],
    "constant and different bodies": [
        entry("https://api.example.com/v1/go", "POST", post=("application/json", '{"kind":"full"}')) for _ in range(3)
    ]
    + [entry(f"https://api.example.com/v1/run/{number}", "POST", post=("application/json", f'{{"kind":{number}}}')) for number in range(3)],
    "refused and broken": [
        entry("https://api.example.com/v1/orders/1", status=status, answer={"error": "no"}) for status in (404, 404, 500, 200)
    ],
    "a token that one answer gave and requests sent": [
        entry("https://api.example.com/new", answer={"csrf_token": "q7Hd92LkPz0aWm41TvXc"}),
        *(entry("https://api.example.com/go", "POST", headers={"X-CSRF-Token": "q7Hd92LkPz0aWm41TvXc"}) for _ in range(2)),
    ],
}


@pytest.mark.parametrize("parts", [2, 3])
@pytest.mark.parametrize("name", sorted(CASES))
def test_kinds_of_state_add_up_exactly(name: str, parts: int) -> None:
    items = capture(har(*CASES[name])).items
    whole = closed(counted(items), items)
    assert closed(added([items[number::parts] for number in range(parts)]), items) == whole
    low = len(items) // parts
    assert closed(added([items[:low], items[low:]]), items) == whole


class Members:
    """Inputs of a capture with members of some sizes."""

    def __init__(self, *sizes: int) -> None:
        self.sizes = sizes

    def value(self, role: str) -> Any:
        return {"members": list(self.sizes)} if self.sizes else {}

    def size(self, role: str) -> int:
        return sum(self.sizes)


@pytest.mark.parametrize(
    ("sizes", "jobs", "expected"),
    [
        ((), 4, []),
        ((10, 10), 1, []),
        ((20,), 4, []),
        ((10, 10, 10, 10), 2, [(0, 20), (20, 40)]),
        ((30, 10, 10), 2, [(0, 30), (30, 50)]),
        ((10, 10, 10), 8, [(0, 10), (10, 20), (20, 30)]),
        ((97, 1, 1, 1), 3, [(0, 97), (97, 100)]),
    ],
)
def test_each_process_gets_a_run_of_members_of_about_the_same_size(
    sizes: tuple[int, ...], jobs: int, expected: list[tuple[int, int]]
) -> None:
    assert list(pieces.cut(Members(*sizes), jobs)) == expected  # type: ignore[arg-type]
