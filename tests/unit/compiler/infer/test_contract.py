"""Contracts: parameters, bodies and answers of traffic and of documents, each with its evidence."""

import json
from typing import Any

import pytest

from caskmcp.compiler.infer import stage
from caskmcp.compiler.infer.parameters import wire_schema
from caskmcp.compiler.normalize import merge
from caskmcp.compiler.normalize.stage import bare_part
from caskmcp.model.contract import Contract, Evidence, Parameter
from caskmcp.model.exchange import Body, Declared, DeclaredBody, DeclaredParameter, DeclaredResponse
from caskmcp.model.observation import Shape
from tests.support.contracts import Given
from tests.support.traffic import HOST, Item, contract, contracts, exchange, merged, parts


def declared(method: str = "GET", path: str = "/orders", *, parameters: tuple[Any, ...] = (), **more: Any) -> Declared:
    return Declared(method=method, scheme="https", host=HOST, port=0, path=path, parameters=parameters, **more)


def query(found: Contract, name: str) -> Parameter:
    return next(parameter for parameter in found.parameters if (parameter.location, parameter.wire) == ("query", name))


def seen(parameters: list[Parameter] | tuple[Parameter, ...]) -> list[tuple[str, str, str, bool]]:
    return [(parameter.location, parameter.name, parameter.wire, parameter.required) for parameter in parameters]


# ---------------------------------------------------------------- parameters
@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (["1", "2"], {"type": "integer"}),
        (["0f8bb918-928c-4b90-9cd5-7a431ef2bf68"], {"type": "string", "format": "uuid"}),
        (["2024-01-31"], {"type": "string", "format": "date"}),
        (["5f3a9c0de1"], {"type": "string", "pattern": "^[0-9A-Fa-f]+$"}),
        (["01ARZ3NDEKTSV4RRFFQ69G5FAV"], {"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"}),
        (["amber-9"], {"type": "string"}),
        (["1", "amber-9"], {"type": "string"}),
        (["pt-BR", "de-AT"], {"type": "string", "enum": ["de-AT", "pt-BR"]}),
    ],
)
def test_a_path_parameter_is_of_the_class_of_its_values(tokens: list[str], expected: dict[str, Any]) -> None:
    found = contract(*(f"GET /orders/{token} 200 {{id: 1, total: 2}}" for token in tokens))
    assert [(parameter.schema_, parameter.required, parameter.why) for parameter in found.parameters] == [(expected, True, "path")]
    assert found.parameters[0].evidence == Evidence(seen=len(tokens), total=len(tokens), sources=("traffic",))


def test_languages_and_regions_are_an_enum_with_the_values_that_were_seen() -> None:
    found = contract("GET /en/products 200 []", "GET /de/products 200 []", "GET /pt-BR/products 200 []")
    assert (found.template, found.parameters[0].schema_) == ("/{locale}/products", {"type": "string", "enum": ["de", "en", "pt-BR"]})


def test_query_parameters_are_read_from_the_wire() -> None:
    found = contract("GET /orders?page=1&q=a%20b&open=true&price=1.5&ids=1&ids=2&from=2026-01-05&x=1", "GET /orders?x=b%20c")
    assert {parameter.wire: parameter.schema_ for parameter in found.parameters} == {
        "page": {"type": "integer"},
        "q": {"type": "string"},
        "open": {"type": "boolean"},
        "price": {"type": "number"},
        "ids": {"type": "array", "items": {"type": "integer"}},
        "from": {"type": "string", "format": "date"},
        "x": {"type": "string"},
    }
    assert query(found, "ids").explode is True
    assert query(found, "page").evidence == Evidence(seen=1, total=2, sources=("traffic",))


def test_a_query_vocabulary_is_an_enum() -> None:
    found = contract(*["GET /orders?sort=asc"] * 3, *["GET /orders?sort=desc"] * 3, "GET /orders")
    assert query(found, "sort").schema_ in ({"type": "string", "enum": ["asc", "desc"]}, {"type": "string"})
    found = contract(*["GET /orders?sort=name"] * 3, *["GET /orders?sort=price"] * 3, "GET /orders")
    assert query(found, "sort").schema_ == {"type": "string", "enum": ["name", "price"]}


