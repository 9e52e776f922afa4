"""Which answer the texts of a page came from: matched, ranked, and what matches nothing counted."""

from caskmcp.analyze.verify.provenance import fields, traced

PRODUCTS = [{"name": "Tea Kettle", "price": 29.5}, {"name": "Desk lamp", "price": 49}]
KNOWN = (
    *fields("get_products", PRODUCTS),
    *fields("get_cart", {"lines": [{"name": "Desk lamp"}], "owner": "Ada"}),
    *fields("get_health", {"up": True, "build": 29}),
)


def test_the_list_of_a_page_comes_from_the_call_that_gave_it() -> None:
    row = traced("products", ["  Tea   kettle", "Desk lamp"], KNOWN)
    assert [(each.tool, each.score, each.texts) for each in row.sources] == [("get_products", 1.5, 2), ("get_cart", 0.5, 1)]
    assert (row.texts, row.unknown, row.sources[0].places) == (2, 0, ("/*/name",))


def test_a_text_that_no_answer_held_is_unknown() -> None:
    row = traced("products", ["Tea Kettle", "Buy now!", ""], KNOWN)
    assert (row.texts, row.unknown) == (2, 1)


def test_a_number_in_a_price_is_found_and_a_value_inside_a_text_counts_half() -> None:
    assert [each.places for each in traced("prices", ["EUR 29,50", "$49"], KNOWN).sources] == [("/*/price",)]
    assert traced("lines", ["1 x Tea Kettle in your cart"], KNOWN).sources[0].score == 0.5


def test_short_values_inside_of_words_explain_nothing() -> None:
    assert traced("words", ["Adamant lamps"], KNOWN).unknown == 1
