"""Requests to a shared endpoint become rows of what they ask for; what is none of them stays as it is."""

import json
from typing import Any

import pytest

from caskmcp.compiler.classify.stage import classify
from caskmcp.compiler.emit.tools import made as tool
from caskmcp.compiler.normalize.calls import METHOD_NAME, UNANSWERED, calls_of, reasons
from caskmcp.compiler.normalize.graphql import SUBSCRIPTION, VALUE
from caskmcp.model.exchange import Declared, Exchange
from caskmcp.model.observation import Call, Group
from tests.support.traffic import HOST, contracts, exchange, merged, parts

HASH = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38"
ORDERS = "query Orders($first: Int) { orders(first: $first) { id } }"
PRINTED = "query Orders($first: Int) {\n  orders(first: $first) {\n    id\n  }\n}"
DATA = {"data": {"orders": [{"id": 1}]}}


def answered(line: str, body: Any, answer: Any) -> Exchange:
    return exchange(f"{line} 200 {json.dumps(answer)}", body=body)


def graphql(text: str, answer: Any = DATA, **more: Any) -> Exchange:
    return answered("POST /graphql", {"query": text, **more}, answer)


def rpc(method: str, answer: Any = None, **more: Any) -> Exchange:
    found = {"jsonrpc": "2.0", "id": 9, "result": {"id": 1}} if answer is None else answer
    return answered("POST /rpc", {"jsonrpc": "2.0", "id": 9, "method": method, **more}, found)


def names(exchange: Exchange) -> list[str]:
    return [row.call.get("name") or row.call["refused"] for row in calls_of(exchange)]


@pytest.mark.feature(21)
def test_a_graphql_request_becomes_its_text_and_its_variables() -> None:
    (row,) = calls_of(graphql(ORDERS, operationName="Orders", variables={"first": 5}))
    assert row.call == {
        "protocol": "graphql",
        "within": ["variables"],
        "name": "Orders",
        "kind": "query",
        "roots": ["orders"],
        "constants": {"query": PRINTED, "operationName": "Orders"},
        "digest": "sha256:945c22d2dc1814649a7902caa32440f811d2532ec3dbb40b272ff56c71a0652f",
        "variables": {"first": {"schema": {"type": "integer"}}},
    }
    assert row.exchange.request is not None
    assert row.exchange.request.value == {"first": 5}


def test_the_same_text_has_the_same_digest_however_it_is_laid_out() -> None:
    one, two = (calls_of(graphql(text))[0].call for text in (ORDERS, ORDERS.replace(" ", "\n")))
    assert one == two
    assert one["digest"] != calls_of(graphql(ORDERS.replace("id", "id total")))[0].call["digest"]


@pytest.mark.parametrize(
    ("exchange", "expected"),
    [
        (graphql("{ orders { id } }"), ["orders"]),
        (graphql('{ user(name: "Adelgunde") { id } }'), [VALUE]),
        (graphql("subscription { orders { id } }"), [SUBSCRIPTION]),
        (graphql(ORDERS, {"errors": [{"message": "no"}]}), [UNANSWERED]),
        (graphql(ORDERS, {"errors": [{"message": "no"}], "data": None}), [UNANSWERED]),
        (graphql(ORDERS, {"errors": [{"message": "partly"}], "data": {"orders": []}}), ["Orders"]),
        (exchange("POST /graphql 400", body={"query": ORDERS}), [UNANSWERED]),
        (exchange("POST /graphql 200", body={"query": ORDERS}), ["Orders"]),
        (exchange("POST /graphql 200 type text/html", body={"query": ORDERS}), [UNANSWERED]),
        (graphql("not graphql {"), []),
        (graphql("not graphql {", {"errors": [{"message": "Syntax Error"}]}), [UNANSWERED]),
        (graphql("shoes"), []),
        (graphql(ORDERS, page=2), []),
        (graphql(ORDERS, variables=[1]), []),
        (answered("PUT /graphql", {"query": ORDERS}, DATA), []),
        (answered("POST /graphql", [{"query": ORDERS}, {"query": "{ users { id } }"}], [DATA, DATA]), ["Orders", "users"]),
        (answered("POST /graphql", [{"query": ORDERS}, {"query": "{ users { id } }"}], [DATA]), ["Orders", "users"]),
        (answered("POST /graphql", [{"query": ORDERS}, {"query": "{ users { id } }"}], [DATA, {"errors": []}]), ["Orders", UNANSWERED]),
        (answered("POST /graphql", [{"query": ORDERS}, {"page": 1}], [DATA, DATA]), []),
        (answered("POST /graphql", [], []), []),
        (answered("POST /graphql", [{"query": ORDERS}] * 101, [DATA] * 101), []),
        (rpc("users.get"), ["users.get"]),
        (rpc("eth_getBalance"), ["eth_getBalance"]),
        (rpc("tools/call"), ["tools/call"]),
        (rpc("users.get", {"jsonrpc": "2.0", "id": 9, "result": None}), ["users.get"]),
        (rpc("users.get", {"jsonrpc": "2.0", "id": 9, "error": {"code": 1}}), [UNANSWERED]),
        (rpc("adelgunde.meier"), [METHOD_NAME]),
        (rpc("Adelgunde"), [METHOD_NAME]),
        (rpc("user 7"), [METHOD_NAME]),
        (rpc("users.4711193"), [METHOD_NAME]),
        (rpc("users.get", params="x"), []),
        (rpc("users.get", extra=1), []),
        (answered("POST /rpc", {"jsonrpc": "1.0", "id": 1, "method": "users.get"}, {"result": 1}), []),
        (answered("POST /rpc", {"method": "users.get", "params": {}}, {"result": 1}), ["users.get"]),
        (answered("POST /rpc", {"method": "adelgunde", "params": {}}, {"result": 1}), []),
        (answered("POST /rpc", {"method": "users.get", "action": "list"}, {"result": 1}), []),
        (exchange("POST /rpc 404", body={"action": "list"}), []),
        (exchange("POST /rpc 200 type text/plain", body={"action": "list"}), ["list"]),
        (exchange("POST /rpc 204", body={"jsonrpc": "2.0", "method": "users.touch"}), ["users.touch"]),
        (exchange("GET /orders?page=2"), []),
        (exchange("GET /search?query=shoes"), []),
        (exchange("GET /search?query=%7Bshoes&page=2"), []),
        (exchange("POST /orders", body={"id": 1}), []),
        (exchange("POST /orders"), []),
    ],
)  # fmt: skip
def test_each_request_is_what_its_form_says(exchange: Exchange, expected: list[str]) -> None:
    assert names(exchange) == expected


