"""Whatever was recorded is inside of what was compiled from it: requests and answers of several operations, after they completed each other.

The served schema of answers takes every recorded answer too, and each of them with a field more or less: it cannot brick a call.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caskmcp.compiler.emit.output import is_object, output_schema
from caskmcp.compiler.infer.relate import related
from caskmcp.model.contract import Contract
from caskmcp.model.exchange import Body, Exchange
from caskmcp.text import Document
from tests.support.traffic import contracts, exchange

SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
NAMES = ("id", "type", "status", "total", "name", "items", "created_at", "error", "labels", "next")
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 300),
    st.sampled_from(["open", "paid", "card", "bank", "2026-01-05", "2026-01-05T10:00:00Z", "a b", ""]),
)
VALUES = st.recursive(
    SCALARS, lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(st.sampled_from(NAMES), below, max_size=4)), max_leaves=8
)
OBJECTS = st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=5)
CALLS = st.lists(
    st.tuples(st.sampled_from(["/flows/filter", "/flows/paginate", "/orders"]), OBJECTS, st.one_of(OBJECTS, VALUES)), min_size=1, max_size=8
)


def recorded(calls: list[tuple[str, Any, Any]]) -> list[Exchange]:
    return [
        exchange(f"POST {path} 200", body=request, response=Body(media="application/json", kind="json", value=answer, size=1))
        for path, request, answer in calls
    ]


def compiled(calls: list[tuple[str, Any, Any]]) -> dict[str, Contract]:
    """Contracts by path, as later stages read them."""
    rows = {row.id: row.plain() for row in contracts(recorded(calls)).values()}
    rows |= related(rows)
    return {row["template"]: Contract.of(Document(name, row, {})) for name, row in rows.items()}


def refused(schema: Mapping[str, Any], values: Iterator[Any]) -> list[Any]:
    check = jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True)
    return [value for value in values if not check.is_valid(value)]


@SLOW
@given(CALLS)
def test_every_recorded_request_and_answer_is_taken_by_the_strict_schemas(calls: list[tuple[str, Any, Any]]) -> None:
    for template, contract in compiled(calls).items():
        mine = [call for call in calls if call[0] == template]
        assert refused(contract.bodies[0].schema_, (request for _, request, _ in mine)) == []
        assert refused(contract.responses[0].schema_ or {}, (answer for _, _, answer in mine)) == []


def changed(answer: Any) -> Iterator[Any]:
    yield answer
    if isinstance(answer, dict):
        yield answer | {"brand_new": [1]}
        yield from ({name: value for name, value in answer.items() if name != gone} for gone in answer)
        yield from (answer | {name: {"other": True}} for name in answer)


@SLOW
@given(CALLS)
def test_the_served_schema_takes_every_answer_and_each_with_a_field_more_or_less_or_of_another_type(
    calls: list[tuple[str, Any, Any]],
) -> None:
    for template, contract in compiled(calls).items():
        served = output_schema(contract)
        assert served is not None
        answers = [value for path, _, answer in calls if path == template for value in changed(answer)]
        passed = answers if is_object(contract) else [{"data": answer} for answer in answers]
        assert refused(served, (value for value in passed if isinstance(value, dict))) == []


@SLOW
@given(CALLS)
def test_no_schema_of_a_whole_is_a_choice_between_objects_and_no_type_is_a_list(calls: list[tuple[str, Any, Any]]) -> None:
    for contract in compiled(calls).values():
        assert "anyOf" not in contract.bodies[0].schema_
        for schema in (contract.bodies[0].schema_, contract.responses[0].schema_ or {}):
            branches = [branch["type"] for branch in schema.get("anyOf", ())]
            assert len(branches) == len(set(branches))
            assert [node for node in nodes(schema) if isinstance(node.get("type", ""), list)] == []


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for word in ("properties",):
            for child in schema.get(word, {}).values():
                yield from nodes(child)
        for child in (*schema.get("anyOf", ()), schema.get("items"), schema.get("additionalProperties")):
            yield from nodes(child)
