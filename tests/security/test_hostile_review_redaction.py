"""Secrets that a hostile reviewer got through the redaction: by the spelling of a name, as a name, under a parameter's name, in an auth block."""

import json
from typing import Any, Final

import pytest

from caskmcp.redact.rules import Rules
from tests.support.capturing import Captured, capture, entry, har
from tests.support.collections import POSTMAN_SCHEMA

HOST: Final = "api.example.com"
URL: Final = f"https://{HOST}"
SECRET: Final = "Hx15hunterSecret"
PHRASE: Final = "correct-horse-staple"


def leaks(captured: Captured, *secrets: str) -> list[str]:
    """Which of the secrets are in what was written, in whatever case."""
    return [secret for secret in secrets if secret.lower() in captured.written.decode().lower()]


def postman(*items: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"info": {"name": "n", "schema": POSTMAN_SCHEMA}, "item": list(items), **more}).encode()


def item(path: str, values: dict[str, str] | None = None, **request: Any) -> dict[str, Any]:
    variables = [{"key": name, "value": value} for name, value in (values or {}).items()]
    url = {"raw": URL + path, "protocol": "https", "host": HOST.split("."), "path": path.strip("/").split("/"), "variable": variables}
    return {"name": "n", "request": {"method": "GET", "url": url | request.pop("url", {}), **request}}


def pairs(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": name, "value": value} for name, value in values.items()]


# ---------------------------------------------------------------- how a name is written
@pytest.mark.parametrize(
    "name",
    ["X-ApiSecret", "signingSecret", "webhookSecret", "userSecret", "X-UserToken", "x-apisecret", "x-usertoken", "x-signingsecret"],
)
def test_the_value_of_a_header_is_cut_whatever_the_case_of_its_name(name: str) -> None:
    captured = capture(har(entry(f"{URL}/orders", headers={name: PHRASE})))
    assert leaks(captured, PHRASE) == []


@pytest.mark.parametrize("name", ["emailAddress", "emailaddress", "x-emailaddress"])
def test_an_address_is_told_by_its_name_whatever_the_case(name: str) -> None:
    assert Rules("strict")[name][0].phrase == "email_address"


@pytest.mark.parametrize("name", ["max_tokens", "x-tokens-used", "secretary", "x-request-kind"])
def test_a_name_that_only_begins_like_a_secret_asks_for_nothing(name: str) -> None:
    assert Rules("strict")[name] == ()


def test_the_keys_of_the_manifest_are_found_behind_x() -> None:
    rules = Rules("strict", ["customerCode"])
    assert [rule.row.id for name in ("x-customercode", "X-Customer-Code") for rule in rules[name]] == ["user", "user"]
    assert rules["xcustomercode"] == ()


# ---------------------------------------------------------------- a credential that stands as a name
def test_a_credential_is_no_name_of_anything_that_is_kept() -> None:
    headers = {"Authorization": f"Bearer {SECRET}", f"X-{SECRET}": "1", f"X-{SECRET}-Kind": "2", "Cookie": f"{SECRET}=1; theme=dark"}
    captured = capture(har(entry(f"{URL}/v1/echo?{SECRET}=1", headers=headers, post=("application/json", json.dumps({SECRET: SECRET})))))
    assert leaks(captured, SECRET) == []
    assert captured.only.path == "/v1/echo"
    assert len(captured.only.query) == 1
    assert "theme" in captured.only.cookies


def span(route: str, path: str, **more: str) -> bytes:
    values = {"http.request.method": "GET", "server.address": HOST, "url.scheme": "https", "url.path": path, "http.route": route, **more}
    attributes: list[dict[str, Any]] = [{"key": name, "value": {"stringValue": value}} for name, value in values.items()]
    attributes.append({"key": "http.response.status_code", "value": {"intValue": "200"}})
    made = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "kind": 2, "name": "n", "attributes": attributes}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [made]}]}]}).encode()


def test_a_credential_in_the_route_is_no_template() -> None:
    given = {"http.request.header.authorization": f"Bearer {SECRET}"}
    captured = capture(span(f"/v1/{SECRET}/{{id}}", f"/v1/{SECRET}/7", **given), kind="otel")
    assert leaks(captured, SECRET) == []
    assert captured.only.route in ("", "*")


@pytest.mark.parametrize("password", ["example", "secret", "status", "headers", "redacted"])
def test_a_password_that_is_a_word_of_every_line_loses_no_exchange(password: str) -> None:
    captured = capture(har(entry(f"{URL}/orders", headers={"Authorization": f"Bearer {password}"})))
    assert captured.only.path == "/orders"


def test_an_exchange_is_left_out_if_its_credential_cannot_be_cut() -> None:
    data = har(entry(f"{URL}/a", SECRET, headers={"Authorization": f"Bearer {SECRET}"}), entry(f"{URL}/orders"))
    captured = capture(data)
    assert leaks(captured, SECRET) == []
    assert [exchange.path for exchange in captured.exchanges] == ["/orders"]
    assert captured.head["skipped"] == [["broken", 1]]