@pytest.mark.feature(21)
@pytest.mark.parametrize(
    ("body", "constants", "name"),
    [
        (
            {"operationName": "GetOrders", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}},
            {"operationName": "GetOrders", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}},
            "GetOrders",
        ),
        (
            {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}},
            {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}},
            "persisted_ecf4edb4",
        ),
        ({"id": HASH[:32], "operationName": "GetOrders"}, {"id": HASH[:32], "operationName": "GetOrders"}, "GetOrders"),
        ({"documentId": HASH, "operationName": "GetOrders"}, {"documentId": HASH, "operationName": "GetOrders"}, "GetOrders"),
    ],
)
def test_a_persisted_operation_is_pinned_by_its_digest(body: dict[str, Any], constants: Any, name: str) -> None:
    (row,) = calls_of(answered("POST /graphql", {**body, "variables": {"page": 1}}, DATA))
    assert (row.call["constants"], row.call["name"], row.call.get("kind")) == (constants, name, None)
    assert row.exchange.request is not None
    assert row.exchange.request.value == {"page": 1}


@pytest.mark.parametrize(
    "body",
    [
        {"id": HASH},
        {"id": HASH, "variables": {}},
        {"id": "4711193", "operationName": "GetOrders"},
        {"id": "Adelgunde", "operationName": "GetOrders"},
        {"extensions": {"persistedQuery": {"sha256Hash": "Adelgunde"}}},
        {"extensions": {"persistedQuery": {"sha256Hash": 7}}},
        {"extensions": {"persistedQuery": 7}},
        {"extensions": "x", "variables": {}},
    ],
)
def test_an_id_that_is_no_digest_with_a_name_is_none_of_a_persisted_operation(body: dict[str, Any]) -> None:
    assert calls_of(answered("POST /graphql", body, DATA)) == ()


def test_a_persisted_name_that_may_be_a_value_is_not_kept() -> None:
    assert names(answered("POST /graphql", {"id": HASH, "operationName": "Adelgunde"}, DATA)) == [METHOD_NAME]


@pytest.mark.feature(21)
def test_graphql_by_get_is_read_from_the_query_string() -> None:
    line = "GET /graphql?query=%7Borders%7Bid%7D%7D&variables=%7B%22first%22%3A5%7D&operationName="
    (row,) = calls_of(exchange(f"{line} 200 {{data: {{orders: []}}}}"))
    assert row.call["constants"] == {"query": "{\n  orders {\n    id\n  }\n}"}
    assert (row.exchange.query, row.exchange.request and row.exchange.request.value) == ((), {"first": 5})


def test_a_get_whose_variables_are_no_object_stays_a_get() -> None:
    assert calls_of(exchange("GET /graphql?query=%7Borders%7Bid%7D%7D&variables=oops 200 {data: {}}")) == ()