def test_a_parameter_that_was_always_there_is_not_required() -> None:
    found = contract(*["GET /orders?page=1"] * 20)
    assert (query(found, "page").required, query(found, "page").why) == (False, "never-from-traffic")


@pytest.mark.parametrize("status", [400, 422])
def test_a_parameter_whose_absence_was_refused_is_required(status: int) -> None:
    found = contract("GET /orders?page=1", f"GET /orders {status}")
    assert (query(found, "page").required, query(found, "page").why) == (True, "absence-refused")


@pytest.mark.parametrize(
    "lines",
    [
        ("GET /orders?page=1", "GET /orders 404"),
        ("GET /orders?page=1", "GET /orders 422", "GET /orders 200"),
        ("GET /orders?page=1", "GET /orders?page=x 422"),
    ],
)
def test_an_absence_that_succeeded_or_failed_otherwise_proves_nothing(lines: tuple[str, ...]) -> None:
    assert not query(contract(*lines), "page").required


def test_a_parameter_that_only_failed_is_none() -> None:
    assert contract("GET /orders 200 []", "GET /orders?wrong=1 400").parameters == ()


def test_headers_are_parameters_and_cookies_are_not() -> None:
    found = contract(exchange("GET /orders 200 []", headers=(("x-version", "2"),), cookies=("theme",)))
    assert seen(found.parameters) == [("header", "x_version", "x-version", False)]


def test_names_are_safe_and_unique_and_the_wire_keeps_its_own() -> None:
    found = contract(exchange("GET /orders/7?order_id=1&filter[state]=open&filter_state=x", headers=(("order-id", "3"),)))
    assert [(parameter.name, parameter.wire) for parameter in found.parameters] == [
        ("order_id", "order_id"),
        ("filter_state", "filter[state]"),
        ("filter_state_2", "filter_state"),
        ("order_id_2", "order_id"),
        ("order_id_3", "order-id"),
    ]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (Shape(), {"type": "string"}),
        (Shape(integers=1, numbers=1), {"type": "number"}),
        (Shape(integers=1, booleans=1), {"type": "string"}),
        (Shape(integers=1, strings=1), {"type": "string"}),
        (Shape(strings=2, formats={"uuid": 2}), {"type": "string", "format": "uuid"}),
        (Shape(strings=2, formats={"uuid": 1}), {"type": "string"}),
        (Shape(strings=2, values={"a": 1, "b": 1}), {"type": "string", "enum": ["a", "b"]}),
        (Shape(strings=3, values={"a": 1, "b": 1}), {"type": "string"}),
    ],
)
def test_what_travels_as_text_is_text_unless_all_of_it_reads_as_something(shape: Shape, expected: dict[str, Any]) -> None:
    assert wire_schema(shape) == expected
    assert wire_schema(shape, several=True) == {"type": "array", "items": expected}


# ---------------------------------------------------------------- bodies
def posts(*bodies: Any, line: str = "POST /orders", **more: Any) -> list[Item]:
    return [exchange(line, body=body, **more) for body in bodies]


def test_a_body_is_required_if_three_successes_had_one_and_none_had_not() -> None:
    assert contract(*posts({"id": 1}, {"id": 2}, {"id": 3})).bodies[0].required
    assert not contract(*posts({"id": 1}, {"id": 2})).bodies[0].required
    assert not contract(*posts({"id": 1}, {"id": 2}, {"id": 3}), "POST /orders").bodies[0].required
    assert contract(*posts({"id": 1}, {"id": 2}, {"id": 3}), "POST /orders 400").bodies[0].required


def test_a_refused_body_describes_nothing() -> None:
    found = contract(*posts({"id": 1}), exchange("POST /orders 422", body={"id": "x", "other": 1}))
    known = {"id": {"type": "integer", "x-cask-confidence": "low"}}
    assert found.bodies[0].schema_ == {"type": "object", "properties": known, "additionalProperties": False}


