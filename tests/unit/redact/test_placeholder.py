"""Placeholders: typed, keyed, of the form of what they stand for, and known without the key."""

import base64
import json
import re
from collections.abc import Callable

import pytest

from caskmcp.redact import national
from caskmcp.redact.checks import card, iban
from caskmcp.redact.placeholder import contains, fingerprint, is_narrow, keyfree, kind_of, number, placeholder, spans

KEY = b"k" * 32
OTHER = b"o" * 32

# fmt: off
MADE = (
    # kind       value                                    placeholder under KEY
    ("email",    "alice@post.example",                    "redacted-6d26552bbbf2d824@example.com"),
    ("secret",   "mango55w",                              "redacted-secret-ba25e46ef1cb2f61"),
    ("token",    "f47ac10b-58cc-4372-a567-0e02b2c3d479",  "00000000-ca5c-8939-8acb-515d1ee860fa"),
    ("token",    "43a1ef87d58fb0ad682cd27c0ffeedfa",      "ca5cca5c0124a0853ea38bf53a73e361"),
    ("token",    "43A1EF87D58FB0AD682CD27C0FFEEDFA",      None),
    ("secret",   "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.a", None),
    ("phone",    "+44 20 7946 0018",                      None),
    ("card",     "4539578763621486",                      None),
    ("iban",     "DE89370400440532013000",                None),
    ("ssn",      "931-84-2414",                           None),
    ("ipv4",     "10.1.2.3",                              None),
    ("ipv6",     "2a00:1450::1",                          None),
    ("mac",      "3c:22:fb:12:34:56",                     None),
    ("pem",      "-----BEGIN X KEY-----",                 None),
    ("date",     "1980-02-03",                            "1900-01-01"),
    ("date",     "1980-02-03T10:00:00Z",                  "1900-01-01T00:00:00Z"),
    ("date",     "03.02.1980",                            "redacted-date-0000000000000000"),
    ("name",     "Alice",                                 None),
    ("address",  "Hauptstraße 5",                         None),
    ("card",     "378734493671000",                       None),
    ("card",     "30569309025912",                        None),
    ("geo",      "48.137154",                             "-48.876667"),
    ("geo",      "48.137154, 11.576124",                  "-48.876667,-123.393333"),
    ("ssn",      "AB 12 34 56 C",                         "QQ123456C"),
    ("ssn",      "12345678Z",                             "00000000T"),
    ("ssn",      "X1234567L",                             "X0000000T"),
    ("ssn",      "RSSMRA85T10A562S",                      "MRTMTT91D08F205J"),
    ("ssn",      "111.444.777-35",                        "000.000.001-91"),
    ("ssn",      "756.1234.5678.97",                      "756.9217.0769.85"),
    ("ssn",      "2345 6789 0124",                        "9999 9999 0019"),
    ("ssn",      "130-692-544",                           "046 454 286"),
    ("ssn",      "2 55 08 14 168 025 38",                 "100019999999980"),
    ("ssn",      "86095742719",                           "02476291358"),
    ("ssn",      "811218-9876",                           "121212-1212"),
    ("ssn",      "110101199003074530",                    "11010519491231002X"),
)
# fmt: on


@pytest.mark.parametrize(("kind", "value", "expected"), MADE)
def test_a_placeholder_is_made_known_and_never_the_value(kind: str, value: str, expected: str | None) -> None:
    made = placeholder(KEY, kind, value)
    assert expected in (None, made)
    assert made != value
    assert made == placeholder(KEY, kind, value)
    assert kind_of(made) is not None
    assert contains(f"a {made}.")
    assert spans(f"a {made}.") == [(2, 2 + len(made))]


@pytest.mark.parametrize(
    ("kind", "value", "form"),
    [
        ("email", "alice@post.example", r"[a-z0-9-]+@example\.com"),
        ("token", "f47ac10b-58cc-4372-a567-0e02b2c3d479", r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}"),
        ("token", "0123456789abcdef0123456789abcdef01234567", r"[0-9a-f]{40}"),
        ("token", "0123456789ABCDEF0123456789ABCDEF01234567", r"[0-9A-F]{40}"),
        ("phone", "030 1234567", r"\+120255501[0-9]{2}"),
        ("ipv4", "10.1.2.3", r"192\.0\.2\.[12][0-9]{2}"),
    ],
)
def test_a_placeholder_keeps_the_form(kind: str, value: str, form: str) -> None:
    assert re.fullmatch(form, placeholder(KEY, kind, value))


def test_placeholders_of_cards_and_accounts_pass_their_checks() -> None:
    assert card(placeholder(KEY, "card", "4539578763621486"))
    assert all(iban(placeholder(KEY, "iban", f"DE{number}")) for number in range(50))


