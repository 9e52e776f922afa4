"""What a shared endpoint is asked for stays readable after the cut, and nothing else does."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caskmcp.compiler.capture.asked import digest, is_graphql, pairs, redacted
from caskmcp.compiler.capture.graphql import quiet
from caskmcp.redact.cut import Redactor
from caskmcp.redact.placeholder import kind_of
from tests.support.capturing import KEY
from tests.support.chain import Chain
from tests.support.shared_endpoints import HOST, har

SHA256 = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38"


def cut(value: Any) -> Any:
    redactor = Redactor(KEY)
    redactor.begin()
    return redacted(value, redactor, "request.body")


@pytest.mark.feature(21)
@pytest.mark.parametrize(
    "value",
    [
        {"operationName": "GetOrder", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": SHA256}}},
        {"operationName": "GetOrder", "id": SHA256},
        {"operationName": "GetOrder", "documentId": SHA256[:32], "variables": {"page": 1}},
        [{"operationName": "GetOrder", "id": SHA256}, {"query": "{ orders { id } }"}],
        {"query": 'query A($first: Int = 20) { orders(first: $first, state: "open") { id } }'},
    ],
)
def test_a_persisted_digest_and_a_text_without_secrets_stay_as_they_are(value: Any) -> None:
    assert cut(json.loads(json.dumps(value))) == value


@pytest.mark.parametrize(
    "value",
    [
        {"id": SHA256},
        {"id": SHA256, "variables": {}},
        {"id": SHA256, "operationName": 7},
        {"id": SHA256, "operationName": "GetOrder", "session": "x"},
        {"token": SHA256, "operationName": "GetOrder"},
    ],
)
def test_a_digest_elsewhere_is_cut_as_ever(value: dict[str, Any]) -> None:
    made = cut(json.loads(json.dumps(value)))
    assert SHA256 not in json.dumps(made)


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ('mutation { login(password: "hunter22") { ok } }', "hunter22"),
        ('mutation { login(user: {password: "hunter22"}) { ok } }', "hunter22"),
        ("mutation { login(password: 471193) { ok } }", "471193"),
        ('query A($password: String = "hunter22") { a(b: $password) }', "hunter22"),
        ('{ a(note: "write to adelgunde@corp.de") }', "adelgunde@corp.de"),
        ('{ a(note: """write to adelgunde@corp.de""") }', "adelgunde@corp.de"),
        ('# password: "hunter22"\n{ a(password: "hunter22") }', "hunter22"),
    ],
)
def test_a_secret_inside_a_text_is_cut_before_anything_is_written(text: str, gone: str) -> None:
    made = cut({"query": text})
    assert gone not in made["query"]
    entry = {
        "request": {"method": "POST", "url": f"https://{HOST}/graphql", "headers": [], "postData": {"mimeType": "application/json", "text": json.dumps({"query": text})}},
        "response": {"status": 200, "headers": [], "content": {"mimeType": "application/json", "text": '{"data": {"a": 1}}'}},
    }  # fmt: skip
    chain = Chain({"s": ("har", har([entry]))}, hosts=[HOST])
    captured = chain.run("capture").outputs["capture"]["exchanges"]["s"]
    assert gone.encode() not in captured


def test_what_is_cut_of_a_text_is_a_placeholder_that_still_parses() -> None:
    made = cut({"query": 'mutation { login(password: "hunter22") { ok } }'})["query"]
    assert kind_of(made.split('"')[1]) == "secret"
    assert (made.split('"')[0], made.split('"')[2]) == ("mutation { login(password: ", ") { ok } }")


def test_a_text_in_a_query_string_is_cut_the_same_way() -> None:
    redactor = Redactor(KEY)
    redactor.begin()
    ((_, text), other) = pairs([("query", '{ a(password: "hunter22") }'), ("q", '{ a(password: "hunter22") }')], redactor)
    assert "hunter22" not in text
    assert other == ("q", '{ a(password: "hunter22") }')


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"query": "{ a }"}, True),
        ({"query": "{ a }", "variables": None, "operationName": None, "extensions": {}}, True),
        ({"query": {"match": "a"}}, False),
        ({"query": "a", "page": 1}, False),
        ({"query": "a", "variables": "x"}, False),
        ({}, False),
        ([], False),
        ("{ a }", False),
    ],
)
def test_a_request_is_known_by_its_form(value: Any, expected: bool) -> None:
    assert is_graphql(value) is expected


def test_a_digest_that_is_none_names_nothing() -> None:
    assert digest({"extensions": {"persistedQuery": {"sha256Hash": SHA256.upper()}}, "operationName": "A"}) == ""
    assert digest({"id": SHA256 + "0", "operationName": "A"}) == ""


@given(
    words=st.lists(
        st.sampled_from(["query", "{", "}", "(", ")", "a", "$b", ":", "true", "null", "OPEN", "[", "]", "#", "...", "@skip", "-", "&"]),
        max_size=14,
    )
)
def test_a_text_without_a_sign_that_begins_a_literal_holds_nothing_to_cut(words: list[str]) -> None:
    text = "{ orders(state: OPEN) { id } } " + " ".join(words)
    assert quiet(text, lambda _, __: "cut") == text
    assert quiet('{ orders(state: "open", first: 3) { id } }', lambda _, __: "cut") == '{ orders(state: "cut", first: "cut") { id } }'
