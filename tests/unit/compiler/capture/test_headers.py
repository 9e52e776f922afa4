"""Which headers can matter, and how a request authenticated: names only."""

import pytest

from caskmcp.compiler.capture import headers
from caskmcp.redact.cut import Redactor

is_credential = Redactor(b"k" * 32).is_credential


@pytest.mark.parametrize("name", ["X-Tenant", "idempotency-key", "Prefer", "X-Api-Version", "Stripe-Version", "X-HTTP-Method-Override"])
def test_a_header_that_can_matter_is_kept_in_lower_case(name: str) -> None:
    assert headers.kept(headers.lowered([(name, "v")]), is_credential) == ((name.lower(), "v"),)


@pytest.mark.parametrize(
    "name",
    [
        ":authority",
        ":path",
        "Accept",
        "User-Agent",
        "Referer",
        "Origin",
        "Host",
        "Content-Length",
        "Content-Type",
        "If-None-Match",
        "Cookie",
        "DNT",
        "Authorization",
        "Proxy-Authorization",
        "X-Api-Key",
        "X-Auth-Token",
        "Private-Token",
        "DD-API-KEY",
        "Sec-Fetch-Mode",
        "Sec-CH-UA",
        "X-Forwarded-For",
        "Forwarded",
        "traceparent",
        "X-B3-TraceId",
        "X-Request-Id",
        "CF-Ray",
        "X-Real-IP",
        "bad name",
        "x\ny",
        "",
    ],
)
def test_transport_browser_and_credentials_are_dropped(name: str) -> None:
    assert headers.kept(headers.lowered([(name, "v")]), is_credential) == ()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([("Authorization", "Bearer abc")], ("bearer",)),
        ([("authorization", "BASIC abc")], ("basic",)),
        ([("Authorization", "Token abc")], ("header:authorization",)),
        ([("Authorization", "")], ("header:authorization",)),
        ([("X-Api-Key", "abc"), ("X-Vault-Token", "abc")], ("header:x-api-key", "header:x-vault-token")),
        ([("X-CSRF-Token", "abc"), ("X-Tenant", "acme")], ()),
    ],
)
def test_a_header_says_how_a_request_authenticated(given: list[tuple[str, str]], expected: tuple[str, ...]) -> None:
    assert headers.auth(headers.lowered(given), (), (), False, is_credential) == expected


@pytest.mark.parametrize(
    "name",
    ["session", "sessionid", "JSESSIONID", "PHPSESSID", "connect.sid", "__Host-session", "auth_token", "remember_me", "sid", "app.sid"],
)
def test_a_session_cookie_authenticates(name: str) -> None:
    assert headers.auth((), (), [name], False, is_credential) == (f"cookie:{name}",)


@pytest.mark.parametrize("name", ["theme", "lang", "_ga", "csrftoken", "consent", "inside", "sidebar"])
def test_other_cookies_do_not(name: str) -> None:
    assert headers.auth((), (), [name], False, is_credential) == ()


def test_query_and_userinfo_authenticate_too_and_the_list_is_sorted() -> None:
    found = headers.auth([("x-api-key", "a")], ["api_key"], ["sid"], True, is_credential)
    assert found == ("basic", "cookie:sid", "header:x-api-key", "query:api_key")


def test_cookies_come_from_the_header_and_from_the_list() -> None:
    given = [("Cookie", "theme=dark; sid=a=b"), ("cookie", "lang=en;;  ; flag")]
    assert headers.cookies(headers.lowered(given)) == [("theme", "dark"), ("sid", "a=b"), ("lang", "en")]
    assert headers.cookie_names(headers.cookies(headers.lowered(given)), ["extra", ""]) == ("extra", "lang", "sid", "theme")


def test_the_credentials_themselves_are_what_must_not_be_echoed() -> None:
    given = [("Authorization", "Bearer abc.def"), ("X-Api-Key", " key1 "), ("Cookie", "theme=dark; sid=s3cr"), ("X-Tenant", "acme")]
    assert headers.secrets(headers.lowered(given), headers.cookies(headers.lowered(given)), is_credential) == ["abc.def", "key1", "s3cr"]


def test_answers_keep_what_says_something_about_the_operation() -> None:
    given = [
        ("ETag", "1"),
        ("Date", "now"),
        ("X-RateLimit-Limit", "9"),
        ("Set-Cookie", "a=b"),
        ("Link", "<x>"),
        ("Server", "x"),
        ("RateLimit", "l"),
    ]
    assert headers.answered(headers.lowered(given)) == (("etag", "1"), ("x-ratelimit-limit", "9"), ("link", "<x>"), ("ratelimit", "l"))


@pytest.mark.parametrize(
    ("text", "good"), [("GET", True), ("M-SEARCH", True), ("x!#$", True), ("GET X", False), ("GET\n", False), ("", False), ("GÉT", False)]
)
def test_a_token_is_what_a_method_is_made_of(text: str, good: bool) -> None:
    assert headers.is_token(text) is good


def test_a_token_that_lives_for_a_session_is_kept_to_be_marked_and_is_no_way_to_authenticate() -> None:
    given = headers.lowered([("X-CSRF-Token", "v"), ("X-Auth-Token", "v")])
    assert headers.kept(given, is_credential) == (("x-csrf-token", "v"),)
    assert headers.auth(given, (), (), False, is_credential) == ("header:x-auth-token",)


def test_what_a_list_of_names_says_is_what_each_name_says() -> None:
    given = [
        (name, "v")
        for name in (
            "X-Tenant",
            "accept",
            "X-ApiSecret",
            "Authorization",
            "X-CSRF-Token",
            "etag",
            " X-Tenant ",
            "RateLimit-Limit",
            "x y",
            "",
        )
    ]
    found = headers.named(given, lambda spelled, name: any(map(is_credential, (name, *spelled.get(name, ())))))
    assert found.lowered == tuple(name for name, _ in headers.lowered(given))
    assert found.spelled == headers.spelled(given)
    assert found.credentials == {"x-apisecret", "authorization", "x-csrf-token"}
    assert found.kept == {"x-tenant", "x-csrf-token", "etag", "ratelimit-limit"}
    assert found.answered == {"etag", "ratelimit-limit"}
