"""Fields of contracts written by hand: where each stands, what it rests on, which rules said so."""

from typing import Any

import pytest

from caskmcp.analyze.fields import Field, fields, of_name
from caskmcp.model.contract import Body, Contract, Evidence, Response
from tests.support.contracts import INTEGER, STRING, contract, obj, parameter

TRAFFIC = ("traffic",)


def by_place(found: tuple[Field, ...]) -> dict[str, Field]:
    return {str(row.place): row for row in found}


def orders() -> Contract:
    item = obj(["sku"], sku=STRING, quantity=INTEGER)
    body = obj(["items"], items={"type": "array", "items": item}, note=STRING)
    answer = {"type": "array", "items": obj(["id"], id=INTEGER, labels=obj(team=STRING))}
    base = contract("POST /orders/{order_id}/lines", parameters=[parameter("page", why="never-from-traffic")])
    counts = {"/items": (4, 4), "/items/*/sku": (9, 9), "/items/*/quantity": (5, 9), "/note": (1, 4)}
    return base.model_copy(
        update={
            "bodies": (
                Body(
                    media="application/json",
                    kind="json",
                    schema=body,
                    required=True,
                    evidence=Evidence(seen=4, total=4, sources=TRAFFIC),
                    fields={name: Evidence(seen=seen, total=of, sources=TRAFFIC) for name, (seen, of) in counts.items()},
                ),
            ),
            "responses": (
                Response(
                    status="200",
                    media="application/json",
                    schema=answer,
                    evidence=Evidence(seen=4, total=4, sources=TRAFFIC),
                    fields={"/*/id": Evidence(seen=7, total=7, sources=TRAFFIC), "/*/labels": Evidence(seen=2, total=7, sources=TRAFFIC)},
                ),
            ),
        }
    )


def test_fields_come_in_the_order_of_parameters_bodies_and_answers() -> None:
    assert [(str(row.place), row.name, row.argument, row.leaf) for row in fields(orders())] == [
        ("path order_id", "order_id", "order_id", True),
        ("query page", "page", "page", True),
        ("body application/json /items", "items", "items", False),
        ("body application/json /items/*/quantity", "items.quantity", "items", True),
        ("body application/json /items/*/sku", "items.sku", "items", True),
        ("body application/json /note", "note", "note", True),
        ("answer 200 application/json /*/id", "id", "", True),
        ("answer 200 application/json /*/labels", "labels", "", False),
        ("answer 200 application/json /*/labels/team", "labels.team", "", True),
    ]


def test_each_field_has_its_counts_and_the_rule_of_its_presence() -> None:
    found = by_place(fields(orders()))
    rows = {place: (row.evidence.seen, row.evidence.total, row.required, row.presence) for place, row in found.items()}
    assert rows["body application/json /items/*/sku"] == (9, 9, True, "always-there")
    assert rows["body application/json /items/*/quantity"] == (5, 9, False, "sometimes-absent")
    assert rows["answer 200 application/json /*/labels"] == (2, 7, False, "sometimes-absent")
    assert rows["query page"][3] == "never-from-traffic"


def test_a_field_that_only_a_document_knows_was_seen_in_none_of_what_was_there() -> None:
    documented = Body(
        media="application/json",
        kind="json",
        schema=obj(["note"], note=STRING, code=STRING),
        required=True,
        evidence=Evidence(seen=5, total=5, sources=("spec", "traffic")),
        fields={"/note": Evidence(seen=5, total=5, sources=("spec", "traffic"))},
    )
    found = by_place(fields(contract("POST /notes").model_copy(update={"bodies": (documented,)})))
    code, note = found["body application/json /code"], found["body application/json /note"]
    assert (code.evidence, code.presence, code.reasons) == (Evidence(seen=0, total=5, sources=("spec",)), "stated-optional", ("stated",))
    assert (note.evidence.seen, note.presence) == (5, "stated-required")


def test_a_definition_inside_of_itself_is_followed_once() -> None:
    block = {"type": "object", "properties": {"text": STRING, "children": {"type": "array", "items": {"$ref": "#/$defs/Block"}}}}
    answer: dict[str, Any] = {"$ref": "#/$defs/Block", "$defs": {"Block": block}}
    found = fields(contract("GET /pages/{page_id}", answer=answer))
    assert [row.name for row in found] == ["page_id", "children", "text"]


def test_a_field_that_two_variants_have_is_one_field() -> None:
    either = {"anyOf": [obj(["type", "last"], type=STRING, last=INTEGER), obj(["type"], type=STRING)]}
    found = fields(contract("GET /methods", answer={"type": "array", "items": either}))
    assert [(row.name, row.required) for row in found] == [("last", True), ("type", True)]


def test_a_body_that_is_no_object_is_one_field() -> None:
    whole = fields(contract("POST /names", body={"type": "string"}, body_required=True))[0]
    assert (str(whole.place), whole.name, whole.argument, whole.leaf) == ("body application/json", "", "body", True)


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("id", ["answer 200 application/json /*/id"]),
        ("team", ["answer 200 application/json /*/labels/team"]),
        ("", []),
        ("items.sku", ["body application/json /items/*/sku"]),
        ("sku", ["body application/json /items/*/sku"]),
        ("body application/json /note", ["body application/json /note"]),
        ("/items/*/sku", ["body application/json /items/*/sku"]),
        ("order_id", ["path order_id"]),
        ("items", ["body application/json /items"]),
        ("nothing", []),
    ],
)
def test_a_name_means_an_argument_a_dotted_field_its_last_part_or_a_place(name: str, places: list[str]) -> None:
    assert [str(row.place) for row in of_name(fields(orders()), name)] == places
