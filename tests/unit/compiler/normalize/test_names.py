"""Domain names of path parameters."""

from pathlib import Path

import pytest
import yaml

from caskmcp.compiler.normalize import names
from caskmcp.compiler.normalize.group import Operation, texts
from caskmcp.compiler.normalize.operations import Slot
from caskmcp.compiler.normalize.tokens import is_class

CASES = yaml.safe_load((Path(__file__).parents[3] / "cases" / "normalize" / "names.yaml").read_text(encoding="utf-8"))


@pytest.mark.feature(18)
@pytest.mark.parametrize(("raw", "template"), CASES.items())
def test_a_parameter_is_named_after_what_it_is_of(raw: str, template: str) -> None:
    operation = Operation("api.shop.example", 0, "GET")
    segments = raw[1:].split("/")
    operation.path = tuple(Slot(None if is_class(segment) else segment) for segment in segments)
    operation.rows = [
        {"segments": segments, "count": 3, "values": {str(i): {"pt-BR": 3} for i, s in enumerate(segments) if s == "{locale}"}}
    ]
    assert "/" + "/".join(texts(operation.segments())) == template


@pytest.mark.parametrize(
    ("own", "before", "expected"),
    [
        ("id", ["orders"], "order_id"),
        ("pk", ["api", "projects"], "project_pk"),
        ("name", ["work_pools"], "work_pool_name"),
        ("orderId", ["orders"], "order_id"),
        ("id_or_name", ["limits"], "id_or_name"),
        ("X-Order", ["orders"], "x_order"),
        ("id", [], "id"),
        ("größe", ["orders"], "gr_e"),
        ("名", ["orders"], "order_id"),
    ],
)
def test_a_document_names_its_parameter_unless_that_says_nothing_alone(own: str, before: list[str], expected: str) -> None:
    assert names.declared(own, before, {"integer": 1}) == expected


def test_names_are_unique_in_a_path() -> None:
    assert names.unique(["a", "b", "a", "a_2", "a"]) == ["a", "b", "a_2", "a_2_2", "a_3"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("orderId", "order_id"),
        ("X-Api-Key", "x_api_key"),
        ("filter[state]", "filter_state"),
        ("3d", "n3d"),
        ("ids[]", "ids"),
        ("", ""),
        ("--", ""),
        ("a" * 50, "a" * 40),
    ],
)
def test_a_name_is_made_of_lower_case_letters_digits_and_underscores(text: str, expected: str) -> None:
    assert names.snake(text) == expected
