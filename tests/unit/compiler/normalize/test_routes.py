"""What routers say decides what is a parameter, what it is called, and what is a literal; over all sources together."""

import json
from itertools import permutations
from typing import Any

import pytest

from caskmcp import canon
from caskmcp.compiler.normalize import merge, stage, templates, vocabulary
from caskmcp.model.observation import Part
from tests.support import otlp
from tests.support.capturing import Captured, capture, entry, har
from tests.support.contracts import Given

HOST = "api.example.com"


def traces(*calls: tuple[str, str, str]) -> Captured:
    """A capture of traces. calls: method, path, route."""
    spans = [
        otlp.span(number, otlp.served(method, path, route=route), trace=f"{number:032x}")
        for number, (method, path, route) in enumerate(calls, 1)
    ]
    return capture(otlp.document(*spans), kind="otel")


def browsed(*paths: str) -> Captured:
    return capture(har(*(entry(f"https://{HOST}{path}", answer={"id": 1, "state": "open"}) for path in paths)))


def named(*captures: Captured) -> tuple[str, ...]:
    """What the vocabulary holds for these captures."""
    heads = {str(number): each.head for number, each in enumerate(captures)}
    return tuple(json.loads(bytes(vocabulary.run(Given({"capture.head": heads, "project.paths": []}))["templates"])))  # type: ignore[arg-type]


def parts(*captures: Captured) -> dict[str, Any]:
    found = [stage.summarize(each.items, named(*captures)) for each in captures]
    return {merge.part_id(stage.bare_part(each)): each for each in found}


def operations(*captures: Captured, paths: tuple[str, ...] = ()) -> list[str]:
    groups, _ = merge.merge(parts(*captures), [templates.parse(path) for path in paths])
    return sorted(groups)


ORDERS = [("GET", f"/orders/{number}", "/orders/:id") for number in (17, 18)]


@pytest.mark.feature(18)
def test_a_parameter_is_named_from_the_route() -> None:
    assert operations(traces(*ORDERS)) == [f"GET {HOST}/orders/{{order_id}}"]
    assert operations(traces(("GET", "/tenants/acme/orders", "/tenants/{tenantSlug}/orders"))) == [
        f"GET {HOST}/tenants/{{tenant_slug}}/orders"
    ]
    assert operations(traces(("GET", "/a/1/b/2", "/a/<int:left>/b/<int:right>"))) == [f"GET {HOST}/a/{{left}}/b/{{right}}"]


def test_a_word_of_the_table_in_the_place_of_a_parameter_stays_apart() -> None:
    assert operations(traces(("GET", "/tags/report", "/tags/:tag"), ("GET", "/tags/users", "/tags/:tag"))) == [
        f"GET {HOST}/tags/report",
        f"GET {HOST}/tags/users",
    ]


def test_the_traffic_may_still_make_such_a_word_a_value() -> None:
    spans = traces(*(("GET", f"/tags/{tag}", "/tags/:tagSlug") for tag in ("7", "summer", "winter-garden")))
    assert operations(spans) == [f"GET {HOST}/tags/{{tag_slug}}"]


def test_a_literal_that_is_no_word_of_the_table_is_left_to_the_traffic() -> None:
    words = [("GET", f"/reports/{word}", f"/reports/{word}") for word in ("quillon", "brackwater", "lateness")] * 3
    assert operations(traces(*ORDERS, *words)) == [f"GET {HOST}/orders/{{order_id}}", f"GET {HOST}/reports/{{report_name}}"]
    found = operations(traces(("GET", "/2024-01-01/cards/7", "/2024-01-01/cards/{id}")))
    assert [name for name in found if "2024" in name] == []


def test_a_literal_beside_a_parameter_stays_apart_and_so_it_does_in_other_sources() -> None:
    spans = traces(*ORDERS, ("GET", "/orders/search", "/orders/search"))
    assert operations(spans, browsed("/orders/search", "/orders/99", "/orders/zz-9")) == [
        f"GET {HOST}/orders/search",
        f"GET {HOST}/orders/{{order_id}}",
    ]


def test_what_people_write_under_paths_wins() -> None:
    spans = traces(("GET", "/reports/lateness", "/reports/lateness"), *ORDERS)
    assert operations(spans, paths=("/reports/{kind}", "/orders/{number}")) == [
        f"GET {HOST}/orders/{{number}}",
        f"GET {HOST}/reports/{{kind}}",
    ]


def test_the_order_of_sources_changes_nothing() -> None:
    captures = [
        traces(*ORDERS),
        traces(("GET", "/orders/mine", "/orders/mine"), ("GET", "/orders/20", "/orders/{orderId}")),
        browsed("/orders/5"),
    ]
    found = {tuple(operations(*each)) for each in permutations(captures)}
    assert len(found) == 1


def test_a_path_that_was_called_a_route_leaves_no_value_behind() -> None:
    raw = [("GET", path, path) for path in ("/users/quillon", "/users/17", "/users/brackwater")]
    found = traces(*raw, *ORDERS)
    text = canon.compact(stage.bare_part(next(iter(parts(found).values())))).decode()
    assert named(found) == ("/orders/{id}",)
    assert [name for name in ("quillon", "brackwater") if name in text] == []


def test_a_secret_in_a_route_is_cut_and_the_route_is_none() -> None:
    key = "AKIA" + "Z7QH3MKX5RTB2VNC"  # of the form of a cloud's access key
    found = traces(("GET", f"/keys/{key}/x/17", f"/keys/{key}/x/:id"), *ORDERS)
    assert key.encode() not in found.written
    assert named(found) == ("/orders/{id}",)


def test_the_cut_of_traces_into_files_changes_no_literal() -> None:
    words = [("GET", "/reports/lateness", "/reports/lateness"), ("GET", "/orders/mine", "/orders/mine")]
    assert operations(traces(*ORDERS), traces(*words)) == operations(traces(*ORDERS, *words))


def test_a_part_with_routes_is_a_part_and_says_where_its_literals_come_from() -> None:
    (part,) = parts(traces(*ORDERS)).values()
    read = Part.model_validate_json(canon.compact(stage.bare_part(part)))
    assert [(row.named, row.routed) for row in read.rows] == [({"1": "id"}, True)]


def test_a_capture_of_traces_read_again_gives_the_same() -> None:
    first = traces(*ORDERS, ("GET", "/orders/mine", "/orders/mine"))
    again = capture(first.packed, kind="capture")
    assert (again.head["id"], again.head["routes"], again.items) == (first.head["id"], first.head["routes"], first.items)
    assert json.dumps(parts(again), default=str) == json.dumps(parts(first), default=str)
