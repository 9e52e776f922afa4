"""Documents against traffic: each rule finds what it is for, and nothing where both agree."""

from typing import Any

import pytest

from caskmcp.compiler.infer.documented import stated
from caskmcp.compiler.infer.reconcile import RULES
from caskmcp.model.exchange import Body, Declared, DeclaredBody, DeclaredParameter, DeclaredResponse
from tests.support.traffic import HOST, Item, contract, exchange

JSON = "application/json"
INTEGER = {"type": "integer"}
STATES = {"type": "string", "enum": ["open", "closed"]}
UUID = "0f8bb918-928c-4b90-9cd5-7a431ef2bf68"


def document(path: str = "/orders", method: str = "GET", **more: Any) -> Declared:
    answer = (DeclaredResponse("200", JSON, {}),)
    return Declared(**{"method": method, "scheme": "https", "host": HOST, "port": 0, "path": path, "responses": answer, **more})


def query(name: str, schema: dict[str, Any], **more: Any) -> Declared:
    return document(parameters=(DeclaredParameter(name, "query", schema, **more),))


def header(name: str) -> Declared:
    return document(parameters=(DeclaredParameter(name, "header", {"type": "string"}),))


def segment(schema: dict[str, Any]) -> Declared:
    return document("/orders/{order_id}", parameters=(DeclaredParameter("order_id", "path", schema, required=True),))


def answers(schema: dict[str, Any] | None, status: str = "200", media: str = JSON) -> Declared:
    return document(responses=(DeclaredResponse(status, media, schema),))


def takes(schema: dict[str, Any], media: str = JSON, **more: Any) -> Declared:
    return document(method="POST", bodies=(DeclaredBody(media, schema),), **more)


def posts(*values: Any) -> list[Item]:
    return [exchange("POST /orders 200", body=value) for value in values]


