"""One recorded request becomes one redacted exchange, or is left out with a reason."""

import base64
import json
from typing import Any

import pytest

from caskmcp.compiler.capture.intake import Intake
from caskmcp.compiler.capture.sources.har import Har
from caskmcp.model.exchange import Body, Exchange, Skipped
from caskmcp.redact.cut import Redactor
from caskmcp.redact.placeholder import kind_of
from tests.support.capturing import KEY, entry, har

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
PASSWORD = "redacted-secret-ba25e46ef1cb2f61"


def take(url: str, method: str = "GET", **rest: Any) -> Exchange | Skipped:
    (recorded,) = Har().read([har(entry(url, method, **rest))])
    taken = Intake(["api.example.com"], Redactor(KEY)).take(recorded)  # type: ignore[arg-type]
    return taken if isinstance(taken, Skipped) else taken[0]


def kept(url: str, method: str = "GET", **rest: Any) -> Exchange:
    taken = take(url, method, **rest)
    assert isinstance(taken, Exchange)
    return taken


def test_a_call_becomes_an_exchange() -> None:
    found = kept(
        "https://API.example.com/v1/orders?page=2&page=3#top",
        "post",
        headers={"Authorization": "Bearer abc.def.ghi", "X-Tenant": "acme", "Cookie": "sid=s3cret77; theme=dark"},
        post=(JSON, '{"sku": "mug"}'),
        status=201,
        response_headers={"Location": "/v1/orders/7?x=1", "ETag": "1"},
    )
    assert found == Exchange(
        "POST",
        "https",
        "api.example.com",
        0,
        "/v1/orders",
        query=(("page", "2"), ("page", "3")),
        headers=(("x-tenant", "acme"),),
        cookies=("sid", "theme"),
        auth=("bearer", "cookie:sid"),
        request=Body(JSON, "json", {"sku": "mug"}, 14),
        status=201,
        response=Body(JSON, "json", {"ok": True}, 12),
        location="/v1/orders/7",
        response_headers=(("etag", "1"),),
        session=Redactor(KEY).fingerprint("session s3cret77"),
    )


# ---------------------------------------------------------------- in whose session
def session(headers: dict[str, str] | None = None, key: bytes = KEY) -> str:
    (recorded,) = Har().read([har(entry("https://api.example.com/orders", headers=headers or {}))])
    taken = Intake(["api.example.com"], Redactor(key)).take(recorded)  # type: ignore[arg-type]
    assert not isinstance(taken, Skipped)
    assert taken[0].session.encode() not in taken[1] or not taken[0].session
    return taken[0].session


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"Cookie": "sid=s3cret77"}, {"Cookie": "theme=dark; sid=s3cret77", "Authorization": "Bearer abc.def.ghi"}),
        ({"Cookie": "sid=s3cret77; access_token=one"}, {"Cookie": "access_token=two; sid=s3cret77"}),
        ({"Authorization": "Bearer abc.def.ghi"}, {"authorization": "Bearer abc.def.ghi", "X-Api-Key": "k3y"}),
        ({"X-Api-Key": "k3y"}, {"x-api-key": "k3y", "X-Request-Id": "7"}),
    ],
)
def test_requests_with_one_session_cookie_or_else_one_credential_are_of_one_session(one: dict[str, str], other: dict[str, str]) -> None:
    assert session(one) == session(other) != ""


def test_other_cookies_credentials_and_keys_are_other_sessions() -> None:
    rows = [{"Cookie": "sid=one"}, {"Cookie": "sid=two"}, {"Authorization": "Bearer one"}, {"X-Api-Key": "one-key"}]
    assert len({session(row) for row in rows} | {session(rows[0], b"o" * 32)}) == 5


@pytest.mark.parametrize("headers", [{}, {"Cookie": "theme=dark"}, {"X-Csrf-Token": "t0ken"}, {"X-Tenant": "acme"}])
def test_a_request_that_does_not_say_who_asks_is_of_no_session(headers: dict[str, str]) -> None:
    assert session(headers) == ""


