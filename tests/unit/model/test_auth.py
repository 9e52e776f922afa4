"""`auth:` of the manifest: which references and schemes there are, what is refused, and that old entries are signed as they were."""

from typing import Any

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.artifact import Auth, Environments
from caskmcp.model.auth import AuthRule
from caskmcp.model.policy import Policy
from caskmcp.model.project import Project
from caskmcp.model.served import shared
from caskmcp.text import Document

OAUTH = {"token_url": "https://id.example.com/token", "client_id": "shop"}
SIGV4 = {"key_id": "env:AWS_ACCESS_KEY_ID", "region": "eu-west-1", "service": "execute-api"}
HMAC = {"header": "X-Signature", "parts": ["method", "body"]}


def manifest(**entry: Any) -> AuthRule:
    """The entry as `cask.yaml` would have it. Raises CaskError for one that is refused."""
    value = {"version": 1, "hosts": ["a.example"], "auth": {"a.example": {"from": "env:TOKEN", **entry}}}
    return Project.of(Document("cask.yaml", value, {})).auth["a.example"]


def refused(**entry: Any) -> str:
    with pytest.raises(CaskError) as error:
        manifest(**entry)
    assert error.value.code == "CASK-I004"
    return error.value.what


@pytest.mark.parametrize("reference", ["env:STORE_TOKEN", "keyring:shop/main", "config:store-token", "caller:x-store-token"])
def test_each_kind_of_reference_is_taken(reference: str) -> None:
    assert manifest(scheme="bearer", **{"from": reference}).source == reference


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "STORE_TOKEN",
        "file:/etc/shadow",
        "command:rm -rf /",
        "config:",
        "config:../x",
        "config:A",
        "env:A B",
        "env:A\n",
        "caller:",
        "caller:X-Up",
    ],
)
def test_no_other_reference_is(reference: str) -> None:
    assert "config:NAME" in refused(scheme="bearer", **{"from": reference})


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "cookie",
        "host",
        "proxy-authorization",
        "mcp-session-id",
        "content-length",
        "x-forwarded-for",
        "origin",
        "forwarded",
    ],
)
def test_the_servers_own_token_and_what_belongs_to_the_connection_is_never_passed_on(name: str) -> None:
    assert "never passed on" in refused(scheme="bearer", **{"from": f"caller:{name}"})


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"scheme": "api_key"}, "needs `name:`"),
        ({"scheme": "oauth2"}, "`oauth2` and its entry"),
        ({"scheme": "bearer", "oauth2": OAUTH}, "`oauth2` and its entry"),
        ({"scheme": "sigv4", "hmac": HMAC}, "`sigv4` and its entry"),
        ({"scheme": "hmac"}, "`hmac` and its entry"),
        ({"scheme": "hmac", "hmac": HMAC, "from": "caller:x-key"}, "not for a caller's own header"),
        ({"scheme": "oauth2", "oauth2": {**OAUTH, "client_secret": "env:S"}}, "`client_secret` is for `refresh_token`"),
        ({"scheme": "oauth2", "oauth2": {**OAUTH, "token": "x"}}, "unknown key"),
        ({"scheme": "hmac", "hmac": {**HMAC, "parts": []}}, "parts"),
        ({"scheme": "hmac", "hmac": {**HMAC, "parts": ["nonce"]}}, "parts"),
        ({"scheme": "hmac", "hmac": {**HMAC, "parts": ["timestamp"]}}, "go together"),
        ({"scheme": "hmac", "hmac": {**HMAC, "timestamp": "X-Time"}}, "go together"),
        ({"scheme": "hmac", "hmac": {**HMAC, "header": "X\r\nY"}}, "header"),
        ({"scheme": "hmac", "hmac": {**HMAC, "algorithm": "md5"}}, "algorithm"),
        ({"scheme": "sigv4", "sigv4": {**SIGV4, "region": "eu west"}}, "region"),
        ({"scheme": "sigv4", "sigv4": {**SIGV4, "key_id": "AKIDEXAMPLE"}}, "key_id"),
    ],
)
def test_an_entry_that_does_not_fit_its_scheme_is_refused(entry: dict[str, Any], said: str) -> None:
    assert said in refused(**entry)


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example.com/token",
        "https://u:p@id.example.com/t",
        "https://id.example.com/t?a=b",
        "https://id.example.com/#",
        "https:///t",
        "https://[::1/",
        "x",
    ],
)
def test_a_token_comes_from_an_https_address_without_query_and_user(url: str) -> None:
    assert "https://HOST" in refused(scheme="oauth2", oauth2={**OAUTH, "token_url": url})


def test_the_host_of_a_token_is_named_as_environments_name_hosts() -> None:
    for url, host in (
        (OAUTH["token_url"], "id.example.com"),
        ("https://id.example.com:443/t", "id.example.com"),
        ("https://ID.example.com:8443/t", "id.example.com:8443"),
    ):
        of = manifest(scheme="oauth2", oauth2={**OAUTH, "token_url": url}).oauth2
        assert of is not None
        assert of.host == host


def test_every_reference_of_an_entry_is_known_by_its_role() -> None:
    aws = manifest(scheme="sigv4", sigv4={**SIGV4, "session": "env:AWS_SESSION_TOKEN"})
    assert aws.references == (("from", "env:TOKEN"), ("key_id", "env:AWS_ACCESS_KEY_ID"), ("session", "env:AWS_SESSION_TOKEN"))
    token = manifest(scheme="oauth2", oauth2={**OAUTH, "grant": "refresh_token", "client_secret": "keyring:shop"})
    assert token.references == (("from", "env:TOKEN"), ("client_secret", "keyring:shop"))
    assert [rule.renewable for rule in (aws, token, manifest(scheme="bearer", **{"from": "config:x"}))] == [False, True, True]


def test_entries_that_knew_no_signatures_are_signed_as_before() -> None:
    rules = Auth(hosts={"a.example": manifest(scheme="bearer")})
    assert shared(Policy(rules=()), Environments(), rules)["auth:a.example"] == {
        "schema": "caskmcp/auth-reference/1",
        "host": "a.example",
        "scheme": "bearer",
        "from": "env:TOKEN",
        "name": None,
        "in": "header",
    }


def test_each_value_of_a_signature_is_part_of_what_is_signed() -> None:
    rules = Auth(hosts={"a.example": manifest(scheme="hmac", hmac=HMAC)})
    assert shared(Policy(rules=()), Environments(), rules)["auth:a.example"]["hmac"] == {
        "header": "X-Signature",
        "algorithm": "sha256",
        "parts": ["method", "body"],
        "joined": "\n",
        "encoding": "hex",
        "prefix": "",
        "key": "text",
        "timestamp": None,
        "clock": "unix",
    }
