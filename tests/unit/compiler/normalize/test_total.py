"""Sums of settled shapes and rows."""

from typing import Any

import pytest

from caskmcp.compiler.normalize import total
from caskmcp.compiler.normalize.stage import bare_part
from tests.support.traffic import exchange, part

HEAD = {"scheme": "https", "host": "h", "method": "GET", "segments": ["orders"]}


def bounds(low: int, high: int) -> dict[str, Any]:
    return {"integers": 1, "bounds": {"low": low, "high": high}}


def test_counts_formats_and_values_add_up_by_name() -> None:
    one = {"strings": 3, "formats": {"uuid": 1}, "values": {"open": 2}, "redacted": {"email": 1}}
    two = {"strings": 1, "nulls": 4, "values": {"open": 1, "closed": 1}}
    assert total.shape([one, two]) == {
        "strings": 4, "nulls": 4, "formats": {"uuid": 1}, "values": {"open": 3, "closed": 1}, "redacted": {"email": 1},
    }  # fmt: skip


def test_places_below_add_up_place_by_place() -> None:
    one = {"objects": 1, "properties": {"id": {"integers": 1}, "rows": {"arrays": 1, "items": {"nulls": 1}}}}
    two = {"objects": 2, "maps": 1, "properties": {"rows": {"arrays": 1, "items": {"nulls": 2}}}, "map_values": {"strings": 1}}
    assert total.shape([one, two]) == {
        "objects": 3,
        "maps": 1,
        "properties": {"id": {"integers": 1}, "rows": {"arrays": 2, "items": {"nulls": 3}}},
        "map_values": {"strings": 1},
    }


def test_bounds_hold_only_if_all_that_have_figures_have_bounds() -> None:
    assert total.shape([bounds(1, 8), bounds(4, 64), {"strings": 1}])["bounds"] == {"low": 1, "high": 64}
    assert "bounds" not in total.shape([bounds(1, 8), {"integers": 1}])
    assert "bounds" not in total.shape([bounds(1, 8), {"numbers": 1}])


def test_nothing_adds_up_to_nothing() -> None:
    assert total.shape([]) == {}
    assert total.shape([{}, {}]) == {}


def test_rows_add_up_with_their_parameters_bodies_and_answers() -> None:
    rows = bare_part(
        part(
            exchange("POST /orders?page=1&page=2 200 {id: 1}", body={"id": 1}, cookies=("sid",), auth=("bearer",)),
            exchange("POST /orders?page=3 404"),
            exchange("POST /orders 200 type text/csv", body=[["id", "1"]], kind="form", media="application/x-www-form-urlencoded"),
        )
    )["rows"]
    whole = total.row(rows, HEAD)
    assert total.row([*rows, *rows], HEAD)["count"] == 2 * whole["count"] == 6
    assert whole["statuses"] == {"200": 2, "404": 1}
    assert whole["query"]["page"] == {"seen": 2, "repeated": 1, "statuses": {"200": 1, "404": 1}, "shape": {"integers": 2}}
    assert (whole["cookies"], whole["auth"], whole["bodiless"]) == ({"sid": 1}, {"bearer": 1}, {"404": 1})
    assert sorted(whole["requests"]) == ["application/json", "application/x-www-form-urlencoded"]
    assert whole["requests"]["application/x-www-form-urlencoded"]["kind"] == "form"
    assert sorted(whole["responses"]["200"]) == ["application/json", "text/csv"]
    assert {name: whole[name] for name in HEAD} == HEAD


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["json", "json", "form"], "json"),
        (["form", "json"], "form"),
        (["binary", "text"], "binary"),
        (["text", "text", "binary"], "text"),
        (["json"], "json"),
    ],
)
def test_the_kind_of_a_body_is_that_of_the_most(kinds: list[str], expected: str) -> None:
    rows = [{"count": 1, "requests": {"x/y": {"seen": 1} | ({"kind": kind} if kind != "json" else {})}} for kind in kinds]
    assert total.row(rows, HEAD)["requests"]["x/y"].get("kind", "json") == expected
