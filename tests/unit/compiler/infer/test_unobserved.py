"""Bodies that were there and that no source holds: said of the contract, of the tool and of the document, neither denied nor made up."""

import json

from caskmcp.compiler.classify.stage import classify
from caskmcp.compiler.emit.describe import wording
from caskmcp.compiler.emit.stage import run
from caskmcp.model.contract import Contract
from caskmcp.model.exchange import Body, Declared, DeclaredResponse
from tests.support.storefront import given
from tests.support.traffic import HOST, Item, contract, exchange

ABSENT = Body(media="", kind="absent")
JSON = Body(media="application/json", kind="absent", size=17)


def seen(line: str, *, request: Body | None = None, response: Body | None = ABSENT) -> Item:
    return exchange(line, request=request, response=response)


def said(found: Contract) -> tuple[str, tuple[str, ...]]:
    words = wording(found, "create_order", classify(found))
    return words.description, words.notes


def test_an_answer_that_nobody_holds_is_unobserved_and_the_tool_says_so() -> None:
    found = contract(seen("GET /orders"), seen("GET /orders"))
    assert (found.unobserved, found.evidence.total) == (("response",), 2)
    assert said(found) == (
        "Create order (GET /orders). Reads only; changes nothing. What it returns was not observed.",
        ("body unobserved: response",),
    )


def test_a_request_that_nobody_holds_is_unobserved_and_the_tool_sends_none() -> None:
    found = contract(seen("POST /orders", request=ABSENT, response=exchange("POST /orders 201 {id: 1}").response))
    assert (found.unobserved, found.bodies) == (("request",), ())
    assert "The body that it takes was not observed: none is sent." in said(found)[0]


def test_a_media_type_that_is_known_makes_a_body_of_any_form() -> None:
    found = contract(seen("POST /orders", request=JSON, response=None))
    assert [(body.media, body.kind, body.schema_) for body in found.bodies] == [("application/json", "json", {})]
    assert (found.unobserved, "none is sent" in said(found)[0]) == (("request",), False)


def test_another_source_that_holds_a_body_observed_it() -> None:
    found = contract(seen("GET /orders"), "GET /orders 200 [{id: 1}]")
    assert found.unobserved == ()


def test_what_a_document_declares_is_known() -> None:
    answer = DeclaredResponse(status="200", media="application/json", schema={"type": "array"})
    declared = Declared(method="GET", scheme="https", host=HOST, port=0, path="/orders", responses=(answer,))
    assert contract(declared, seen("GET /orders")).unobserved == ()


def test_no_body_a_failure_and_a_file_are_no_loss() -> None:
    assert contract(seen("DELETE /orders/1 204", response=None)).unobserved == ()
    assert contract("GET /orders 200 [{id: 1}]", seen("GET /orders 500")).unobserved == ()
    assert contract(seen("GET /orders", response=Body(media="application/pdf", kind="binary", size=9))).unobserved == ()


def test_many_calls_without_bodies_give_no_high_confidence() -> None:
    assert contract(*[seen("GET /orders")] * 20).confidence == "medium"
    assert contract(*["GET /orders 200 [{id: 1}]"] * 20).confidence == "high"


def test_the_openapi_document_marks_the_answer() -> None:
    document = json.loads(run(given([contract(seen("GET /orders"), seen("GET /orders 404"))]))["files"]["openapi.json"])
    answers = document["paths"]["/orders"]["get"]["responses"]
    assert {status: row["description"] for status, row in answers.items()} == {"200": "OK (body unobserved)", "404": "Not found"}
