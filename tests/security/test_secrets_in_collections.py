"""The corpus of planted secrets in every kind of collection, and secrets in the places that only collections have: nothing of them is kept."""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from caskmcp.compiler.normalize.stage import bare_part, summarize
from tests.support.capturing import OTHER_KEY, Captured, capture
from tests.support.collections import FORMATS, POSTMAN_SCHEMA, postman, requests
from tests.support.secrets import HOST, cases, entry, leaks

ENTRIES, PLANTED = requests()


@pytest.mark.parametrize("kind", FORMATS)
def test_the_corpus_is_in_the_file(kind: str) -> None:
    assert len(PLANTED) >= 40
    assert leaks(PLANTED, FORMATS[kind](ENTRIES)) == [case.id for case in PLANTED]


@pytest.mark.parametrize("kind", FORMATS)
def test_no_planted_secret_of_a_request_is_kept(kind: str) -> None:
    captured = capture(FORMATS[kind](ENTRIES), HOST, kind=kind)
    assert len(captured.items) >= len(PLANTED) - 1
    assert leaks(PLANTED, captured.written) == []
    assert leaks(PLANTED, json.dumps(bare_part(summarize(captured.items))).encode()) == []


def test_no_planted_secret_of_a_saved_answer_is_kept() -> None:
    found = [case for case in cases("gone") if case.where.startswith("resp.") and case.where != "resp.base64"]
    captured = capture(postman([made for case in found if (made := entry(case))]), HOST, kind="postman")
    assert leaks(found, captured.written) == []


def test_two_keys_give_one_id() -> None:
    data = FORMATS["curl"](ENTRIES)
    assert capture(data, HOST, kind="curl").head == capture(data, HOST, kind="curl", key=OTHER_KEY).head


# ---------------------------------------------------------------- places that only collections have
TOKEN: Final = "zq7-planted-Tok3n-c0ntent-1"
PASSWORD: Final = "zq7 planted pa55word two"
KEY: Final = "zq7_planted_api_key_three"
UNUSED: Final = "zq7-planted-unused-four"
TOLD: Final = "zq7 planted in a script or a description"
SECRETS: Final = (TOKEN, PASSWORD, KEY, UNUSED, TOLD)


def _postman_item(name: str, **request: Any) -> dict[str, Any]:
    return {"name": f"{name} {TOLD}", "request": {"method": "GET", "url": f"https://{HOST}/{name}", "description": TOLD, **request}}


def a_postman() -> bytes:
    listed = [{"key": "token", "value": TOKEN}, {"key": "kept", "value": "{{unused}}"}, {"key": "unused", "value": UNUSED}]
    items = [
        _postman_item("one", header=[{"key": "X-Plain", "value": "say {{token}} twice"}]),
        _postman_item("two", auth={"type": "basic", "basic": [{"key": "password", "value": PASSWORD}, {"key": "username", "value": "u"}]}),
        _postman_item("three", auth={"type": "apikey", "apikey": [{"key": "key", "value": "k"}, {"key": "value", "value": KEY}, {"key": "in", "value": "query"}]}),
    ]  # fmt: skip
    event = [{"listen": "test", "script": {"exec": [f"pm.test('{TOLD}')"]}}]
    auth = {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}"}]}
    info = {"name": TOLD, "description": TOLD, "schema": POSTMAN_SCHEMA}
    return json.dumps({"info": info, "item": items, "event": event, "auth": auth, "variable": listed}).encode()


def a_bruno() -> bytes:
    def item(name: str, **request: Any) -> dict[str, Any]:
        return {"type": "http", "name": TOLD, "request": {"url": f"https://{HOST}/{name}", "method": "GET", "docs": TOLD, **request}}

    items = [
        item(
            "one", auth={"mode": "bearer", "bearer": {"token": "{{token}}"}}, headers=[{"name": "X-Plain", "value": "say {{token}} twice"}]
        ),
        item("two", auth={"mode": "basic", "basic": {"username": "u", "password": PASSWORD}}, script={"req": f"bru.setVar('{TOLD}')"}),
        item("three", auth={"mode": "apikey", "apikey": {"key": "k", "value": KEY, "placement": "queryparams"}}),
    ]
    variables = [{"name": "token", "value": TOKEN}, {"name": "unused", "value": UNUSED}, {"name": "s", "value": UNUSED, "secret": True}]
    return json.dumps({"name": "c", "version": "1", "items": items, "environments": [{"name": "p", "variables": variables}]}).encode()


def an_insomnia() -> bytes:
    def item(name: str, **more: Any) -> dict[str, Any]:
        return {"_type": "request", "name": TOLD, "description": TOLD, "url": f"https://{HOST}/{name}", "method": "GET", **more}

    rows = [
        {"_id": "wrk_1", "_type": "workspace"},
        {"_type": "environment", "parentId": "wrk_1", "data": {"token": TOKEN, "unused": UNUSED}},
        item("one", authentication={"type": "bearer", "token": "{{ _.token }}"}, headers=[{"name": "X-Plain", "value": "say {{ _.token }} twice"}]),
        item("two", authentication={"type": "basic", "username": "u", "password": PASSWORD}, preRequestScript=TOLD),
        item("three", authentication={"type": "apikey", "key": "k", "value": KEY, "addTo": "queryParams"}),
        {"_type": "cookie_jar", "cookies": [{"key": "sid", "value": UNUSED}]},
    ]  # fmt: skip
    return json.dumps({"_type": "export", "__export_format": 4, "resources": rows}).encode()


def a_curl() -> bytes:
    return f"""TOKEN={TOKEN} # {TOLD}
UNUSED='{UNUSED}'
curl https://{HOST}/one -H "Authorization: Bearer $TOKEN" -H "X-Plain: say $TOKEN twice"
curl -u 'u:{PASSWORD}' https://{HOST}/two --proxy-user 'p:{KEY}'
curl https://{HOST}/three -H 'X-Api-Key: {KEY}' -b 'sid={UNUSED}' -A '{TOLD}'
curl --oauth2-bearer {TOKEN} https://{HOST}/four
""".encode()


def an_http() -> bytes:
    return f"""@token = {TOKEN}
@unused={UNUSED}
### {TOLD}
# {TOLD}
GET https://{HOST}/one
Authorization: Bearer {{{{token}}}}
X-Plain: say {{{{token}}}} twice

> {{% client.log("{TOLD}") %}}

###
GET https://{HOST}/two
Authorization: Basic u {PASSWORD.replace(" ", "")}

###
GET https://{HOST}/three
X-Api-Key: {KEY}
Cookie: sid={UNUSED}
""".encode()


MADE: Final[dict[str, Callable[[], bytes]]] = {
    "postman": a_postman,
    "bruno": a_bruno,
    "insomnia": an_insomnia,
    "curl": a_curl,
    "http": an_http,
}


@pytest.mark.parametrize("kind", MADE)
def test_credentials_variables_scripts_and_descriptions_leave_nothing(kind: str) -> None:
    captured: Captured = capture(MADE[kind](), HOST, kind=kind)
    part = json.dumps(bare_part(summarize(captured.items))).encode()
    assert [secret for secret in SECRETS if secret.encode() in captured.written + part] == []
    assert {item.path for item in captured.exchanges} >= {"/one", "/two", "/three"}
    assert captured.exchanges[0].auth == ("bearer",)
    assert all(item.auth for item in captured.exchanges)


def test_an_api_key_with_a_name_of_its_own_is_a_way_and_no_parameter() -> None:
    third = next(item for item in capture(a_postman(), HOST, kind="postman").exchanges if item.path == "/three")
    assert (third.auth, third.query) == (("query:k",), ())