def fields(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def words(name: str, *values: str) -> list[Item]:
    return [f"GET /orders?{name}={value}" for value in values for _ in range(3)]


def found(*items: Item) -> list[tuple[str, str, str]]:
    return [(row.rule, row.place, row.side) for row in contract(*items).disagreements]


# fmt: off
DISAGREE = (
    # rule                          place                                       items
    ("parameter-not-documented",    "query extra",                              ["GET /orders?extra=1", document()]),
    ("parameter-not-documented",    "header x-team",                            [exchange("GET /orders", headers=(("x-team", "a"),)), document()]),
    ("parameter-required",          "query page",                               ["GET /orders", query("page", INTEGER, required=True)]),
    ("parameter-type",              "query page",                               ["GET /orders?page=next", query("page", INTEGER)]),
    ("parameter-type",              "query open",                               ["GET /orders?open=7", query("open", {"type": "boolean"})]),
    ("parameter-type",              "query ids",                                ["GET /orders?ids=a&ids=b", query("ids", {"type": "array", "items": INTEGER})]),
    ("parameter-type",              "path order_id",                            [f"GET /orders/{UUID}", segment(INTEGER)]),
    ("parameter-enum",              "query state",                              [*words("state", "open", "cancelled"), query("state", STATES)]),
    ("parameter-format",            "query id",                                 ["GET /orders?id=b", query("id", {"type": "string", "format": "uuid"})]),
    ("parameter-format",            "path order_id",                            ["GET /orders/17", segment({"type": "string", "format": "uuid"})]),
    ("body-required",               "body",                                     ["POST /orders 200", takes({}, body_required=True)]),
    ("body-media-not-documented",   "body application/x-www-form-urlencoded",   [exchange("POST /orders", body=[["a", "1"]], media="application/x-www-form-urlencoded", kind="form"), takes({})]),
    ("body-field-not-documented",   f"body {JSON} /gift",                       [*posts({"id": 1, "gift": True}), takes(fields(id=INTEGER))]),
    ("body-field-required",         f"body {JSON} /id",                         [*posts({"id": 1, "total": 1}, {"total": 1}), takes(fields("id", id=INTEGER, total=INTEGER))]),
    ("body-field-type",             f"body {JSON} /id",                         [*posts({"id": "a"}), takes(fields(id=INTEGER))]),
    ("body-field-type",             f"body {JSON} /lines/*/quantity",           [*posts({"lines": [{"quantity": 1.5}]}), takes(fields(lines={"type": "array", "items": fields(quantity=INTEGER)}))]),
    ("body-field-enum",             f"body {JSON} /state",                      [*posts(*({"state": state} for state in ("open", "cancelled") * 3)), takes(fields(state=STATES))]),
    ("body-field-format",           f"body {JSON} /id",                         [*posts({"id": "b"}), takes(fields(id={"type": "string", "format": "uuid"}))]),
    ("status-not-documented",       "answer 503",                               ["GET /orders", "GET /orders 503", document()]),
    ("media-not-documented",        "answer 200",                               ["GET /orders 200 type text/csv", document()]),
    ("media-not-documented",        "answer 200",                               ["GET /orders 200 {id: 1}", answers(None, media="")]),
    ("answer-field-not-documented", f"answer 200 {JSON} /total",                ["GET /orders 200 {id: 1, total: 2}", answers(fields(id=INTEGER))]),
    ("answer-field-required",       f"answer 200 {JSON} /total",                ["GET /orders 200 {id: 1}", answers(fields("total", id=INTEGER, total=INTEGER))]),
    ("answer-field-type",           f"answer 200 {JSON} /id",                   ["GET /orders 200 {id: null}", answers(fields(id=INTEGER))]),
    ("answer-field-type",           f"answer 200 {JSON} /",                     ["GET /orders 200 []", answers(fields(id=INTEGER))]),
    ("answer-field-enum",           f"answer 200 {JSON} /state",                [*["GET /orders 200 {state: open}", "GET /orders 200 {state: cancelled}"] * 3, answers(fields(state=STATES))]),
    ("answer-field-format",         f"answer 200 {JSON} /date",                 ["GET /orders 200 {date: words}", answers(fields(date={"type": "string", "format": "date"}))]),
    ("auth-not-documented",         "auth header:x-api-key",                    [exchange("GET /orders", auth=("header:x-api-key",)), document(auth=("bearer",))]),
    ("documents-differ",            "parameter query page",                     [query("page", INTEGER), query("page", {"type": "string"})]),
    ("documents-differ",            "answer 200 application/json",              [answers(fields(id=INTEGER)), answers(fields(id={"type": "string"}))]),
)
AGREE = (
    ["GET /orders?page=2", query("page", INTEGER)],
    ["GET /orders?page=2", query("page", {"type": "number"})],
    ["GET /orders?page=2", query("page", {"type": "string"})],
    ["GET /orders?page=2", query("page", {})],
    ["GET /orders?ids=1,2", query("ids", {"type": "array", "items": INTEGER}, explode=False)],
    ["GET /orders?extra=1 404", "GET /orders", document(responses=(DeclaredResponse("default", "", None),))],
    [exchange("GET /orders", headers=(("x-team", "a"),)), header("X-Team")],
    [*words("state", "open", "closed"), query("state", STATES)],
    [*words("state", "open"), query("state", STATES)],
    ["GET /orders?state=Ana+Souza", query("state", {"anyOf": [STATES, {"type": "string"}]})],
    ["GET /orders/17", segment(INTEGER)],
    ["GET /orders/amber-9", segment({"type": "string"})],
    ["GET /orders 404", document(responses=(DeclaredResponse("4XX", "", None),))],
    ["GET /orders 200 {id: 1, total: 2}", answers({**fields(id=INTEGER), "additionalProperties": True})],
    ["GET /orders 200 {id: 1}", answers({"allOf": [fields("id", id=INTEGER), fields(total=INTEGER)]})],
    ["GET /orders 200 {id: 1}", "GET /orders 200 {total: 2}", answers({"oneOf": [fields("id", id=INTEGER), fields("total", total=INTEGER)]})],
    ["GET /orders 200 {id: null}", answers(fields(id={"type": ["integer", "null"]}))],
    ["GET /orders 200 {id: null}", answers(fields(id={"anyOf": [INTEGER, {"type": "null"}]}))],
    ["GET /orders 200 {id: 1}", answers({"$ref": "#/$defs/Order", "$defs": {"Order": fields(id=INTEGER, next={"$ref": "#/$defs/Order"})}})],
    ["GET /orders 200 {id: 7}", answers({"type": "object"})],
    [f"GET /orders 200 {{id: {UUID}}}", answers(fields(id={"type": "string", "format": "uuid"}))],
    [*posts({"id": 1}), takes(fields("id", id=INTEGER), body_required=True)],
    [exchange("GET /orders", auth=("bearer",)), document(auth=("bearer", "header:x-api-key"))],
    ["GET /orders?anything=1 200 {id: 1}"],
    [query("page", INTEGER)],
    [query("page", INTEGER), query("page", INTEGER)],
)
# fmt: on


@pytest.mark.parametrize(("rule", "place", "items"), DISAGREE)
def test_a_disagreement_is_one_row_with_its_place_and_the_side_chosen(rule: str, place: str, items: list[Item]) -> None:
    side = next(row.side for row in RULES if row.id == rule)
    assert found(*items) == [(rule, place, side)]


@pytest.mark.parametrize("items", AGREE, ids=range(len(AGREE)))
def test_where_both_agree_there_is_no_row(items: list[Item]) -> None:
    assert found(*items) == []


def test_each_rule_about_one_operation_is_found_by_a_case() -> None:
    of_operations = {"operation-not-seen", "operation-not-documented"}
    assert {rule for rule, _, _ in DISAGREE} | of_operations == {row.id for row in RULES}


def test_no_value_of_traffic_stands_in_a_row() -> None:
    items = [*words("state", "open", "cancelled"), "GET /orders?page=Winterbottom", query("state", STATES), query("page", INTEGER)]
    rows = contract(*items).disagreements
    assert {row.rule for row in rows} == {"parameter-enum", "parameter-type"}
    assert not any(word in str(row) for row in rows for word in ("cancelled", "Winterbottom"))


def test_the_order_of_traffic_and_documents_changes_nothing() -> None:
    items = [*words("state", "open", "cancelled"), "GET /orders?extra=1", query("state", STATES), query("page", INTEGER, required=True)]
    assert found(*items) == found(*reversed(items))


# ---------------------------------------------------------------- what a schema allows
def test_what_every_part_of_a_combination_allows_is_allowed() -> None:
    facts = stated({"allOf": [{"type": ["string", "null"]}, {"type": "string", "enum": ["a", "b"]}, {"enum": ["b", "c"]}]})
    assert (facts.types, facts.words) == (frozenset({"string"}), frozenset({"b"}))


def test_what_one_branch_allows_is_allowed() -> None:
    facts = stated({"oneOf": [fields("a", a=INTEGER), fields("a", "b", b=INTEGER), {"type": "null"}]})
    assert facts.types == frozenset({"object", "null"})
    assert (sorted(facts.fields), facts.required, facts.closed) == (["a", "b"], frozenset({"a"}), True)


def test_a_reference_that_leads_nowhere_or_round_in_a_circle_allows_anything() -> None:
    assert stated({"$ref": "#/$defs/none"}).types is None
    assert stated({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}).types is None
    assert stated(True).types is None


def test_what_is_no_text_makes_no_vocabulary() -> None:
    assert stated({"enum": [1, "a"]}).words is None
    assert stated({"const": 7}).types == frozenset({"integer"})


def test_a_body_of_a_form_is_compared_as_text() -> None:
    form = "application/x-www-form-urlencoded"
    sent = [exchange("POST /orders", body=[["count", "7"], ["name", "x"]], media=form, kind="form")]
    assert found(*sent, takes(fields(count=INTEGER, name={"type": "string"}), form)) == []
    assert found(*sent, takes(fields(count={"type": "string"}, name=INTEGER), form)) == [("body-field-type", f"body {form} /name", "spec")]


def test_an_answer_in_lines_is_compared_item_by_item() -> None:
    lines = Body("application/x-ndjson", "stream", [{"id": "a"}], 9)
    schema = {"type": "array", "items": fields(id=INTEGER)}
    items = [exchange("GET /orders", response=lines), answers(schema, media="application/x-ndjson")]
    assert found(*items) == [("answer-field-type", "answer 200 application/x-ndjson /*/id", "spec")]
