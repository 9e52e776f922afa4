"""Names of fields: their words, which of them name a person, and which rules they ask for."""

import pytest

from caskmcp.redact import is_name_like
from caskmcp.redact.names import compact, words
from caskmcp.redact.rules import Rules


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("secretAccessKey", ("secret", "access", "key")),
        ("DD-API-KEY", ("dd", "api", "key")),
        ("_authToken", ("auth", "token")),
        ("address_line2", ("address", "line")),
        ("XMLHttpRequest", ("xml", "http", "request")),
        ("2fa_code", ("2", "fa", "code")),
        ("connect.sid", ("connect", "sid")),
        ("straße", ("stra", "ß", "e")),
        ("", ()),
        ("123", ()),
    ],
)
def test_a_name_has_words(name: str, expected: tuple[str, ...]) -> None:
    assert words(name) == expected


@pytest.mark.parametrize("name", ["name", "firstName", "customer_email", "user", "shipping_address", "authorName", "nickname", "assignee"])
def test_a_name_that_may_hold_a_person_is_name_like(name: str) -> None:
    assert is_name_like(name)


@pytest.mark.parametrize("name", ["status", "currency", "order_type", "sku", "page", "filename", "renamed", "policy_version"])
def test_a_name_of_a_thing_is_not(name: str) -> None:
    assert not is_name_like(name)


def test_the_spelling_of_a_name_does_not_matter_to_the_manifest() -> None:
    assert compact("X-Internal-Id") == compact("x_internal_id") == compact("xInternalID") == "xinternalid"


@pytest.mark.parametrize(
    ("name", "detector", "phrase"),
    [
        ("password", "password", "password"),
        ("aliceNewPassword", "password", "password"),
        ("csrfmiddlewaretoken", "csrf", "csrfmiddlewaretoken"),
        ("userpassword", "password", "password"),
        ("sometoken", "token", "token"),
        ("X-Amz-Credential", "secret", "amz_credential"),
        ("refresh_token", "token", "refresh_token"),
        ("X-Vault-Token", "access-token", "vault_token"),
    ],
)
def test_a_name_asks_for_the_longest_phrase_and_the_receipt_knows_only_that(name: str, detector: str, phrase: str) -> None:
    rule = Rules("strict")[name][0]
    assert (rule.row.id, rule.phrase) == (detector, phrase)


@pytest.mark.parametrize("name", ["max_tokens", "token_type", "keyword", "secretary", "passenger_count", "codec", "x" * 81 + "password"])
def test_other_names_ask_for_nothing(name: str) -> None:
    assert Rules("strict")[name] == ()


def test_what_the_manifest_adds_is_cut_and_what_it_keeps_is_not() -> None:
    rules = Rules("strict", keys=["x-internal-id"], keep=["phone", "Zip"])
    assert rules["X_Internal_ID"][0].row.id == "user"
    assert rules["phone"] == rules["zip"] == ()
    assert rules["mobile"] != ()


def test_names_that_are_data_do_not_fill_the_memory() -> None:
    rules = Rules("strict")
    for index in range((1 << 16) + 2):
        rules[f"customer {index}"]
    rules["bob@post.example"]
    assert rules.odd == {"bob@post.example"}
    rules.trim()
    assert (len(rules), rules.odd) == (0, set())
    assert rules["password"][0].row.id == "password"