@pytest.mark.parametrize(
    ("url", "method", "expected"),
    [
        ("https://cdn.example.com/x", "GET", Skipped("entry 0", "third party", "cdn.example.com")),
        ("http://api.example.com.evil.example:81/x", "GET", Skipped("entry 0", "third party", "api.example.com.evil.example:81")),
        ("file:///etc/shadow", "GET", Skipped("entry 0", "not http")),
        ("data:,x", "GET", Skipped("entry 0", "not http")),
        ("chrome-extension://abc/x", "GET", Skipped("entry 0", "not http")),
        ("", "GET", Skipped("entry 0", "not http")),
        ("https://", "GET", Skipped("entry 0", "broken", detail="the URL has no host")),
        ("https://api.example.com:99999/", "GET", Skipped("entry 0", "broken", detail="the URL has no valid host and port")),
        ("https://api.example.com/a\rb", "GET", Skipped("entry 0", "broken", detail="the URL holds a control character")),
        ("https://api.example.com/", "GET /x", Skipped("entry 0", "broken", detail="the method is no token (RFC 9110 section 5.6.2)")),
        ("https://api.example.com/", "POST\nX: y", Skipped("entry 0", "broken", detail="the method is no token (RFC 9110 section 5.6.2)")),
        ("https://api.example.com/app.js", "GET", None),
        ("https://api.example.com/", "HEAD", Skipped("entry 0", "noise", label="HEAD api.example.com/")),
    ],
)
def test_what_is_no_call_of_a_first_party_is_left_out(url: str, method: str, expected: Skipped | None) -> None:
    taken = take(url, method)
    assert taken == expected if expected else isinstance(taken, Exchange)


def test_credentials_in_the_query_are_how_it_authenticates_and_no_input() -> None:
    found = kept("https://api.example.com/orders?api_key=abc123&access_token=xyz789&page=2")
    assert found.query == (("page", "2"),)
    assert found.auth == ("query:access_token", "query:api_key")


def test_a_token_of_a_link_is_an_input_with_a_placeholder() -> None:
    found = kept("https://api.example.com/verify?token=abc123")
    assert [(name, kind_of(value)) for name, value in found.query] == [("token", "token")]
    assert found.auth == ()


def test_userinfo_is_basic_and_is_gone() -> None:
    found = kept("https://alice:mango55w@api.example.com/orders")
    assert (found.auth, found.host, found.path) == (("basic",), "api.example.com", "/orders")


def test_a_credential_that_is_echoed_anywhere_is_cut_there_too() -> None:
    found = kept(
        "https://api.example.com/try/mango55w?q=is+mango55w+good",
        "POST",
        headers={"X-Note": "mango55w"},
        post=(JSON, '{"password": "mango55w"}'),
        answer={"error": "'mango55w' is too weak", "mango55w": [1, "mango55w"]},
        response_headers={"Location": "/retry/mango55w"},
        status=302,
    )
    assert "mango55w" not in repr(found)
    assert found.path == f"/try/{PASSWORD}"
    assert found.location == f"/retry/{PASSWORD}"
    assert found.query == (("q", f"is {PASSWORD} good"),)
    assert found.response is not None
    assert found.response.value == {"error": f"'{PASSWORD}' is too weak", PASSWORD: [1, PASSWORD]}


def test_a_session_that_is_echoed_in_the_answer_is_cut() -> None:
    found = kept("https://api.example.com/me", headers={"Cookie": "sid=s3cret77"}, answer={"who": "s3cret77"})
    assert "s3cret77" not in repr(found)