@pytest.mark.parametrize(
    ("value", "size"), [("4539578763621486", 16), ("378734493671000", 15), ("30569309025912", 14), ("6304939304310009610", 16)]
)
def test_the_placeholder_of_a_card_has_its_length_where_test_numbers_of_it_exist(value: str, size: int) -> None:
    made = placeholder(KEY, "card", value)
    assert (len(made), card(made)) == (size, True)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (national.es_dni, "12345678Z"),
        (national.br_cpf, "111.444.777-35"),
        (national.ch_ahv, "756.1234.5678.97"),
        (national.de_idnr, "86095742719"),
        (national.in_aadhaar, "2345 6789 0124"),
        (national.ca_sin, "130-692-544"),
        (national.fr_nir, "255081416802538"),
        (national.cn_id, "110101199003074530"),
        (national.se_personnummer, "811218-9876"),
        (national.it_fiscal_code, "RSSMRA85T10A562S"),
    ],
)
def test_check_digits_of_peoples_numbers_survive(check: Callable[[str], bool], value: str) -> None:
    assert check(placeholder(KEY, "ssn", value))


def test_the_placeholder_of_a_jwt_is_one_with_no_algorithm() -> None:
    head, body, end = placeholder(KEY, "jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.a").split(".")
    assert json.loads(base64.urlsafe_b64decode(head + "=")) == {"alg": "none"}
    assert list(json.loads(base64.urlsafe_b64decode(body + "=="))) == ["redacted"]
    assert end == "redacted"


def test_equal_values_have_equal_placeholders_and_unequal_ones_have_others() -> None:
    assert placeholder(KEY, "email", "a@x.example") == placeholder(KEY, "email", "a@x.example")
    assert placeholder(KEY, "email", "a@x.example") != placeholder(KEY, "email", "b@x.example")
    assert placeholder(KEY, "email", "a@x.example") != placeholder(OTHER, "email", "a@x.example")


def test_a_fingerprint_has_the_full_width_and_is_keyed() -> None:
    # HMAC-SHA256 of `Hi There` under 20 times 0x0b: RFC 4231 section 4.2.
    assert fingerprint(b"\x0b" * 20, "Hi There") == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"


@pytest.mark.parametrize(
    "text",
    ["", "alice", "redacted", "redacted-secret", "redacted-secret-xyz", "a redacted-secret-ba25e46ef1cb2f61", "1900-01-02", "192.0.2.7"],
)
def test_other_texts_are_no_placeholders(text: str) -> None:
    assert kind_of(text) is None


@pytest.mark.parametrize(("_", "value", "__"), MADE)
def test_the_values_themselves_are_no_placeholders(_: object, value: str, __: object) -> None:
    assert kind_of(value) is None


def test_numbers_have_one_placeholder_a_kind() -> None:
    assert (number("phone"), kind_of(12025550100), kind_of(12025550100.0)) == (12025550100, "phone", "phone")
    assert (number("otp"), kind_of(900000000000001)) == (900000000000001, "secret")
    assert (kind_of(7), kind_of(1.5), kind_of(float("inf")), kind_of(float("nan"))) == (None, None, None, None)
    assert (number("geo"), kind_of(-48.876667)) == (-48.876667, "geo")


@pytest.mark.parametrize("value", ["4539578763621486", "378734493671000", "30569309025912", "255081416802538", "86095742719"])
def test_a_placeholder_of_digits_is_one_as_a_number_too(value: str) -> None:
    kind = "ssn" if value in ("255081416802538", "86095742719") else "card"
    assert {kind_of(int(placeholder(key, kind, value))) for key in (KEY, OTHER, b"x" * 32, b"y" * 32)} == {kind}


def test_only_narrow_ranges_need_a_link() -> None:
    assert is_narrow(placeholder(KEY, "phone", "030 1234567"))
    assert is_narrow(placeholder(KEY, "card", "4539578763621486"))
    assert not is_narrow(placeholder(KEY, "email", "a@x.example"))
    assert not is_narrow("Alice")


@pytest.mark.parametrize(("kind", "value", "_"), MADE)
def test_the_key_can_be_taken_out_of_encoded_bytes(kind: str, value: str, _: object) -> None:
    first, second = (json.dumps({"a": f"x{placeholder(key, kind, value)}", "b": placeholder(key, kind, value)}) for key in (KEY, OTHER))
    if kind not in ("phone", "card", "iban", "ssn", "geo", "ipv4", "date"):
        assert keyfree(first.encode()) == keyfree(second.encode())
    first, second = (json.dumps([placeholder(key, kind, value), f"({placeholder(key, kind, value)})"]) for key in (KEY, OTHER))
    assert keyfree(first.encode()) == keyfree(second.encode())


def test_bytes_without_a_placeholder_stay_as_they_are() -> None:
    text = b'{"a": "4111111111111111234", "b": "192.0.2.100.5", "c": "redacted"}'
    assert keyfree(text).replace(b"~ipv4 0~", b"192.0.2.100") == text


def test_two_placeholders_of_different_kinds_stay_different() -> None:
    first, second = placeholder(KEY, "secret", "mango55w"), placeholder(KEY, "name", "mango55w")
    assert kind_of(first) == "secret"
    assert kind_of(second) == "name"
    assert first != second