# ---------------------------------------------------------------- names of parameters and variables
@pytest.mark.parametrize(("name", "value"), [("ssn", "blue-123456-horse"), ("token", PHRASE), ("password", PHRASE)])
def test_the_name_of_a_path_parameter_cuts_its_value(name: str, value: str) -> None:
    captured = capture(postman(item(f"/v1/people/:{name}/x", {name: value})), kind="postman")
    assert leaks(captured, value) == []
    assert captured.only.named == ((2, name),)


def test_the_manifest_can_name_a_path_parameter() -> None:
    data = postman(item("/v1/people/:customerCode/x", {"customerCode": PHRASE}))
    assert leaks(capture(data, kind="postman", redact={"keys": ["customerCode"]}), PHRASE) == []
    assert leaks(capture(data, kind="postman"), PHRASE) == [PHRASE]


def test_the_name_in_a_route_cuts_the_segment() -> None:
    captured = capture(span("/v1/reset/{token}", f"/v1/reset/{PHRASE}"), kind="otel")
    assert leaks(captured, PHRASE) == []
    assert captured.only.route == "/v1/reset/{token}"


def test_a_parameter_that_nobody_gave_a_value_stays_as_it_is() -> None:
    assert capture(postman(item("/v1/reset/:token")), kind="postman").only.path == "/v1/reset/%7Btoken%7D"


@pytest.mark.parametrize("name", ["api_key", "bot_token", "password"])
def test_the_value_of_a_variable_that_is_a_secret_is_cut_wherever_it_is_filled_in(name: str) -> None:
    body = {"mode": "raw", "raw": json.dumps({"note": f"see {{{{{name}}}}}"})}
    data = postman(
        item(f"/v1/{{{{{name}}}}}/things"),
        item("/v1/notes", url={"query": pairs({"q": "{{outer}}"})}, body=body),
        variable=pairs({name: PHRASE, "outer": f"{{{{{name}}}}}"}),
    )
    captured = capture(data, kind="postman")
    assert len(captured.exchanges) == 2
    assert leaks(captured, PHRASE) == []


def test_a_variable_of_an_http_file_is_cut_too() -> None:
    captured = capture(f"@password = {PHRASE}\n\nGET {URL}/v1/{{{{password}}}}/x\n".encode(), kind="http")
    assert leaks(captured, PHRASE) == []


def test_variables_that_are_no_secrets_stay() -> None:
    captured = capture(postman(item("/v1/{{region}}/x"), variable=pairs({"region": "europe-west"})), kind="postman")
    assert captured.only.path == "/v1/europe-west/x"


# ---------------------------------------------------------------- credentials that are sent elsewhere, and looked for here
@pytest.mark.parametrize(
    ("kind", "name"), [("asap", "privateKey"), ("edgegrid", "clientSecret"), ("oauth1", "consumerSecret"), ("oauth2", "clientSecret")]
)
def test_each_secret_of_a_postman_auth_block_is_looked_for(kind: str, name: str) -> None:
    data = postman(item("/v1/x", auth={"type": kind, kind: pairs({name: PHRASE})}, url={"query": pairs({"k": PHRASE})}))
    assert leaks(capture(data, kind="postman"), PHRASE) == []


@pytest.mark.parametrize(("kind", "name"), [("oauth2", "clientSecret"), ("iam", "sessionToken")])
def test_each_secret_of_an_insomnia_auth_block_is_looked_for(kind: str, name: str) -> None:
    row: dict[str, Any] = {"_id": "req_1", "_type": "request", "parentId": "wrk_1", "method": "GET", "url": f"{URL}/v1/x?k={PHRASE}"}
    row["authentication"] = {"type": kind, name: PHRASE}
    data = {"_type": "export", "__export_format": 4, "resources": [{"_id": "wrk_1", "_type": "workspace", "name": "w"}, row]}
    assert leaks(capture(json.dumps(data).encode(), kind="insomnia"), PHRASE) == []


@pytest.mark.parametrize(
    "option",
    [
        f"-U me:{PHRASE}", f"--proxy-user me:{PHRASE}", f"--cert c.pem:{PHRASE}", f"-E c.pem:{PHRASE}", f"--pass {PHRASE}", f"--tlspassword {PHRASE}",
        f"--proxy-header 'Proxy-Authorization: Bearer {PHRASE}'", f"--proxy-header 'X-Api-Key: {PHRASE}'",
    ],
)  # fmt: skip
def test_each_secret_of_a_curl_command_is_looked_for(option: str) -> None:
    captured = capture(f"curl {option} '{URL}/v1/x?k={PHRASE}'\n".encode(), kind="curl")
    assert leaks(captured, PHRASE) == []
    assert captured.only.auth == ()


@pytest.mark.parametrize(
    "value",
    [
        f"Basic me:{PHRASE}",
        f'Token token="{PHRASE}"',
        f'Digest username="u", realm="r", response="{PHRASE}", opaque="o"',
        f"AWS4-HMAC-SHA256 Credential=c/20261120/x, SignedHeaders=host, Signature={PHRASE}",
    ],
)
def test_each_form_of_authorization_is_looked_for(value: str) -> None:
    captured = capture(har(entry(f"{URL}/v1/x?k={PHRASE}", headers={"Authorization": value})))
    assert leaks(captured, PHRASE) == []
