"""What the credentials of a request say, once for all requests that show the same ones."""

import pytest

from caskmcp.compiler.capture import bearer, headers
from caskmcp.compiler.capture.bearer import Bearers
from caskmcp.redact.cut import Redactor

REDACTOR = Redactor(b"k" * 32)
SESSION = ("Cookie", "sid=s3ss10n-0f-4nn4; theme=dark")
TOKEN = ("Authorization", "Bearer t0k3n-0f-4nn4")


class Counted:
    """A fingerprint that says what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, text: str) -> str:
        self.asked.append(text)
        return f"<{text}>"


def shown(bearers: Bearers, *pairs: tuple[str, str]) -> bearer.Bearer:
    named = headers.named(pairs, lambda _, name: REDACTOR.is_credential(name))
    return bearers.known(named, headers.lowered(pairs))


def test_a_request_says_its_cookies_its_secrets_and_whose_session_it_is_in() -> None:
    found = shown(Bearers(Counted()), TOKEN, SESSION, ("X-Tenant", "acme"))
    assert found.cookies == (("sid", "s3ss10n-0f-4nn4"), ("theme", "dark"))
    assert found.secrets == ("t0k3n-0f-4nn4", "s3ss10n-0f-4nn4")
    assert found.ways == ("bearer",)
    assert found.session == "<session s3ss10n-0f-4nn4>"


def test_what_is_no_credential_is_asked_for_once() -> None:
    fingerprint = Counted()
    bearers = Bearers(fingerprint)
    one, two = shown(bearers, SESSION, ("X-Request-Id", "1"), ("X-Page", "1")), shown(bearers, ("X-Request-Id", "2"), SESSION)
    assert one is two
    assert fingerprint.asked == ["session s3ss10n-0f-4nn4"]


def test_another_cookie_is_another_bearer() -> None:
    bearers = Bearers(Counted())
    assert shown(bearers, SESSION).session != shown(bearers, ("Cookie", "sid=s3ss10n-0f-b3rt")).session


@pytest.mark.parametrize("name", ["X-Api-Key", "Proxy-Authorization", "X-Amz-Security-Token", "Private-Token"])
def test_another_value_of_any_header_that_authenticates_gives_its_own_secret(name: str) -> None:
    bearers = Bearers(Counted())
    assert shown(bearers, (name, "0ne-0f-tw0")).secrets == ("0ne-0f-tw0",)
    assert shown(bearers, (name, "tw0-0f-tw0")).secrets == ("tw0-0f-tw0",)


def test_one_value_under_a_name_that_authenticates_and_under_one_that_does_not_are_told_apart() -> None:
    bearers = Bearers(Counted())
    assert shown(bearers, SESSION, ("X-Tenant", "0ne-0f-tw0")).secrets == ("s3ss10n-0f-4nn4",)
    assert shown(bearers, SESSION, ("X-Api-Key", "0ne-0f-tw0")).secrets == ("0ne-0f-tw0", "s3ss10n-0f-4nn4")


def test_the_order_of_credentials_is_kept() -> None:
    bearers = Bearers(Counted())
    key = ("X-Api-Key", "0ne-0f-tw0")
    assert shown(bearers, TOKEN, key).secrets == ("t0k3n-0f-4nn4", "0ne-0f-tw0")
    assert shown(bearers, key, TOKEN).secrets == ("0ne-0f-tw0", "t0k3n-0f-4nn4")


def test_a_header_that_stands_nowhere_in_the_exchange_is_a_secret_and_not_remembered() -> None:
    bearers, sent = Bearers(Counted()), headers.lowered([SESSION])
    assert bearers.read(sent, [("x-api-key", "h1dd3n-k3y")], REDACTOR.is_credential).secrets == ("h1dd3n-k3y", "s3ss10n-0f-4nn4")
    assert shown(bearers, SESSION).secrets == ("s3ss10n-0f-4nn4",)


def test_long_values_of_cookies_are_known_without_their_encoding() -> None:
    found = shown(Bearers(Counted()), ("Cookie", "XSRF-TOKEN=abc%3D%3D1234; a=short; b=abc%3D%3D1234"))
    assert found.values == {"abc==1234": "b"}


def test_a_request_without_credentials_is_in_no_session() -> None:
    fingerprint = Counted()
    assert shown(Bearers(fingerprint), ("X-Tenant", "acme")) == bearer.Bearer((), {}, (), (), "")
    assert fingerprint.asked == []


def test_tokens_that_are_renewed_with_each_request_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bearer, "REMEMBERED", 4)
    bearers = Bearers(Counted())
    sessions = [shown(bearers, ("Cookie", f"sid=s3ss10n-{number}")).session for number in range(10)]
    assert sessions == [f"<session s3ss10n-{number}>" for number in range(10)]
    assert len(bearers._known) <= 4