def test_an_operation_whose_bodies_were_all_refused_has_none() -> None:
    assert contract("POST /orders", exchange("POST /orders 415", body={"id": 1}, media="application/xml")).bodies == ()


@pytest.mark.parametrize(
    ("bodies", "needed"),
    [([{"id": 1}, {"id": 2}], []), ([{"id": 1}] * 4, []), ([{"id": 1}, {"id": 2}, {"id": 2}], ["id"])],
    ids=["two", "one and the same", "three"],
)
def test_a_field_is_required_from_three_requests_that_are_not_all_the_same_and_until_then_marked(
    bodies: list[Any], needed: list[str]
) -> None:
    (body,) = contract(*posts(*bodies)).bodies
    assert body.schema_.get("required", []) == needed
    assert body.schema_["properties"]["id"].get("x-cask-confidence") == (None if needed else "low")


def test_the_same_request_in_two_recordings_is_no_further_sample() -> None:
    (same,) = contracts(posts({"id": 1}), posts({"id": 1}, {"id": 1}, {"id": 1})).values()
    assert "required" not in same.bodies[0].schema_
    (other,) = contracts(posts({"id": 1}), posts({"id": 2}, {"id": 2})).values()
    assert other.bodies[0].schema_["required"] == ["id"]


def test_whether_requests_differed_is_kept_without_what_they_held() -> None:
    ((name, found),) = parts(posts({"id": 7}, {"id": 7})).items()
    body = found["rows"][0]["requests"]["application/json"]
    assert len(body["different"]) == 1
    assert "different" not in json.dumps(bare_part(found))
    merge.merge({name: found}, [])
    assert body["same"] is True
    assert "different" not in body


def test_a_clone_that_adds_a_recording_requires_no_more_than_all_of_it_together() -> None:
    ((name, committed),) = parts(posts({"id": 1}, {"id": 1})).items()
    merge.merge({name: committed}, [])
    (data,) = merged({name: committed} | parts(posts({"id": 2}, {"id": 2}, {"id": 2})))[0].values()
    assert json.loads(data)["row"]["requests"]["application/json"]["same"] is True
    (data,) = merged({name: committed} | parts(posts({"id": 3}, {"id": 4}, {"id": 5})))[0].values()
    assert "same" not in json.loads(data)["row"]["requests"]["application/json"]


def test_the_fields_of_a_patch_are_never_required() -> None:
    found = contract(*posts(*[{"id": 1}] * 9, line="PATCH /orders/1"))
    assert "required" not in found.bodies[0].schema_


def test_a_form_is_a_closed_object_of_what_its_texts_say() -> None:
    forms = [[["page", page], ["tags[]", "a b"], ["tags[]", "c d"]] for page in "789"]
    found = contract(*posts(*forms, kind="form", media="application/x-www-form-urlencoded"))
    assert (found.bodies[0].kind, found.bodies[0].schema_) == (
        "form",
        {
            "type": "object",
            "properties": {"page": {"type": "integer"}, "tags[]": {"type": "array", "items": {"type": "string"}}},
            "required": ["page", "tags[]"],
            "additionalProperties": False,
        },
    )


@pytest.mark.parametrize(("media", "kind"), [("text/csv", "text"), ("application/pdf", "binary")])
def test_what_cannot_be_read_has_no_schema(media: str, kind: str) -> None:
    found = contract(exchange("POST /orders", body=None, media=media, kind=kind))
    assert (found.bodies[0].kind, found.bodies[0].schema_) == (kind, {})


def test_each_field_of_a_body_has_its_evidence() -> None:
    found = contract(*posts({"id": 1, "owner": {"a/b": 1, "total": 2}, "rows": [{"id": 1}, {}]}, {"id": 2}))
    evidence = {pointer: (row.seen, row.total) for pointer, row in found.bodies[0].fields.items()}
    assert evidence == {"/id": (2, 2), "/owner": (1, 2), "/owner/total": (1, 1), "/rows": (1, 2), "/rows/*/id": (1, 2)}


