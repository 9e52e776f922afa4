"""Arguments of calls of a shared endpoint: by the types in the text, with null where requests held it."""

from typing import Any

import pytest

from tests.support.traffic import contract, exchange

DATA = "200 {data: {orders: [{id: 1}]}}"


def arguments(text: str, *variables: dict[str, Any]) -> dict[str, Any]:
    lines = (exchange(f"POST /graphql {DATA}", body={"query": text, "operationName": "Orders", "variables": row}) for row in variables)
    (body,) = contract(*lines).bodies
    found: dict[str, Any] = body.schema_["properties"]
    return found


def query(kind: str) -> str:
    return f"query Orders($after: {kind}) {{ orders(after: $after) {{ id }} }}"


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("String", [None, "a"], {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ("String", [None], {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ("String", ["a"], {"type": "string"}),
        ("String!", ["a"], {"type": "string"}),
        ("String!", ["a", None], {"type": "string"}),
    ],
)
def test_a_variable_takes_null_if_its_type_does_and_a_request_held_it(kind: str, values: list[Any], expected: dict[str, Any]) -> None:
    assert arguments(query(kind), *({"after": value} for value in values))["after"] == expected
