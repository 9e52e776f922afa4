"""What the gateway asks for a call's credential, as a conversation: references, tokens, a renewal after 401. Nothing leaves the test."""

import json
from typing import Any

import pytest

from caskmcp.model.auth import AuthRule
from caskmcp.model.project import EnvironmentHost
from caskmcp.runtime import authenticate
from caskmcp.runtime.clean import clean
from caskmcp.runtime.commands import Failure, KnownToken, NewToken, Record, Resolve, Secret, Send
from caskmcp.runtime.credentials import shown
from caskmcp.runtime.gateway import Call
from caskmcp.runtime.plan import prepare
from tests.support.calls import GET_ORDER, HOST, PAY_ORDER, POLICY, PUBLIC, Conversation, answer, flight, pack, served

OAUTH = {"token_url": "https://id.example.com/t", "client_id": "shop"}
REFUSED = answer(b'{"error":"expired"}', status=401)


def rule(scheme: str = "bearer", reference: str = "env:S", **more: Any) -> AuthRule:
    return AuthRule.model_validate_json(json.dumps({"scheme": scheme, "from": reference, **more}))


class Rows:
    """Answers one after the other; the last one stays."""

    def __init__(self, *rows: Any) -> None:
        self._rows = list(rows)

    def __call__(self, _: Any) -> Any:
        return self._rows.pop(0) if len(self._rows) > 1 else self._rows[0]


def talk(**more: Any) -> Conversation:
    replies = {Resolve: (PUBLIC,), Send: answer(), Secret: "s3cr3t", KnownToken: "", NewToken: "t0ken-1", Record: None}
    names = {"send": Send, "secret": Secret, "known": KnownToken, "new": NewToken, "resolve": Resolve}
    return Conversation({**replies, **{names[name]: value for name, value in more.items()}})


def asked(of: Conversation) -> list[str]:
    return [type(command).__name__ for command in of.asked]


def authorizations(of: Conversation) -> list[str]:
    return [dict(send.request.headers).get("Authorization", "") for send in of.of(Send)]


# ---------------------------------------------------------------- tokens
def test_a_token_is_got_from_a_checked_place_before_the_call_is_sent() -> None:
    of = talk()
    result = of.hold(flight("get_order", served(GET_ORDER, auth={HOST: rule("oauth2", oauth2=OAUTH)}), order_id=7))
    assert result.error == ""
    assert asked(of) == ["Resolve", "Secret", "KnownToken", "Resolve", "NewToken", "Send", "Record"]
    assert [(ask.host, ask.port) for ask in of.of(Resolve)] == [(HOST, 443), ("id.example.com", 443)]
    assert (of.of(NewToken)[0].to, of.of(NewToken)[0].place.host) == ((PUBLIC,), "id.example.com")
    assert authorizations(of) == ["Bearer t0ken-1"]


def test_a_token_that_is_held_asks_nobody() -> None:
    of = talk(known="t0ken-0")
    of.hold(flight("get_order", served(GET_ORDER, auth={HOST: rule("oauth2", oauth2=OAUTH)}), order_id=7))
    assert asked(of) == ["Resolve", "Secret", "KnownToken", "Send", "Record"]
    assert authorizations(of) == ["Bearer t0ken-0"]


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1"])
def test_a_token_server_with_an_address_that_is_not_public_is_not_asked(address: str) -> None:
    of = talk(resolve=lambda ask: (address,) if ask.host == "id.example.com" else (PUBLIC,))
    result = of.hold(flight("get_order", served(GET_ORDER, auth={HOST: rule("oauth2", oauth2=OAUTH)}), order_id=7))
    assert result.error == "CASK-E003"
    assert of.of(NewToken) == of.of(Send) == []


# ---------------------------------------------------------------- 401
@pytest.mark.parametrize(("scheme", "more"), [("oauth2", {"oauth2": OAUTH}), ("bearer", {})])
def test_what_can_be_renewed_is_renewed_once_and_what_was_refused_is_told(scheme: str, more: Any) -> None:
    of = talk(send=Rows(REFUSED, answer()), secret=lambda ask: "second" if ask.refused else "first", new=Rows("first", "second"))
    result = of.hold(flight("get_order", served(GET_ORDER, auth={HOST: rule(scheme, "config:s", **more)}), order_id=7))
    assert result.error == ""
    assert authorizations(of) == ["Bearer first", "Bearer second"]
    assert [ask.refused for ask in of.of(Secret)] == ["", "first"]
    assert [ask.refused for ask in of.of(NewToken)] == (["", "first"] if scheme == "oauth2" else [])


def test_a_write_that_was_refused_was_not_done_and_is_sent_once_more() -> None:
    of = talk(send=Rows(REFUSED, answer()), secret=Rows("first", "second"))
    calm = PAY_ORDER.model_copy(update={"risk": "medium"})
    result = of.hold(flight("pay_order", served(calm, auth={HOST: rule(reference="config:s")}), order_id=7, amount=1))
    assert result.error == ""
    assert authorizations(of) == ["Bearer first", "Bearer second"]
    assert asked(of).index("Record") < asked(of).index("Send")


@pytest.mark.parametrize("reference", ["env:S", "keyring:s", "config:s"])
def test_a_credential_that_is_the_same_as_before_is_not_tried_again(reference: str) -> None:
    of = talk(send=REFUSED)
    result = of.hold(flight("get_order", served(GET_ORDER, auth={HOST: rule(reference=reference)}), order_id=7))
    assert (result.error, len(of.of(Send))) == ("CASK-R030", 1)
    assert reference in result.text
    assert result.details["step"] == "response"
    assert "expired" not in result.text