def test_members_of_a_jsonrpc_batch_find_their_answers_by_id() -> None:
    members = [{"jsonrpc": "2.0", "id": number, "method": "users.get", "params": [number]} for number in (1, 2, 3)]
    answers = [{"jsonrpc": "2.0", "id": 3, "result": "three"}, {"jsonrpc": "2.0", "id": 1, "result": "one"}]
    found = calls_of(answered("POST /rpc", members, answers))
    assert [row.exchange.response and row.exchange.response.value for row in found] == [
        {"jsonrpc": "2.0", "id": 1, "result": "one"},
        None,
        {"jsonrpc": "2.0", "id": 3, "result": "three"},
    ]
    assert [row.call["constants"] for row in found] == [{"jsonrpc": "2.0", "id": 1, "method": "users.get"}] * 3


def test_a_notification_is_pinned_without_an_id() -> None:
    (row,) = calls_of(exchange("POST /rpc 204", body={"jsonrpc": "2.0", "method": "users.touch", "params": {"id": 1}}))
    assert row.call["constants"] == {"jsonrpc": "2.0", "method": "users.touch"}


def test_a_request_that_nobody_answered_is_a_plain_one() -> None:
    assert calls_of(exchange("POST /graphql 0", body={"query": ORDERS})) == ()


def test_every_reason_is_said_in_words_without_a_comma() -> None:
    assert all(reason and "," not in reason for reason in reasons())


# ---------------------------------------------------------------- merged
def groups(*sources: list[Exchange]) -> list[Group]:
    found, _ = merged(parts(*sources))
    return [Group.model_validate_json(found[name]) for name in sorted(found)]


def ids(*sources: list[Exchange]) -> list[str]:
    return [group.id.partition("/")[2] for group in groups(*sources)]


@pytest.mark.feature(21)
def test_three_operations_of_one_endpoint_are_three_operations() -> None:
    texts = [ORDERS, "mutation Cancel($id: ID!) { cancelOrder(id: $id) { id } }", "{ users { id } }"]
    assert ids([graphql(text) for text in texts]) == ["graphql#Cancel", "graphql#Orders", "graphql#users"]


def test_two_texts_of_one_name_are_told_apart_by_what_they_pin() -> None:
    one, two = graphql(ORDERS), graphql(ORDERS.replace("id", "id total"))
    assert ids([one, two]) == ids([two], [one])
    found = ids([one, two])
    assert [row.partition("~")[0] for row in found] == ["graphql#Orders", "graphql#Orders"]
    assert len(set(found)) == 2


def test_a_digest_whose_text_was_sent_once_is_that_text() -> None:
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": HASH}}
    first = graphql(ORDERS, operationName="Orders", extensions=extensions)
    later = answered("POST /graphql", {"operationName": "Orders", "extensions": extensions, "variables": {"first": 5}}, DATA)
    (group,) = groups([later, later], [first])
    assert group.call is not None
    assert (group.call.digest != "", group.call.persisted, group.call.constants["query"]) == (True, "", PRINTED)
    assert group.row is not None
    assert group.row.count == 3


def test_variables_that_came_only_sometimes_make_no_second_operation() -> None:
    assert ids([graphql(ORDERS), graphql(ORDERS, variables={"first": 1}), graphql(ORDERS, variables=None)]) == ["graphql#Orders"]
    assert ids([rpc("users.list"), rpc("users.list", params={"page": 1})]) == ["rpc#users.list"]


def test_a_text_that_cannot_be_read_stays_a_post_that_writes() -> None:
    (contract,) = contracts([graphql("oops {", {"orders": []})] * 3).values()
    row = classify(contract)
    assert (contract.call, row.effect, row.risk, [reason.rule for reason in row.reasons]) == (
        None,
        "write",
        "high",
        ["execution", "write-method"],
    )


def test_what_cannot_be_read_is_left_out_beside_what_can_since_it_could_ask_for_anything() -> None:
    rows = [graphql(ORDERS), graphql("oops {"), graphql('{ user(name: "Adelgunde") { id } }')]
    found = [(group.id.partition("/")[2], group.call is not None) for group in groups(rows)]
    assert found == [("graphql#Orders", True)]
    left_out = merged(parts(rows))[1]["left_out"]
    assert left_out[f"POST {HOST}/graphql"] == "what it asks for cannot be read"


def test_what_a_document_declares_at_a_shared_endpoint_stays() -> None:
    declared = Declared(method="POST", scheme="https", host=HOST, port=0, path="/graphql", operation_id="act")
    found = contracts([graphql(ORDERS), graphql("oops {")], [declared])
    assert "POST /graphql" in found


def test_no_part_holds_anything_of_a_request_that_was_refused() -> None:
    (part,) = parts([graphql('query FindAdelgunde { user(name: "Adelgunde") { id } }', {"data": {"adelgunde": 1}})]).values()
    assert "delgunde" not in json.dumps(part)
    assert [row["call"] for row in part["rows"]] == [{"protocol": "graphql", "refused": VALUE}]


