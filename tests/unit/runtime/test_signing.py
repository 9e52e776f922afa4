"""HMAC over the parts that a signed rule names. The expected signatures were made with `openssl dgst -hmac`."""

from typing import Any

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.auth import AuthRule, Hmac
from caskmcp.runtime.credentials import with_credential
from caskmcp.runtime.plan import PreparedRequest
from caskmcp.runtime.signing import signed

AT = "2026-11-21T12:00:00Z"
REQUEST = PreparedRequest("POST", "https", "10.1.2.3", 443, b"/v1/pay?x=1", (("Host", "api.example.com"),), b'{"amount":7}')


def rule(**more: Any) -> Hmac:
    return Hmac.model_validate({"header": "X-Signature", "parts": ("method", "target", "body"), **more})


def headers(of: Hmac, secret: str = "s3cret") -> dict[str, str]:
    made = signed(REQUEST, of, secret, AT)
    assert (made.target, made.body, made.method) == (REQUEST.target, REQUEST.body, REQUEST.method)
    return dict(made.headers)


EXPECTED: dict[str, tuple[dict[str, Any], str, str]] = {
    "as a table says by default": ({}, "s3cret", "7677eff71bb5ac816e628a9382b98475aa19652d4085753aed15872206762393"),
    "another algorithm, written as base64, with a prefix": (
        {"algorithm": "sha512", "encoding": "base64", "prefix": "v1="},
        "s3cret",
        "v1=+f+IL+hTj9Y3cyC8EIsOAA3yeS8N5mDMf8kewsJF67G+/T5B9GZeV6E0JmBmLYvU5RX0nIO3NIb0UJjguSSonQ==",
    ),
    "host, digest of the body and time, with dots between": (
        {"parts": ("timestamp", "host", "body_sha256"), "joined": ".", "timestamp": "X-Time"},
        "s3cret",
        "02bef53c5f8ccc65847fd4704dbc2037e27958b384bf5cfb3c4e6601bac58dbb",
    ),
    "a key written in base64": (
        {"key": "base64", "parts": ("path", "query"), "joined": ""},
        "AAFrZXk=",
        "ec0aececb6d6229e3be7735c1d1f9f1cd25c1cfb5bcf9760bc20fab08173f2f1",
    ),
    "a key written in hex": ({"key": "hex", "parts": ("body",), "algorithm": "sha1"}, "00ff", "52ac56040c3b8cb280cc3ac0a9a1729ab57ae1c7"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_signature_is_the_one_that_another_program_makes(name: str) -> None:
    more, secret, value = EXPECTED[name]
    assert headers(rule(**more), secret)["X-Signature"] == value


def test_the_time_that_was_signed_goes_along() -> None:
    times = {"unix": "1795262400", "unix_ms": "1795262400000", "rfc3339": AT}
    for clock, time in times.items():
        of = rule(parts=("timestamp",), timestamp="X-Time", clock=clock)
        assert headers(of)["X-Time"] == time


def test_each_part_counts() -> None:
    every = ("method", "path", "query", "target", "host", "body", "body_sha256")
    assert len({headers(rule(parts=(part,)))["X-Signature"] for part in every}) == 7


@pytest.mark.parametrize(
    "more",
    [
        {"header": "Host"},
        {"header": "content-length"},
        {"header": "Transfer-Encoding"},
        {"header": "X-HTTP-Method-Override"},
        {"header": "Cookie"},
        {"timestamp": "HOST", "parts": ("timestamp",)},
        {"timestamp": "x-signature", "parts": ("timestamp",)},
    ],
)
def test_no_signature_takes_the_place_of_a_header_that_carries_the_request(more: dict[str, Any]) -> None:
    auth = AuthRule.model_validate({"scheme": "hmac", "from": "env:KEY", "hmac": rule(**more).model_dump()})
    with pytest.raises(CaskError) as error:
        with_credential(REQUEST, auth, "s3cret", at=AT)
    assert error.value.code == "CASK-R009"
    assert ("Host", "api.example.com") in signed(REQUEST, rule(header="Authorization"), "s3cret", AT).headers


@pytest.mark.parametrize(("key", "secret"), [("hex", "xyz"), ("hex", "abc"), ("base64", "$$$$")])
def test_a_key_that_is_not_written_as_the_rule_says_is_none(key: str, secret: str) -> None:
    with pytest.raises(CaskError) as error:
        headers(rule(key=key), secret)
    assert error.value.code == "CASK-R009"
    assert secret not in str(error.value)