def test_without_an_approved_credential_the_words_of_a_401_reach_the_agent() -> None:
    """A tool that signs in answers 401 to a wrong password: that is its answer."""
    of = talk(send=REFUSED)
    result = of.hold(flight("get_order", served(GET_ORDER), order_id=7))
    assert (result.error, "expired" in result.text) == ("CASK-R008", True)


@pytest.mark.parametrize(
    ("pair", "said", "left"),
    [
        ("agent:hunter2pass9", "agent has hunter2pass9", "agent has [credential removed]"),
        ("hunter2pass9:", "is hunter2pass9", "is [credential removed]"),
        ("hunter2pass9:X", "X is hunter2pass9", "X is [credential removed]"),
        ("agent:a:b:c", "a:b:c", "[credential removed]"),
    ],
)
def test_the_password_is_cut_where_an_upstream_says_it_without_the_user(pair: str, said: str, left: str) -> None:
    held = authenticate.Held(authenticate.Asked(rule("basic"), "2026-11-21T12:00:00Z"), {"from": pair})
    assert held.cut(clean)({"said": said}) == {"said": left}


def test_each_kind_of_reference_has_its_mend() -> None:
    references = ("env:S", "keyring:s", "config:s", "caller:x-s")
    told = [authenticate.unauthorized(rule(reference=reference), 401) for reference in references]
    assert all(reference in line for reference, line in zip(references, told, strict=True))
    assert len(set(authenticate.MENDS)) == len(references)
    assert [authenticate.unauthorized(rule(), status) for status in (200, 403, 500)] == ["", "", ""]
    assert authenticate.unauthorized(None, 401) == ""


# ---------------------------------------------------------------- the caller's header
def test_only_headers_that_approved_rules_name_are_carried() -> None:
    of = pack(GET_ORDER, auth={HOST: rule(reference="caller:x-shop-token"), "b.example.com": rule(reference="env:S")})
    assert authenticate.carried(of, {"x-shop-token": "a", "x-other": "b"}) == {"x-shop-token": "a"}
    assert authenticate.carried(pack(GET_ORDER, auth={HOST: rule()}), {"s": "a", "env:s": "a"}) == {}
    assert authenticate.carried(None, {"x-shop-token": "a"}) == {}


def test_no_reference_is_read_for_a_callers_header() -> None:
    of = talk()
    result = of.hold(flight("get_order", served(GET_ORDER, auth={HOST: rule(reference="caller:x-shop-token")}), order_id=7))
    assert (result.error, of.of(Secret), of.of(Send)) == ("CASK-R009", [], [])
    assert "mine" not in repr(Call("c", "t", {}, "stdio", "", carried={"x": "mine"}))


# ---------------------------------------------------------------- certificates
def test_a_certificate_that_does_not_hold_is_told_and_nothing_was_done() -> None:
    of = talk(send=Failure("certificate", maybe=False, why="certificate has expired"))
    calm = PAY_ORDER.model_copy(update={"risk": "medium"})
    result = of.hold(flight("pay_order", served(calm), order_id=7, amount=1))
    assert result.error == "CASK-E006"
    assert "certificate has expired" in result.text
    assert result.details["outcome"] == "not done"
    assert len(of.of(Send)) == 1


# ---------------------------------------------------------------- what is shown
@pytest.mark.parametrize(
    ("of", "name", "value"),
    [
        (
            rule("oauth2", oauth2={**OAUTH, "grant": "refresh_token", "client_secret": "env:C"}),
            "Authorization",
            "Bearer, a token got with <env:S> <env:C>",
        ),
        (
            rule("sigv4", sigv4={"key_id": "env:ID", "region": "eu-west-1", "service": "s3"}),
            "Authorization",
            "a signature (AWS Signature Version 4) by <env:S> <env:ID>",
        ),
        (rule("hmac", hmac={"header": "X-Signature", "parts": ["body"]}), "X-Signature", "a signature by <env:S>"),
        (rule(reference="caller:x-shop-token"), "Authorization", "Bearer <caller:x-shop-token>"),
    ],
)
def test_a_dry_run_and_a_person_see_references_in_the_place_of_secrets(of: AuthRule, name: str, value: str) -> None:
    assert dict(shown(prepare(GET_ORDER, {"order_id": 7}), of).headers)[name] == value
    line = talk()
    result = line.hold(flight("get_order", served(GET_ORDER, auth={HOST: of}), dry=True, order_id=7))
    assert f"{name}: {value}" in result.text
    assert line.of(Secret) == line.of(NewToken) == line.of(Send) == []


def test_a_chosen_environment_decides_where_tokens_come_from() -> None:
    of = talk()
    places = {HOST: EnvironmentHost(url="https://b.example.com"), "id.example.com": EnvironmentHost(url="https://id-test.example.com:8443")}
    on = served(GET_ORDER, policy=POLICY, environment=places, auth={HOST: rule("oauth2", oauth2=OAUTH)})
    assert of.hold(flight("get_order", on, order_id=7)).error == ""
    assert (of.of(NewToken)[0].place.host, of.of(NewToken)[0].place.port) == ("id-test.example.com", 8443)
