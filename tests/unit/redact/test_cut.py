"""Redaction of JSON, pairs and paths: what is cut, what stays, what the receipt and the links say."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from caskmcp.redact import is_sensitive
from caskmcp.redact.cut import LONGEST, Redactor
from caskmcp.redact.placeholder import kind_of
from caskmcp.redact.scan import scanner
from caskmcp.redact.walk import DEPTH, TooDeep

KEY = b"k" * 32
PASSWORD = "redacted-secret-ba25e46ef1cb2f61"
MAIL = "redacted-6d26552bbbf2d824@example.com"


def redactor(**options: Any) -> Redactor:
    return Redactor(KEY, **options)


def cut(value: Any) -> Any:
    return redactor().json(value, "response.body")


def test_a_value_is_cut_by_the_name_it_stands_under() -> None:
    assert cut({"user": {"password": "mango55w", "plan": "basic"}}) == {"user": {"password": PASSWORD, "plan": "basic"}}


def test_a_form_is_cut_inside_a_text_and_the_rest_stays() -> None:
    assert cut({"note": "mail alice@post.example today"}) == {"note": f"mail {MAIL} today"}


def test_a_map_key_is_cut_and_the_order_of_keys_stays() -> None:
    assert list(cut({"a": 1, "alice@post.example": {"n": 2}, "z": 3}).items()) == [("a", 1), (MAIL, {"n": 2}), ("z", 3)]


def test_json_in_a_text_is_redacted_as_json_and_otherwise_left_as_it_was_written() -> None:
    assert cut({"payload": '{"a": {"password": "mango55w"}, "n": 1.50}'}) == {"payload": f'{{"a":{{"password":"{PASSWORD}"}},"n":1.5}}'}
    assert cut({"payload": '{"a": { "n": 1.50 } }'}) == {"payload": '{"a": { "n": 1.50 } }'}


def test_lists_below_a_name_are_cut_item_by_item() -> None:
    assert cut({"password": ["mango55w", None, True]}) == {"password": [PASSWORD, None, True]}


def test_a_name_and_value_pair_is_read_as_what_it_says() -> None:
    assert cut([{"name": "password", "value": "mango55w"}]) == [{"name": "password", "value": PASSWORD}]
    assert cut([{"name": "colour", "value": "mango55w"}]) == [{"name": "colour", "value": "mango55w"}]


def test_numbers_become_reserved_numbers_of_the_same_type() -> None:
    found = cut({"phone": 12065550167, "otp": 128364, "pin": 4711.0, "total": 4539578763621486, "id": 1234567890123456})
    assert found == {
        "phone": 12025550100,
        "otp": 900000000000001,
        "pin": 900000000000001.0,
        "total": 4111111111111111,
        "id": 1234567890123456,
    }
    assert isinstance(found["pin"], float)


def test_booleans_and_null_are_never_cut() -> None:
    assert cut({"password": None, "token": False, "secret": True}) == {"password": None, "token": False, "secret": True}


def test_common_ids_stay() -> None:
    ids = {"id": "f47ac10b-58cc-4372-a567-0e02b2c3d479", "_id": "507f1f77bcf86cd799439011", "items": ["507f1f77bcf86cd799439011"]}
    assert cut(dict(ids)) == ids


def test_a_text_alone_is_a_body_too() -> None:
    assert cut("alice@post.example") == MAIL
    assert cut(["alice@post.example", 7]) == [MAIL, 7]


def test_json_that_is_too_deep_is_refused_and_inside_a_text_cut_as_a_whole() -> None:
    deep: Any = {"password": "mango55w"}
    for _ in range(DEPTH + 1):
        deep = [deep]
    with pytest.raises(TooDeep):
        cut(deep)
    assert kind_of(cut({"payload": json.dumps(deep)})["payload"]) == "secret"
    nested: Any = {"password": "mango55w"}
    for _ in range(20):
        nested = {"p": json.dumps(nested)}
    assert "mango55w" not in json.dumps(cut(nested))


def test_json_in_an_encoding_is_looked_through_by_name() -> None:
    hidden = base64.b64encode(b'{"pin": 4711, "n": 1, "why": ""}').decode()
    assert kind_of(cut({"data": hidden})["data"]) == "secret"
    assert (
        kind_of(cut({"data": base64.urlsafe_b64encode(b'[{"first_name": "Zo\xc3\xab\xc3\xbf\xc3\xbf"}]').decode().rstrip("=")})["data"])
        == "secret"
    )
    assert kind_of(cut({"q": "%7B%22first_name%22%3A%22Zoe%22%7D"})["q"]) == "secret"
    plain = base64.b64encode(b'{"page": 7, "size": 50, "order": "up"}').decode()
    assert cut({"data": plain, "q": "%7B%22page%22%3A7%7D"}) == {"data": plain, "q": "%7B%22page%22%3A7%7D"}


def test_what_is_encoded_more_often_than_anybody_looks_is_cut() -> None:
    hidden = "alice@post.example%3F"
    for _ in range(12):
        hidden = quote(hidden, safe="")
    assert kind_of(cut({"q": hidden})["q"]) == "secret"
    many = "%" + "25" * 60_000
    assert kind_of(cut({"q": many})["q"]) in ("secret", "blob")


def test_a_name_that_stands_twice_in_json_in_a_text_hides_nothing() -> None:
    assert kind_of(cut({"payload": '{"first_name": "Alice", "first_name": null}'})["payload"]) == "secret"


def test_a_secret_inside_a_hidden_document_is_looked_for_in_the_rest_of_the_exchange() -> None:
    found = redactor()
    found.json({"data": base64.b64encode(b'{"password": "mango55w", "n": 1}').decode()}, "request.body")
    assert found.secrets == {"mango55w"}
    assert dict(found.counts) == {("encoded", "request.body"): 1}


def test_coordinates_become_one_place_in_the_sea() -> None:
    assert cut({"lat": 48.137154, "at": {"type": "Point", "coordinates": [11.576124, 48.137154]}, "gps": "48.137154,11.576124"}) == {
        "lat": -48.876667,
        "at": {"type": "Point", "coordinates": [-48.876667, -48.876667]},
        "gps": "-48.876667,-123.393333",
    }


def test_a_name_that_is_cut_stands_in_no_link() -> None:
    found = redactor()
    found.json({"alice@post.example pin": 4711, "home pin": 4711}, "request.body")
    assert sorted(place for place, _ in found.links) == ["request.body.home pin", "request.body.pin"]


def test_a_huge_text_with_a_find_is_cut_as_a_whole() -> None:
    assert kind_of(cut({"t": "x " * LONGEST + "alice@post.example"})["t"]) == "blob"
    assert cut({"t": "x " * LONGEST}) == {"t": "x " * LONGEST}


def test_a_field_of_digests_may_look_random_but_not_hold_a_key() -> None:
    assert cut({"etag": "43a1ef87d58fb0ad682cd27c0ffeedfa"}) == {"etag": "43a1ef87d58fb0ad682cd27c0ffeedfa"}
    assert "ghp_" not in json.dumps(cut({"etag": "ghp_" + "dx9iIPwmy4vlgGD6on0tRealpbrZC4VD4bCp"}))


def test_pairs_are_cut_by_name_and_by_form() -> None:
    pairs = [
        ("password", "mango55w"),
        ("q", "alice@post.example"),
        ("limit", "20"),
        ("filter", '{"password": "mango55w"}'),
        ("alice@post.example", ""),
    ]
    assert redactor().pairs(pairs, "query") == (
        ("password", PASSWORD),
        ("q", MAIL),
        ("limit", "20"),
        ("filter", f'{{"password":"{PASSWORD}"}}'),
        (MAIL, ""),
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/people/alice@post.example/orders", f"/people/{MAIL}/orders"),
        ("/people/alice%40post.example", f"/people/{MAIL}"),
        ("/a%20b/c%2Fd", "/a%20b/c%2Fd"),
        ("/", "/"),
        ("/help/reset-password-guide", "/help/reset-password-guide"),
        ("/tokens/usage", "/tokens/usage"),
        ("/orders/f47ac10b-58cc-4372-a567-0e02b2c3d479/", "/orders/f47ac10b-58cc-4372-a567-0e02b2c3d479/"),
        ("/very/long/path/of/words/that/is/no/token/at/all/v2", "/very/long/path/of/words/that/is/no/token/at/all/v2"),
        ("/x;password=mango55w/y", f"/x;password={PASSWORD}/y"),
    ],
)
def test_a_path_keeps_its_form(path: str, expected: str) -> None:
    assert redactor().path(path) == expected


def test_a_segment_after_a_word_for_links_is_a_token() -> None:
    made = redactor().path("/users/confirm/Ab3dEf6hIj9kLm2n")
    assert kind_of(made.rpartition("/")[2]) == "token"
    assert redactor().path("/users/people/Ab3dEf6hIj9kLm2n") == "/users/people/Ab3dEf6hIj9kLm2n"


def test_the_receipt_names_fields_in_the_tables_words_only() -> None:
    found = redactor()
    found.json({"aliceSecretPassword": "mango55w", "bob": "alice@post.example", "alice@post.example": 1}, "response.body")
    assert dict(found.counts) == {
        ("password", "response.body.password"): 1,
        ("email", "response.body"): 1,
        ("email", "response.body name"): 1,
    }


def test_values_from_narrow_ranges_are_linked_by_a_fingerprint() -> None:
    found = redactor()
    found.json({"phone": "030 1234567", "email": "alice@post.example", "account": {"pin": 4711}}, "response.body")
    assert sorted(place for place, _ in found.links) == ["response.body.phone", "response.body.pin"]
    assert all(len(mark) == 64 for _, mark in found.links)
    other = redactor()
    other.pairs([("tel", "030 1234567")], "query")
    assert {mark for _, mark in other.links} <= {mark for _, mark in found.links}
    found.begin()
    assert (found.links, found.secrets) == (set(), set())


def test_a_credential_is_looked_for_in_the_rest_of_its_exchange() -> None:
    found = redactor()
    found.json({"password": "mango55w"}, "request.body")
    assert found.secrets == {"mango55w"}
    assert found.echo("hello mango55w!", "response.body") == f"hello {PASSWORD}!"
    assert found.echo_json({"a": ["mango55w", 7], "mango55w": None}, "response.body") == {"a": [PASSWORD, 7], PASSWORD: None}
    assert found.echo_path("/a/mango55w/b%20c") == f"/a/{PASSWORD}/b%20c"


def test_a_short_credential_is_not_looked_for() -> None:
    found = redactor()
    found.secret("abc12")
    assert found.secrets == set()


def test_the_manifest_adds_names_and_keeps_others() -> None:
    found = redactor(keys=["x-internal-id"], keep=["first_name"])
    value = {"xInternalId": "abc", "first_name": "Alice", "last_name": "Doe", "note": "alice@post.example"}
    made = found.json(value, "b")
    assert kind_of(made["xInternalId"]) == "secret"
    assert made["first_name"] == "Alice"
    assert kind_of(made["last_name"]) == "name"
    assert made["note"] == MAIL


def test_a_form_is_cut_whatever_the_manifest_keeps() -> None:
    assert redactor(keep=["email"]).json({"email": "alice@post.example"}, "b") == {"email": MAIL}


def test_what_is_cut_depends_on_the_exchange_alone() -> None:
    first, second = redactor(), redactor()
    first.json({"password": "mango55w", "a": ["alice@post.example"]}, "b")
    first.begin()
    value = {"note": "mango55w", "b": "alice@post.example"}
    assert first.json(dict(value), "b") == second.json(dict(value), "b")


@pytest.mark.parametrize(
    "text", ["alice@post.example", "4539578763621486", MAIL, "see redacted-name-0123456789abcdef", "43a1ef87d58fb0ad682cd27c0ffeedfa"]
)
def test_a_sensitive_text_is_told(text: str) -> None:
    assert is_sensitive(text)


@pytest.mark.parametrize("text", ["", "shipped", "eu-central-1", "EUR", "application/json", "2026-01-31", "Basic tier", "PO-7741"])
def test_an_ordinary_text_is_not_sensitive(text: str) -> None:
    assert not is_sensitive(text)


def test_one_pass_over_many_texts_flags_each_that_has_a_form() -> None:
    texts = ["plain", "alice@post.example", "two\nlines +44 20 7946 0018", "", "-----BEGIN RSA PRIVATE KEY-----", "end", '{"a": 1}']
    flagged = scanner("strict").flagged(texts)
    assert {"alice@post.example", "two\nlines +44 20 7946 0018", "-----BEGIN RSA PRIVATE KEY-----", '{"a": 1}'} <= flagged
    assert "plain" not in flagged
    assert scanner("strict").flagged(["plain", "words"]) == frozenset()
