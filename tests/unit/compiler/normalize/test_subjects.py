"""What fields and arguments are called after."""

import pytest

from caskmcp.compiler.normalize import subjects


@pytest.mark.parametrize(
    ("pointer", "resource", "noun"),
    [
        ("/orders/*/id", "", "order"),
        ("/data/*/id", "order", "order"),
        ("/*/customer_id", "order", "customer"),
        ("/order/customer/id", "", "customer"),
        ("/result/slots/*/slotId", "doctor", "slot"),
        ("/id", "refund", "refund"),
        ("/issues/*/labels/*", "", "label"),
        ("/items/*/key", "", ""),
    ],
)
def test_a_field_is_called_after_itself_or_after_what_is_around_it(pointer: str, resource: str, noun: str) -> None:
    assert subjects.of_pointer(pointer, resource) == noun


@pytest.mark.parametrize(
    ("name", "before", "noun"),
    [("order_id", "orders", "order"), ("id", "orders", "order"), ("o", "orders", "order"), ("sku", "stock", "sku")],
)
def test_a_parameter_of_a_path_is_called_after_its_name_or_the_segment_before(name: str, before: str, noun: str) -> None:
    assert subjects.of_parameter(name, before) == noun


@pytest.mark.parametrize(
    ("name", "noun"), [("customer_id", "customer"), ("id", "order"), ("page", ""), ("/lines/*/product_id", "product"), ("/customer/id", "customer"), ("", "order")]
)  # fmt: skip
def test_an_argument_borrows_the_resource_only_if_its_name_says_that_it_names_a_thing(name: str, noun: str) -> None:
    assert subjects.of_argument(name, "order") == noun


@pytest.mark.parametrize(
    ("place", "noun", "is_own"),
    [("body /slug", "project", True), ("body /id", "project", False), ("body /owner_key", "owner", False), ("query slug", "project", False), ("path 1", "project", False)],
)  # fmt: skip
def test_what_a_client_calls_a_new_thing_is_its_own(place: str, noun: str, is_own: bool) -> None:
    assert subjects.is_own(place, noun, "project") is is_own


@pytest.mark.parametrize(
    ("pointer", "resource", "is_home"),
    [("/orders/*/id", "order", True), ("/result/slots/*/slotId", "", True), ("/*/dynamic_key", "task", False), ("/issues/*/milestone_id", "", False), ("/coupons/*/code", "", True)],
)  # fmt: skip
def test_a_field_names_the_thing_around_it_or_refers_to_another(pointer: str, resource: str, is_home: bool) -> None:
    assert subjects.is_home(pointer, resource) is is_home


@pytest.mark.parametrize(
    ("literals", "call", "noun"), [(["api", "v2", "orders"], "", "order"), (["graphql"], "getOrder", "order"), ([], "", "")]
)
def test_the_resource_of_an_operation_is_its_last_noun(literals: list[str], call: str, noun: str) -> None:
    assert subjects.of_path(literals, call) == noun
