"""Tokens: stored as digests, each row compared, scopes as toolsets."""

import hashlib
from typing import Any

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.token import TokenFile, TokenRow
from caskmcp.runtime import tokens
from caskmcp.runtime.tokens import Caller

ROWS = (
    TokenRow(name="ci", sha256=hashlib.sha256(b"one").hexdigest()),
    TokenRow(name="desk", sha256=hashlib.sha256(b"two").hexdigest(), toolsets=("support", "readonly")),
)


def test_a_token_is_its_holders_and_brings_its_toolsets() -> None:
    assert tokens.caller(ROWS, b"one") == Caller("token ci", None)
    assert tokens.caller(ROWS, b"two") == Caller("token desk", frozenset({"readonly", "support"}))


@pytest.mark.parametrize("sent", [b"", b"three", b"On", b"one ", ROWS[0].sha256.encode(), b"\xff\x00"])
def test_what_is_no_token_is_nobodys_and_a_digest_is_no_token(sent: bytes) -> None:
    assert tokens.caller(ROWS, sent) is None
    assert tokens.caller((), sent) is None


def test_every_row_is_compared_whichever_one_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    real = tokens.hmac.compare_digest
    monkeypatch.setattr(tokens.hmac, "compare_digest", lambda one, other: seen.append(other) or real(one, other))
    tokens.caller(ROWS, b"one")
    assert seen == [row.sha256 for row in ROWS]


def test_a_new_token_is_long_is_marked_and_is_stored_as_its_digest() -> None:
    token, row = tokens.fresh("ci", ("support",), bytes(range(32)))
    assert token == "cask_000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    assert row == TokenRow(name="ci", sha256=hashlib.sha256(token.encode()).hexdigest(), toolsets=("support",))


def test_a_name_that_is_given_again_gets_the_new_token_alone() -> None:
    file = TokenFile(tokens=ROWS).added(TokenRow(name="ci", sha256="0" * 64))
    assert [(row.name, row.sha256[:3]) for row in file.tokens] == [("desk", ROWS[1].sha256[:3]), ("ci", "000")]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("tokens: [{name: ci, sha256: abc}]", "tokens.0.sha256"),
        ("tokens: [{name: ci, token: secret}]", "unknown key `tokens.0.token`"),
        ("tokens: [{name: 'Two words', sha256: " + "a" * 64 + "}]", "tokens.0.name"),
        ("tokens: [{name: a, sha256: " + "a" * 64 + "}, {name: a, sha256: " + "b" * 64 + "}]", "two tokens have the same name"),
        ("tokens: [{name: a, sha256: " + "a" * 64 + "}, {name: b, sha256: " + "a" * 64 + "}]", "two tokens have the same sha256"),
        ("tokens: 7", "tokens"),
        ("- 1", "the document"),
        ("tokens: [", "tokens.yaml"),
    ],
)
def test_a_file_of_another_form_is_refused_with_its_place(text: str, what: str) -> None:
    with pytest.raises(CaskError) as refused:
        TokenFile.from_yaml(text.encode(), "tokens.yaml")
    assert refused.value.code in ("CASK-I003", "CASK-I004")
    assert what in f"{refused.value.what} {refused.value.place}"
    assert "secret" not in str(refused.value)
