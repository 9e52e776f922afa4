"""Rows: what is counted of the exchanges of one method and raw path."""

from typing import Any

import pytest

from caskmcp.compiler.normalize.row import bare_row, is_input, is_parameter, media
from caskmcp.model.exchange import Body, Exchange
from caskmcp.redact.placeholder import placeholder
from tests.support.traffic import exchange, part


def row(*items: Exchange | str) -> dict[str, Any]:
    found = part(*items)["rows"]
    assert len(found) == 1
    return bare_row(found[0])


def test_exchanges_are_counted_by_status() -> None:
    found = row("GET /orders/1 200 {id: 1}", "GET /orders/2 404", "GET /orders/3 404")
    assert (found["segments"], found["count"], found["statuses"]) == (["orders", "{integer}"], 3, {"200": 1, "404": 2})
    assert "bodiless" not in found


def test_a_query_parameter_is_counted_by_status_and_its_values_only_where_they_were_accepted() -> None:
    found = row("GET /orders?page=1", "GET /orders?page=x 400", "GET /orders 400", "GET /orders?page=2&page=3")
    assert found["query"]["page"] == {"seen": 3, "statuses": {"200": 2, "400": 1}, "repeated": 1, "shape": {"integers": 3}}


def test_a_request_that_was_refused_counts_but_does_not_describe() -> None:
    found = row(exchange("POST /orders", body={"id": 1}), exchange("POST /orders 422", body={"id": "a b", "wrong": 1}), "POST /orders 400")
    assert found["requests"]["application/json"] == {"seen": 2, "shape": {"objects": 1, "properties": {"id": {"integers": 1}}}}
    assert found["bodiless"] == {"400": 1}


def test_what_is_no_json_and_no_form_is_known_to_exist_only() -> None:
    binary = Body(media="application/pdf", kind="binary", size=9)
    absent = Body(media="application/json", kind="absent")
    found = row(exchange("POST /orders", response=binary), exchange("POST /orders", response=absent))
    assert found["responses"]["200"] == {
        "application/pdf": {"seen": 1, "unread": 1, "kind": "binary"},
        "application/json": {"seen": 1, "unread": 1, "kind": "binary"},
    }


def test_a_form_is_an_object_of_texts() -> None:
    pairs = [["id", "7"], ["tags[]", "a b"], ["tags[]", "c d"], ["upload", None], ["", "x"], ["Zoltan Fekete", "1"]]
    found = row(exchange("POST /forms", body=pairs, kind="multipart", media="multipart/form-data"))
    shape = found["requests"]["multipart/form-data"]["shape"]
    assert (shape["objects"], sorted(shape["properties"])) == (1, ["id", "tags[]", "upload"])
    assert shape["properties"] == {
        "id": {"integers": 1},
        "tags[]": {"arrays": 1, "items": {"strings": 2}},
        "upload": {"strings": 1, "formats": {"binary": 1}},
    }


def test_lists_are_counted_by_their_items_and_free_text_as_such() -> None:
    found = row("GET /orders?ids=1,2&q=a%20b", "GET /orders?ids=7&q=c,d", "GET /orders?ids=1,2 400")["query"]
    assert found["ids"] == {
        "seen": 3,
        "statuses": {"200": 2, "400": 1},
        "lists": {",": 1},
        "shape": {"arrays": 1, "integers": 1, "items": {"integers": 2}},
    }
    assert found["q"] == {
        "seen": 2,
        "statuses": {"200": 2},
        "lists": {",": 1},
        "loose": 1,
        "shape": {"arrays": 1, "strings": 1, "items": {"strings": 2}},
    }


def test_bodies_are_told_apart_in_any_order_and_with_any_names() -> None:
    one, same, other = (exchange("POST /orders", body=body) for body in ({"$int": 1}, {"$int": 1.0}, {"$int": True}))
    found = [
        part(*given)["rows"][0]["requests"]["application/json"]["different"]
        for given in ([one], [same], [other], [one, same], [other, one])
    ]
    assert len(found[0]) == 1
    assert found == [found[0]] * 5


def test_headers_that_page_are_counted_by_name_where_the_answer_succeeded() -> None:
    link, total = ("link", '</orders>; title="x"; rel="next"'), ("x-total-count", "40")
    found = row(
        exchange("GET /orders", response_headers=(link, total, ("etag", "a"))),
        exchange("GET /orders", response_headers=(("link", "</a>; rel=prev"), total)),
        exchange("GET /orders 404", response_headers=(link, total)),
    )
    assert found["paged"] == {"link": 1, "x-total-count": 2}


def test_credentials_are_no_parameters_and_their_kind_is_counted() -> None:
    found = row(
        exchange(
            "GET /orders?api_key=x&page=1", auth=("query:api_key", "bearer"), headers=(("x-version", "2"),), cookies=("sid", "sid_471193")
        )
    )
    assert sorted(found["query"]) == ["page"]
    assert (found["auth"], found["cookies"], sorted(found["headers"])) == ({"query:api_key": 1, "bearer": 1}, {"sid": 1}, ["x-version"])


def test_a_segment_with_one_token_is_told_and_the_token_is_not() -> None:
    assert row("GET /pools/amber-9", "GET /pools/amber-9")["single"] == [1]
    assert "single" not in row("GET /pools/amber-9", "GET /pools/amber-8")
    assert "single" not in row("GET /pools")
    cut = placeholder(b"k" * 32, "secret", "hunter2hunter2")
    assert "single" not in row(f"GET /pools/{cut}", f"GET /pools/{cut}")
    assert "amber" not in str(row("GET /pools/amber-9"))


def test_locales_are_kept_with_their_counts() -> None:
    assert row("GET /pt-BR/products", "GET /de-AT/products", "GET /pt-BR/products")["values"] == {"0": {"pt-BR": 2, "de-AT": 1}}


@pytest.mark.parametrize("name", ["page", "filter[state]", "ids[]", "items[0][id]", "rrule", "x-version"])
def test_a_name_of_the_application_is_a_parameter(name: str) -> None:
    assert is_parameter(name, ["1"])


@pytest.mark.parametrize(
    ("name", "value"),
    [("zoltan", ""), ("Zoltan Fekete", "1"), ("a@b.example", "1"), ("", "1"), ("471193", ""), ("filter[471193]", "1"), ("[]", "1")],
)
def test_what_somebody_typed_is_none(name: str, value: str) -> None:
    assert not is_parameter(name, [value])


@pytest.mark.parametrize(
    ("name", "kept"), [("filter[state]", True), ("ids[]", True), ("items[0][id]", True), ("filter[zoltan]", False), ("zoltan", True)]
)
def test_what_stands_in_the_brackets_of_a_query_has_to_be_words_of_the_table(name: str, *, kept: bool) -> None:
    assert is_input(name, ["1"]) is kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("application/json", True),
        ("application/vnd.shop.v2+json", True),
        ("zoltan", False),
        ("text/html; x", False),
        ("a/" + "b" * 99, False),
    ],
)
def test_an_odd_media_type_is_none(text: str, *, kept: bool) -> None:
    assert media(text) == (text if kept else "")
