"""What a person typed is in nothing that leaves the machine: PINs, salaries, phone numbers, names, wherever and however often they stand."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caskmcp.compiler.normalize import words
from caskmcp.model.exchange import Exchange
from tests.support.exchanges import traffic
from tests.support.traffic import everything, exchange, parts

FEW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
NAMES = (
    "zoltan",
    "Zoltan",
    "zoltan-fekete",
    "ZoltanFekete",
    "zoltan_fekete",
    "zoltan.fekete",
    "Zoltan Fekete",
    "zoltán",
    "fekete@shop.test",
    "Łukasz",
)
PIN, SALARY, PHONE = 471193, 73218, 4915112345678
FIGURES = (PIN, SALARY, PHONE)


def is_in(secret: object, output: bytes) -> bool:
    """Whether a planted value stands in the bytes; digits inside a digest are none."""
    text = output.decode("utf-8")
    if isinstance(secret, int):
        return re.search(rf"(?<![0-9a-f]){secret}(?![0-9a-f])", text) is not None
    return str(secret).lower() in text.lower()


def planted(name: str) -> list[Exchange]:
    """One of each place: path, query, header, bodies, keys of maps, forms."""
    segment = quote(name)
    answer: dict[str, Any] = {"id": 1, "balances": {name: SALARY}, "pin": PIN, "phone": PHONE, "note": name, "people": [name]}
    return [
        exchange("GET /orders/1 200 {id: 1}"),
        exchange(f"GET /customers/{segment} 200 {{id: 1, kind: open}}"),
        exchange(f"GET /orders?{segment}"),
        exchange(f"GET /orders?q={segment}&pin={PIN}"),
        exchange("GET /orders", headers=(("x-note", name), ("x-pin", str(PIN)))),
        exchange("POST /orders", body=answer),
        exchange("POST /orders", body={name: answer}),
        exchange("POST /orders", body={name: {name: name}}),
        exchange("POST /orders", body={"prices": {f"user_{PIN}": 1, f"order-{PIN}": 2, f"{PIN}": 3, f"v{PIN}": 4}}),
        exchange(
            "POST /forms", body=[[name, ""], ["note", name], ["pin", str(PIN)]], kind="form", media="application/x-www-form-urlencoded"
        ),
        exchange(f"GET /accounts 200 {{total: 1, {name!r}: 2}}")
        if name.isalpha() and name.isascii()
        else exchange("GET /accounts 200 {total: 1}"),
        exchange(f"PUT /pins/{PIN} 204"),
        exchange(f"GET /{segment}/{PIN}/{PHONE} 404"),
    ]


@pytest.mark.parametrize("times", [1, 3, 40])
@pytest.mark.parametrize("name", NAMES)
def test_a_planted_name_and_planted_figures_are_in_no_output(name: str, times: int) -> None:
    assert not words.is_words(name)
    output = everything(parts(planted(name) * times))
    assert [secret for secret in (name, *FIGURES) if is_in(secret, output)] == []


@pytest.mark.parametrize("times", [1, 3, 40])
def test_planted_values_are_in_no_output_of_a_recording_that_is_cut_into_files(times: int) -> None:
    sources = [[item] * times for item in planted("zoltan")]
    output = everything(parts(*sources))
    assert [secret for secret in ("zoltan", *FIGURES) if is_in(secret, output)] == []


@FEW
@given(
    name=st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=4, max_size=12),
    figure=st.integers(10_000_019, 999_999_999).filter(lambda figure: figure & (figure - 1) != 0),
    times=st.integers(1, 30),
    among=traffic,
)
def test_arbitrary_names_and_figures_among_other_traffic_are_in_no_output(
    name: str, figure: int, times: int, among: list[Exchange]
) -> None:
    if words.is_words(name) or is_in(name, everything(parts([*among, exchange("GET /orders 200 [{id: 1}]")]))):
        return  # a word of the table may stand anywhere, and so may what is part of one
    secret = [
        exchange("GET /orders 200", response=None),
        exchange("POST /orders", body={"balances": {name: figure}, "pin": figure, "id": 1, "state": "open"}),
        exchange("POST /orders", body={name: [figure]}),
    ] * times
    output = everything(parts([*among, exchange("GET /orders 200 [{id: 1}]"), *secret]))
    assert not is_in(name, output)
    assert not is_in(figure, output)


def test_a_bound_is_a_power_of_two_and_needs_five_distinct_values() -> None:
    four = everything(parts([exchange(f"GET /pay 200 {{salary: {SALARY + step}}}") for step in range(4)]))
    five = everything(parts([exchange(f"GET /pay 200 {{salary: {SALARY + step}}}") for step in range(5)]))
    assert b"bounds" not in four
    assert b'"bounds":{"high":131072,"low":65536}' in five


def test_a_vocabulary_needs_three_exchanges_for_each_value_and_a_key_that_is_no_name() -> None:
    def seen(key: str, counts: dict[str, int]) -> bytes:
        return everything(parts([exchange(f"GET /x 200 {{{key}: {value}}}") for value, count in counts.items() for _ in range(count)]))

    assert b'"enum":["closed","open"]' in seen("state", {"open": 3, "closed": 3})
    assert b"enum" not in seen("state", {"open": 3, "closed": 2})
    assert b"enum" not in seen("username", {"open": 3, "closed": 3})
    assert b"zoltan" not in seen("state", {"zoltan": 3, "fekete": 3})


def test_a_value_that_many_items_of_one_exchange_hold_was_seen_in_one_exchange() -> None:
    output = everything(
        parts(["GET /x 200 [{state: open}, {state: open}, {state: open}, {state: closed}, {state: closed}, {state: closed}]"])
    )
    assert b'"values"' not in output
