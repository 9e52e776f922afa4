"""Where each kind of credential stands in a request, and what no credential may be."""

from typing import Any

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.auth import AuthRule
from caskmcp.model.tool import Field_
from caskmcp.runtime.credentials import reference_shown, with_credential
from caskmcp.runtime.plan import PreparedRequest, prepare
from tests.support.calls import tool


def rule(scheme: str, **more: str) -> AuthRule:
    return AuthRule.model_validate({"scheme": scheme, "from": "env:TOKEN", **more})


def request(**more: Any) -> PreparedRequest:
    return prepare(tool(**more), {"order_id": 7})


def headers(of: PreparedRequest) -> dict[str, str]:
    return dict(of.headers)


@pytest.mark.parametrize(
    ("of", "name", "value"),
    [
        (rule("bearer"), "Authorization", "Bearer user:pass"),
        (rule("basic"), "Authorization", "Basic dXNlcjpwYXNz"),
        (rule("api_key", name="X-Api-Key"), "X-Api-Key", "user:pass"),
        (rule("api_key", name="Authorization"), "Authorization", "user:pass"),
        (rule("api_key", name="key", **{"in": "cookie"}), "Cookie", "key=user%3Apass"),
    ],
)
def test_each_scheme_puts_the_secret_in_its_header(of: AuthRule, name: str, value: str) -> None:
    before = request()
    after = with_credential(before, of, "user:pass")
    assert headers(after)[name] == value
    assert {key: text for key, text in headers(after).items() if key != name} == headers(before)
    assert (after.target, after.body) == (before.target, before.body)


def test_a_key_in_the_query_is_added_to_what_is_there() -> None:
    of = rule("api_key", name="api_key", **{"in": "query"})
    assert with_credential(request(), of, "a&b").target == b"/orders/7?api_key=a%26b"
    asked = tool(query=(Field_(argument="q", wire="q"),), properties={"order_id": {}, "q": {}})
    assert with_credential(prepare(asked, {"order_id": 7, "q": "x"}), of, "k").target == b"/orders/7?q=x&api_key=k"


def test_a_key_in_a_cookie_stands_beside_the_others() -> None:
    asked = tool(cookies=(Field_(argument="theme", wire="theme"),), properties={"order_id": {}, "theme": {}})
    with_cookie = with_credential(prepare(asked, {"order_id": 7, "theme": "dark"}), rule("api_key", name="sid", **{"in": "cookie"}), "k")
    assert headers(with_cookie)["Cookie"] == "theme=dark; sid=k"
    assert [name for name, _ in with_cookie.headers].count("Cookie") == 1


def test_an_argument_never_stands_where_the_credential_goes() -> None:
    asked = tool(headers=(Field_(argument="key", wire="x-api-key", style="simple"),), properties={"order_id": {}, "key": {}})
    made = with_credential(prepare(asked, {"order_id": 7, "key": "mine"}), rule("api_key", name="X-Api-Key"), "real")
    assert [(name, value) for name, value in made.headers if name.lower() == "x-api-key"] == [("X-Api-Key", "real")]


@pytest.mark.parametrize("secret", ["", " qqq", "qqq ", "qqq\r\nX: y", "qqq\nb", "qqq\0b", "qqqé", "qqq\x7f"])
def test_what_no_header_can_carry_is_no_credential(secret: str) -> None:
    with pytest.raises(CaskError) as error:
        with_credential(request(), rule("bearer"), secret)
    assert error.value.code == "CASK-R009"
    assert "qqq" not in str(error.value)


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "a b", "a\r\nb", "Cookie"])
def test_a_credential_never_sets_a_header_of_the_framing(name: str) -> None:
    of = AuthRule.model_construct(scheme="api_key", source="env:TOKEN", name=name, place="header")
    with pytest.raises(CaskError) as error:
        with_credential(request(), of, "k")
    assert error.value.code == "CASK-R009"


def test_a_dry_run_shows_the_reference() -> None:
    assert reference_shown(rule("bearer")) == "<env:TOKEN>"