# ---------------------------------------------------------------- answers
def test_answers_stand_by_status_and_media_type() -> None:
    found = contract("GET /orders 200 [{id: 1}]", "GET /orders 200 type text/csv", "GET /orders 404 {error: a b}", "GET /orders 500")
    assert [(response.status, response.media, response.schema_ is None) for response in found.responses] == [
        ("200", "application/json", False),
        ("200", "text/csv", True),
        ("404", "application/json", False),
        ("500", "", True),
    ]
    assert found.responses[0].evidence == Evidence(seen=1, total=2, sources=("traffic",))
    assert found.statuses == {"200": 2, "404": 1, "500": 1}


def test_the_strict_schema_of_an_answer_requires_from_the_first_sample_and_is_open() -> None:
    schema = contract("GET /orders/1 200 {id: 1, total: 2}").responses[0].schema_
    assert schema is not None
    assert (schema["required"], "additionalProperties" in schema) == (["id", "total"], False)


# ---------------------------------------------------------------- documents
PAGE = DeclaredParameter(name="page", location="query", schema={"type": "integer", "minimum": 1}, required=True, description="Which page")


def test_a_document_wins_and_traffic_counts() -> None:
    document = declared(
        parameters=(PAGE,), responses=(DeclaredResponse("200", "application/json", {"type": "array", "maxItems": 9}),), title="All orders"
    )
    found = contract("GET /orders?page=1 200 [{id: 1}]", "GET /orders?page=2&extra=1 200 []", document)
    assert query(found, "page").schema_ == {"type": "integer", "minimum": 1}
    assert (query(found, "page").required, query(found, "page").why, query(found, "page").description) == (True, "spec", "Which page")
    assert query(found, "page").evidence == Evidence(seen=2, total=2, sources=("spec", "traffic"))
    assert query(found, "extra").evidence.sources == ("traffic",)
    assert found.responses[0].schema_ == {"type": "array", "maxItems": 9}
    assert (found.title, found.evidence.sources, found.confidence) == ("All orders", ("spec", "traffic"), "high")


def test_what_a_document_leaves_out_comes_from_traffic() -> None:
    document = declared(responses=(DeclaredResponse("200", "application/json", None),))
    found = contract("GET /orders 200 {id: 1}", "GET /orders 404 {error: a b}", document)
    assert [(response.status, bool(response.schema_)) for response in found.responses] == [("200", True), ("404", True)]


def test_a_documents_body_is_kept_whole() -> None:
    schema = {"$defs": {"Tree": {"type": "object", "properties": {"below": {"$ref": "#/$defs/Tree"}}}}, "$ref": "#/$defs/Tree"}
    document = declared("POST", bodies=(DeclaredBody("application/json", schema),), body_required=True)
    found = contract(*posts({"id": 1}), document)
    assert (found.bodies[0].schema_, found.bodies[0].required) == (schema, True)


def test_where_traffic_is_outside_of_the_document_it_is_said() -> None:
    document = declared(parameters=(PAGE,), responses=(DeclaredResponse("200", "", None), DeclaredResponse("4XX", "", None)))
    found = contract("GET /orders?extra=1 200", "GET /orders 404", "GET /orders 503", document)
    assert [(row.rule, row.place, row.side) for row in found.disagreements] == [
        ("parameter-not-documented", "query extra", "traffic"),
        ("parameter-required", "query page", "spec"),
        ("status-not-documented", "answer 503", "both"),
    ]


def test_without_a_document_there_is_nothing_to_disagree_with() -> None:
    assert contract("GET /orders?extra=1 200").disagreements == ()