@pytest.mark.parametrize(
    ("constants", "within"),
    [
        ({"variables": 1}, ["variables"]),
        ({"params": 1}, ["params", "rows"]),
        ({"params": {"rows": 1}}, ["params", "rows"]),
        ({}, list("abcdefghi")),
    ],
)
def test_a_committed_call_whose_arguments_would_reach_a_constant_is_refused(constants: Any, within: list[str]) -> None:
    with pytest.raises(ValueError, match="lie where a constant is"):
        Call.model_validate_json(json.dumps({"protocol": "jsonrpc", "name": "a", "constants": constants, "within": within}))


# ---------------------------------------------------------------- any other field that chooses
def chosen(action: object, status: int = 200, **more: Any) -> Exchange:
    return exchange(f"POST /api {status} [1]", body={"action": action, **more})


LISTED = [chosen("list_orders", page=1), chosen("list_orders")]
DELETED = [chosen("deleteOrder", id=1), chosen("deleteOrder", id=2)]
PROVED = ["api#deleteOrder", "api#list_orders"]


@pytest.mark.feature(21)
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ([], PROVED),
        ([chosen("add_note", text="x")], ["api#add_note", *PROVED]),
        ([chosen("ship_order", id=3)], ["api#deleteOrder", "api#list_orders", "api#ship_order"]),
        ([chosen("zorkzork", id=1)], ["api", *PROVED]),
        ([chosen("orders.list", page=2)], ["api#deleteOrder", "api#list_orders", "api#orders.list"]),
        ([chosen("list_orders", 400), chosen("zorkzork", 422)], PROVED),
        ([exchange("POST /api", body={"page": 1})], ["api"]),
        ([exchange("POST /api")], ["api"]),
        ([exchange("POST /api", body=[1])], ["api"]),
        ([chosen(7, id=1)], ["api"]),
        ([chosen("list_orders", op="add")], ["api", *PROVED]),
        ([exchange("POST /api", body={"op": "add", "id": 1})], ["api"]),
        ([exchange("POST /api", body=[["action", "list"]], kind="form", media="application/x-www-form-urlencoded")], ["api"]),
    ],
)
def test_a_field_chooses_if_two_of_its_values_come_with_fields_of_their_own(more: list[Exchange], expected: list[str]) -> None:
    assert ids([*LISTED, *DELETED, *more]) == expected
    assert ids(LISTED, [*more, *DELETED]) == expected


@pytest.mark.parametrize(
    "found",
    [
        LISTED,
        [LISTED[0], DELETED[0]],
        [*LISTED, DELETED[0]],
        [*([chosen("approve", id=1)] * 3), *([chosen("reject", id=1)] * 3)],
        [*([chosen("Zoltan", id=1)] * 3), *([chosen("Fekete", page=1)] * 3)],
        [exchange("POST /api 200 [1]", body={"state": state, field: 1}) for state in ("open", "order") for field in ("id", "page")],
    ],
)
def test_without_that_evidence_it_is_one_operation_with_all_its_fields(found: list[Exchange]) -> None:
    ((name, contract),) = contracts(found).items()
    assert (name, contract.call, len(contract.bodies)) == ("POST /api", None, 1)
    assert classify(contract).risk == "high" or "state" in contract.bodies[0].schema_["properties"]


def test_what_the_field_chooses_is_a_constant_beside_the_arguments() -> None:
    found = contracts([*LISTED, *DELETED])["POST /api#deleteOrder"]
    assert found.call is not None
    assert (found.call.protocol, found.call.constants, found.call.within) == ("rpc", {"action": "deleteOrder"}, ())
    assert found.bodies[0].schema_ == {
        "type": "object",
        "properties": {"id": {"type": "integer", "x-cask-confidence": "low"}},
        "additionalProperties": False,
    }
    made = tool(found, classify(found), "delete_order", {}).tool.request.body
    assert made is not None
    assert (made.constants, made.within, [field.wire for field in made.fields]) == ({"action": "deleteOrder"}, (), ["id"])


def test_undivided_bodies_keep_all_their_fields() -> None:
    one = contracts([*LISTED, exchange("POST /api", body={"page": 1})])["POST /api"]
    assert sorted(one.bodies[0].schema_["properties"]) == ["action", "page"]


def test_a_documented_operation_is_never_divided() -> None:
    declared = Declared(method="POST", scheme="https", host=HOST, port=0, path="/api", operation_id="act")
    found = contracts([*LISTED, *DELETED], [declared])
    assert [(name, contract.call, contract.operation_id) for name, contract in found.items()] == [("POST /api", None, "act")]