def test_a_password_of_basic_or_of_a_url_is_looked_for_in_the_rest() -> None:
    basic = base64.b64encode(b"alice:mango55w").decode()
    found = kept("https://api.example.com/me", headers={"Authorization": f"Basic {basic}"}, answer={"error": "mango55w is wrong"})
    assert found.response is not None
    assert found.response.value == {"error": f"{PASSWORD} is wrong"}
    found = kept("https://alice:mango%355w@api.example.com/me", answer={"error": "mango55w is wrong"})
    assert found.response is not None
    assert found.response.value == {"error": f"{PASSWORD} is wrong"}


def test_forms_and_multipart_are_cut_by_name() -> None:
    found = kept("https://api.example.com/login", "POST", post=(FORM, "user_id=7&password=mango55w&email=a%40post.example"))
    assert found.request is not None
    assert found.request.value[:2] == [["user_id", "7"], ["password", PASSWORD]]
    assert kind_of(found.request.value[2][1]) == "email"
    parts = '--X\r\nContent-Disposition: form-data; name="password"\r\n\r\nmango55w\r\n--X--'
    upload = kept("https://api.example.com/login", "POST", post=("multipart/form-data; boundary=X", parts))
    assert upload.request is not None
    assert upload.request.value == [["password", PASSWORD]]


def test_text_is_not_kept_at_all() -> None:
    found = kept("https://api.example.com/log", answer=("text/plain", "password: mango55w"))
    assert found.response == Body("text/plain", "text", size=18)


def test_json_that_is_too_deep_is_not_kept() -> None:
    deep = "[" * 200 + '{"password": "mango55w"}' + "]" * 200
    found = kept("https://api.example.com/deep", answer=(JSON, deep))
    assert found.response == Body(JSON, "text", size=len(deep))


def test_links_stand_beside_values_that_a_placeholder_does_not_link() -> None:
    found = kept(
        "https://api.example.com/people?phone=0301234567", answer={"people": [{"phone": "0301234567"}, {"email": "a@post.example"}]}
    )
    places = {place for place, _ in found.links}
    assert places == {"query.phone", "response.body.phone"}
    assert len({mark for _, mark in found.links}) == 1


def test_a_media_type_is_redacted_like_any_text() -> None:
    found = kept("https://api.example.com/x", answer=("text/a@post.example", "x"))
    assert "a@post.example" not in repr(found)


@pytest.mark.parametrize("status", [204, 205, 301, 304])
def test_a_status_without_a_body_misses_none(status: int) -> None:
    found = kept("https://api.example.com/x", status=status, answer=("", ""), content={"size": -1})
    assert found.response is None or found.response.kind != "absent"


def test_a_relative_redirect_is_resolved_and_a_wrong_one_dropped() -> None:
    assert kept("https://api.example.com/a/b", status=302, response_headers={"location": "../c?x"}).location == "/c"
    assert kept("https://api.example.com/a/b", status=302, response_headers={"location": "https://[::1/x"}).location == ""


def test_names_that_are_secrets_are_cut_wherever_names_stand() -> None:
    secret = "ghp_" + "dx9iIPwmy4vlgGD6on0tRealpbrZC4VD4bCp"
    found = kept(
        f"https://api.example.com/x?{secret}=1",
        "POST",
        headers={secret: "1", "Cookie": f"{secret}=1"},
        post=(JSON, json.dumps({secret: {secret: 1}})),
        answer=(FORM, f"{secret}=1"),
    )
    assert secret not in repr(found).replace("redacted", "")


@pytest.mark.parametrize("method", ["hunter2", "ghp_a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6", "A" * 25, "Tr0ub4dor"])
def test_what_stands_for_a_method_and_may_be_a_secret_is_not_kept(method: str) -> None:
    found = take("https://api.example.com/", method)
    assert found == Skipped("entry 0", "broken", detail="the method is more than letters and dashes: it may be a secret")


@pytest.mark.parametrize("method", ["PURGE", "m-search", "UPDATEREDIRECTREF", "_OTHER"])
def test_a_method_that_a_service_made_up_is_kept(method: str) -> None:
    assert kept("https://api.example.com/", method).method == method.upper()
