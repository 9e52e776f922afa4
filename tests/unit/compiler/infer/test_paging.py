"""Which inputs page through a list, and where an answer says what comes next."""

from typing import Any

import pytest

from caskmcp.compiler.infer.paging import WORDS
from caskmcp.model.contract import Paging
from tests.support.traffic import contract, exchange

LIST = "200 {items: [{id: 1}], total: 9}"


def paged(*lines: Any) -> Paging | None:
    return contract(*lines).paging


def test_the_number_of_a_page() -> None:
    assert paged(f"GET /orders?page=2&per_page=20 {LIST}") == Paging(
        style="page", argument="query page", size="query per_page", items="/items", total="answer /total"
    )


def test_the_number_of_an_item() -> None:
    assert paged("GET /orders?offset=20&limit=10 200 [{id: 1}]") == Paging(
        style="offset", argument="query offset", size="query limit", items=""
    )


def test_a_cursor_and_where_the_next_one_stands() -> None:
    found = paged("GET /orders?cursor=YWJjZGVm&limit=10 200 {data: [{id: 1}], next_cursor: eHl6eHl6}")
    assert found == Paging(style="cursor", argument="query cursor", size="query limit", items="/data", following="answer /next_cursor")


def test_a_cursor_in_a_body_beside_a_page_of_edges() -> None:
    body = {"first": 10, "after": "YWJjZGVm"}
    answer = "200 {edges: [{id: 1}], page: {end_cursor: eHl6eHl6, has_next: true}}"
    found = paged(exchange(f"POST /orders/search {answer}", body=body))
    assert found == Paging(style="cursor", argument="body after", size="body first", items="/edges", following="answer /page/end_cursor")


def test_a_url_of_the_answer() -> None:
    found = paged("GET /orders 200 {results: [{id: 1}], next: 'https://api.shop.example/orders', count: 40}")
    assert found == Paging(style="link", items="/results", following="answer /next", total="answer /count")


def test_a_link_in_a_header() -> None:
    headers = (("link", '<https://api.shop.example/orders>; rel="next", </a>; rel="last"'), ("x-total-count", "40"))
    found = paged(exchange("GET /orders 200 [{id: 1}]", response_headers=headers))
    assert found == Paging(style="link", items="", following="header link", total="header x-total-count")


def test_a_page_of_an_answer_that_has_a_link_too_is_asked_for_by_its_number() -> None:
    found = paged(exchange("GET /orders?page=2 200 [{id: 1}]", response_headers=(("link", "</orders>; rel=next"),)))
    assert found == Paging(style="page", argument="query page", items="", following="header link")


@pytest.mark.parametrize(
    "lines",
    [
        ["GET /orders 200 [{id: 1}]"],
        ["GET /orders/7?page=2 200 {id: 1, size: 2}"],
        ["GET /orders?page=home 200 [{id: 1}]"],
        ["GET /orders?limit=10 200 [{id: 1}]"],
        ["GET /orders?after=2026-01-01 200 [{id: 1}]"],
        ["GET /orders?page=2 204"],
        [exchange("GET /orders 200 [{id: 1}]", response_headers=(("link", '</a.css>; rel="preload"'),))],
    ],
)
def test_what_only_looks_like_a_page_is_none(lines: list[Any]) -> None:
    assert paged(*lines) is None


def test_two_lists_of_one_depth_without_a_usual_name_leave_open_which_is_paged() -> None:
    found = paged("GET /orders?page=2 200 {open: [{id: 1}], closed: [{id: 1}]}")
    assert found == Paging(style="page", argument="query page", items=None)


def test_the_order_of_a_list_is_an_input_of_its_own() -> None:
    assert contract("GET /orders?sort=-created_at&order_by=name 200 [{id: 1}]").sorting == ("query order_by", "query sort")
    assert contract("GET /orders/7?sort=name 200 {id: 1, size: 2}").sorting == ()


def test_the_names_of_the_table_are_bare_and_stand_in_one_row() -> None:
    every = [name for row in WORDS for name in row.names]
    assert len(every) == len(set(every))
    assert all(name.isascii() and name.isalnum() and name == name.lower() for name in every)
