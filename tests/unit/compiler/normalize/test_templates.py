"""Stated templates: parsing, refusal, matching."""

import pytest

from caskmcp.compiler.normalize.templates import parse, split_path
from caskmcp.errors import CaskError


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("/", (("",),)),
        ("/orders", (("orders",),)),
        ("/orders/", (("orders",), ("",))),
        ("/orders/{order_id}", (("orders",), ("{order_id}",))),
        ("/diffs/{a}..{b}", (("diffs",), ("{a}", "..", "{b}"))),
        ("/files/{name}.json?x=1#y", (("files",), ("{name}", ".json"))),
        ("/caf%C3%A9/{id}", (("café",), ("{id}",))),
    ],
)
def test_a_template_is_parsed_segment_by_segment(text: str, segments: tuple[tuple[str, ...], ...]) -> None:
    assert parse(text).segments == segments


@pytest.mark.parametrize(
    "text", ["", "orders", "https://x/orders", "/orders/{", "/orders/}", "/orders/{}", "/orders/{a}{b}", "/{a b}", "/{1a}", "/{{a}}"]
)
def test_what_is_no_template_is_refused_and_named(text: str) -> None:
    with pytest.raises(CaskError) as caught:
        parse(text)
    assert caught.value.code == "CASK-N002"
    assert f"`{text}`" in caught.value.what


@pytest.mark.parametrize(
    ("template", "path", "inside"),
    [
        ("/orders/{id}", "/orders/7", True),
        ("/orders/{id}", "/orders/", False),
        ("/orders/{id}", "/orders", False),
        ("/orders/{id}", "/orders/7/items", False),
        ("/orders/{id}", "/users/7", False),
        ("/orders/{id}/", "/orders/7/", True),
        ("/diffs/{a}..{b}", "/diffs/1..2", True),
        ("/", "/", True),
    ],
)
def test_a_parameter_takes_one_segment_that_is_not_empty(template: str, path: str, *, inside: bool) -> None:
    assert parse(template).matches(split_path(path)) is inside


def test_the_more_exact_template_comes_first() -> None:
    ordered = ["/users/me", "/users/{id}", "/{kind}/me", "/{kind}/{id}"]
    assert sorted([ordered[2], ordered[0], ordered[3], ordered[1]], key=lambda text: parse(text).rank) == ordered