def test_a_document_alone_is_a_contract_of_medium_confidence() -> None:
    document = declared(
        "GET",
        "/orders/{id}",
        parameters=(DeclaredParameter("id", "path", {"type": "integer"}, required=True),),
        operation_id="getOrder",
        auth=("bearer",),
    )
    found = contract(document)
    assert (found.id, found.operation_id, found.auth, found.confidence) == (
        f"GET {HOST}/orders/{{order_id}}",
        "getOrder",
        ("bearer",),
        "medium",
    )
    assert [(parameter.name, parameter.schema_, parameter.evidence.sources) for parameter in found.parameters] == [
        ("order_id", {"type": "integer"}, ("spec",))
    ]


@pytest.mark.parametrize(
    ("good", "documented", "expected"),
    [
        (0, False, "low"),
        (2, False, "low"),
        (3, False, "medium"),
        (9, False, "medium"),
        (10, False, "high"),
        (0, True, "medium"),
        (1, True, "high"),
    ],
)
def test_confidence_grows_with_successes_and_documents(good: int, expected: str, *, documented: bool) -> None:
    assert stage.confidence(good, documented=documented) == expected


# ---------------------------------------------------------------- traits
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("GET /orders 200 {id: 1, total: 2}", ()),
        ("GET /users 200 {first_name: a, id: 1}", ("pii",)),
        ("GET /users 200 {firstName: a, id: 1}", ("pii",)),
        ("GET /cards 200 {card_number: a, id: 1}", ("money",)),
        ("GET /keys 200 {api_key: a, id: 1}", ("credential",)),
        ("POST /auth/login 200 {id: 1}", ("auth",)),
        ("GET /admin/orders 200 {id: 1}", ("admin",)),
        ("GET /users 200 {is_superuser: true, id: 1}", ("admin",)),
        ("GET /users 200 {contact: redacted-0123456789abcdef@example.com}", ("pii",)),
        ("GET /users 200 {secret_note: redacted-secret-0123456789abcdef}", ("credential",)),
        ("GET /orders?email=x 200 {id: 1}", ("pii",)),
    ],
)
def test_traits_come_from_names_paths_and_what_was_cut(line: str, expected: tuple[str, ...]) -> None:
    assert contract(line).traits == expected


def test_traits_of_a_document_come_from_its_schemas() -> None:
    schema = {"type": "object", "properties": {"owner": {"type": "object", "properties": {"password": {"type": "string"}}}}}
    assert contract(declared("POST", bodies=(DeclaredBody("application/json", schema),))).traits == ("credential",)


# ---------------------------------------------------------------- the stage
def test_the_stage_reads_one_group_and_gives_one_contract() -> None:
    groups, _ = merged(parts(["GET /orders/1 200 {id: 1, state: open}", "GET /users 200 []"]))
    name = f"GET {HOST}/orders/{{order_id}}"

    class One(Given):
        def data(self, role: str) -> bytes:
            assert role == "merge.groups"
            return groups[name]

    out = stage.run(One({"merge.definitions": {}}))
    assert isinstance(out["contract"], bytes)
    assert Contract.model_validate_json(out["contract"]) == contracts(["GET /orders/1 200 {id: 1, state: open}"])["GET /orders/{order_id}"]


# ---------------------------------------------------------------- sequences
def test_an_answer_in_lines_is_a_list_of_items_under_its_own_media_type() -> None:
    lines = Body("application/x-ndjson", "stream", [{"id": 1, "open": True}, {"id": 2}], 30)
    (answer,) = contract(exchange("GET /orders/export 200", response=lines)).responses
    item = {"type": "object", "properties": {"id": {"type": "integer"}, "open": {"type": "boolean"}}, "required": ["id"]}
    assert (answer.media, answer.schema_) == ("application/x-ndjson", {"type": "array", "items": item})


def test_a_request_in_lines_is_sent_as_text_and_says_what_its_items_are() -> None:
    sent = [exchange("POST /bulk 200", body=[{"id": at}], media="application/x-ndjson", kind="stream") for at in range(3)]
    (body,) = contract(*sent).bodies
    assert body.kind == "text"
    assert body.schema_ == {
        "type": "string",
        "contentMediaType": "application/x-ndjson",
        "contentSchema": {
            "type": "array",
            "items": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"], "additionalProperties": False},
        },
    }
