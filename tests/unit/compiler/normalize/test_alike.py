"""Sources that gave the same part: what stands for all is chosen without the redaction key, and what the key made is united."""

import json
from itertools import permutations
from typing import Any

import pytest

from caskmcp import canon
from caskmcp.compiler.normalize import merge
from caskmcp.compiler.normalize.alike import standing
from caskmcp.compiler.normalize.sketch import of_text
from caskmcp.compiler.normalize.stage import bare_part
from caskmcp.model.exchange import Exchange
from caskmcp.redact.placeholder import placeholder
from tests.support.contracts import Given
from tests.support.traffic import exchange, part

KEYS = [bytes([number]) * 32 for number in range(8)]


def bought(key: bytes, name: str, low: int) -> list[Exchange]:
    """What one person did; whose values lie elsewhere than those of others."""
    who = placeholder(key, "secret", name)
    answers = [f"{{ref: {placeholder(key, 'secret', f'{name}{index}')}, total: {low + index}}}" for index in range(6)]
    return [
        exchange(f"GET /orders/{index}?customer_ref={who} 200 {answer}", session=placeholder(key, "session", name))
        for index, answer in enumerate(answers, low)
    ]


def observations(*sources: list[Exchange]) -> bytes:
    found = {str(number): part(*source) for number, source in enumerate(sources)}
    given = {
        "normalize.part": {step: bare_part(one) for step, one in found.items()},
        "normalize.candidates": found,
        "committed.parts": {},
        "project.paths": None,
    }
    outputs = dict(merge.run(Given(json.loads(canon.compact(given)))))
    assert len(json.loads(outputs["observations"])["parts"]) == 1
    return bytes(outputs["observations"])


def test_which_of_two_equal_parts_stands_for_both_does_not_follow_from_the_key() -> None:
    made = {observations(bought(key, "ada", 16), bought(key, "bob", 4096)) for key in KEYS}
    assert len(made) == 1
    assert b'"bounds":{"high":32,"low":16}' in made.pop().replace(b" ", b"").replace(b"\n", b"")


def row(**more: Any) -> dict[str, Any]:
    return {"kind": "traffic", "rows": [{"method": "GET", "count": 1} | more]}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_the_key_made_is_united_in_any_order(order: tuple[int, ...]) -> None:
    parts = [
        row(taken={"path 1": of_text("ord_1a2b3c")}, given={"/id": of_text("x1")}, tokens={"1": ["aa"]}) | {"visits": {"f": [0]}},
        row(taken={"path 1": of_text("ord_4d5e6f")}, given={"/id": None}, tokens={"1": ["bb"]}) | {"visits": {"e": [0]}},
        row(taken={"path 1": of_text("ord_1a2b3c")}, given={"/id": of_text("x2")}, tokens={"1": ["aa"]}),
    ]
    found = standing([parts[index] for index in order])
    assert found["visits"] == {"e": [0], "f": [0]}
    assert found["rows"][0]["tokens"] == {"1": ["aa", "bb"]}
    assert found["rows"][0]["given"] == {"/id": None}
    assert [len(text) for text in found["rows"][0]["taken"]["path 1"]] == [12, 0, 12]  # two digests of four bytes, in base64


def test_two_bodies_that_were_each_one_and_the_same_are_different() -> None:
    one, two = (row(requests={"application/json": {"seen": 1, "different": [digest]}}) for digest in "ab")
    assert standing([one, two])["rows"][0]["requests"]["application/json"]["different"] == []
    assert standing([one, one])["rows"][0]["requests"]["application/json"]["different"] == ["a"]


def test_one_part_stands_for_itself_and_twice_the_same_one_for_both() -> None:
    only = part(*bought(KEYS[0], "ada", 16))
    assert standing([only]) is only
    assert standing([only, part(*bought(KEYS[0], "ada", 16))]) == only


def test_a_document_that_is_there_twice_is_there_once() -> None:
    stated = {"kind": "spec", "declared": [{"method": "GET"}]}
    assert standing([stated, dict(stated)]) == stated
