"""Values that live for a session, and cursors: told by their names, never an argument, and where they came from."""

import json
from pathlib import Path
from typing import Any

import pytest

from caskmcp.compiler import fleeting
from caskmcp.compiler.capture.pages import given
from caskmcp.compiler.fleeting import RULES, Place, rule
from caskmcp.workflows import build
from tests.support.capturing import OTHER_KEY, capture, entry, har
from tests.support.traffic import contract, exchange
from tests.support.world import world

HOST = "https://api.example.com"
TOKEN = "q7Hd92LkPz0aWm41TvXc"


# ---------------------------------------------------------------- names
@pytest.mark.parametrize(
    ("place", "name", "expected"),
    [
        ("header", "X-CSRF-Token", "csrf"),
        ("header", "x-xsrf-token", "csrf"),
        ("body", "csrfmiddlewaretoken", "csrf"),
        ("body", "authenticity_token", "csrf"),
        ("body", "__RequestVerificationToken", "csrf"),
        ("body", "_token", "csrf"),
        ("body", "__VIEWSTATE", "form-state"),
        ("query", "_wpnonce", "nonce"),
        ("body", "nonce", "nonce"),
        ("header", "x-build-id", "build"),
        ("query", "_buildId", "build"),
        ("query", "_", "cache-buster"),
        ("query", "next_cursor", "cursor"),
        ("query", "pageToken", "cursor"),
        ("body", "scroll_id", "cursor"),
        ("body", "token", ""),
        ("query", "state", ""),
        ("query", "build_id", ""),
        ("query", "page", ""),
        ("query", "version", ""),
        ("body", "announcement", ""),
        ("body", "deployment_id", ""),
        ("body", "_", ""),
    ],
)
def test_a_name_at_a_place_is_of_one_kind_or_none(place: Place, name: str, expected: str) -> None:
    found = rule(place, name)
    assert (found.id if found else "") == expected


def test_a_state_is_one_of_a_login_only_beside_where_the_login_leads_back() -> None:
    found = rule("query", "state", ["client_id", "redirect_uri"])
    assert found is not None
    assert (found.id, rule("query", "state", ["page"])) == ("oauth-state", None)


def test_a_cursor_alone_stays_an_argument() -> None:
    assert {row.id for row in RULES if row.argument} == {"cursor"}
    assert not any(row.argument and row.manual for row in RULES)


# ---------------------------------------------------------------- contracts
def test_a_contract_marks_what_lives_for_a_session_and_cursors() -> None:
    found = contract(
        exchange("POST /orders?nonce=a&cursor=b&page=1 200", headers=(("x-csrf-token", "~"),), body={"_token": "x", "name": "y"})
    )
    assert [(row.place, row.rule, row.argument) for row in found.fleeting] == [
        ("body _token", "csrf", False),
        ("header x-csrf-token", "csrf", False),
        ("query cursor", "cursor", True),
        ("query nonce", "nonce", False),
    ]


# ---------------------------------------------------------------- where they came from
PAGE = f"""<!doctype html><html><head><meta content="{TOKEN}" name="csrf-token"><meta name="author" content="Ana Winterbottom">
<body><form><input type=hidden name=__VIEWSTATE value='dDwtMTA4MzE0MjEwNQ=='><input type="text" name="q" value="somebody typed"></form>"""


def test_a_page_gives_tokens_of_metas_and_hidden_fields_alone() -> None:
    assert list(given(PAGE)) == [("csrf-token", TOKEN), ("__VIEWSTATE", "dDwtMTA4MzE0MjEwNQ==")]
    assert list(given("<meta name=csrf-token content=>" * 9)) == []


def test_a_hostile_page_costs_linear_time() -> None:
    for page in ("<meta token " * 100_000, "<input token=" + "a=" * 500_000, '<meta name="csrf' * 60_000):
        assert list(given(page)) == []


def session(*, reverse: bool = False) -> list[dict[str, Any]]:
    """A page gives a token, a call sends it; an answer gives another one, a call sends it in its body; a cookie is sent twice; cursors go on."""
    sent = [
        entry(f"{HOST}/login", answer=("text/html", PAGE), headers={"sec-fetch-mode": "navigate", "accept": "text/html"}),
        entry(f"{HOST}/orders", "POST", headers={"X-CSRF-Token": TOKEN}, post=("application/json", '{"name": "x"}')),
        entry(f"{HOST}/forms/new", answer={"id": 7, "csrf_token": "Zk38sPqLm20xVbTn5Yce"}),
        entry(f"{HOST}/forms", "POST", post=("application/x-www-form-urlencoded", "authenticity_token=Zk38sPqLm20xVbTn5Yce&title=t")),
        entry(
            f"{HOST}/likes", "POST", headers={"X-XSRF-TOKEN": "Ha72LkQz0aWm41TvXcPo", "Cookie": "XSRF-TOKEN=Ha72LkQz0aWm41TvXcPo; lang=en"}
        ),
        entry(f"{HOST}/orders", answer={"items": [], "next_cursor": "b2Zmc2V0LTIwLWZvcndhcmQ"}),
        entry(f"{HOST}/orders?cursor=b2Zmc2V0LTIwLWZvcndhcmQ", answer={"items": [], "next_cursor": None}),
        entry(f"{HOST}/notes", "POST", headers={"X-CSRF-Token": "never seen before 00001"}, post=("application/json", '{"text": "x"}')),
    ]
    return sent[::-1] if reverse else sent


def coverage(folder: Path, entries: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    folder.mkdir()
    (folder / "cask.yaml").write_text("version: 1\nname: shop\nhosts: [api.example.com]\nsources: [{har: s.har}]\n")
    (folder / "s.har").write_bytes(har(*entries))
    build.run(world(folder))
    artifact = folder / ".caskmcp" / "toolpacks" / "shop" / "artifact"
    read = {name: json.loads((artifact / name).read_bytes()) for name in ("coverage.json", "tools.json")}
    return read["coverage.json"]["operations"], {tool["operation"]: tool for tool in read["tools.json"]["tools"]}


ORIGINS = {
    "POST api.example.com/orders": {"header x-csrf-token": {"GET api.example.com/login page csrf-token": 1}},
    "POST api.example.com/forms": {"body authenticity_token": {"GET api.example.com/forms/new answer /csrf_token": 1}},
    "POST api.example.com/likes": {"header x-xsrf-token": {"cookie XSRF-TOKEN": 1}},
    "GET api.example.com/orders": {"query cursor": {"GET api.example.com/orders answer /next_cursor": 1}},
}
MANUAL = {
    "POST api.example.com/orders": ["header x-csrf-token is ephemeral (csrf): it came from GET api.example.com/login page csrf-token"],
    "POST api.example.com/forms": [
        "body authenticity_token is ephemeral (csrf): it came from GET api.example.com/forms/new answer /csrf_token"
    ],
    "POST api.example.com/likes": ["header x-xsrf-token is ephemeral (csrf): it came from cookie XSRF-TOKEN"],
    "POST api.example.com/notes": ["header x-csrf-token is ephemeral (csrf): where it comes from was not seen"],
}


@pytest.mark.feature(23)
def test_an_ephemeral_value_is_no_argument_and_its_origin_is_recorded_or_said_to_be_unknown(tmp_path: Path) -> None:
    operations, tools = coverage(tmp_path / "shop", session())
    assert {name: row["origins"] for name, row in operations.items() if "origins" in row} == ORIGINS
    assert {name: row["manual"] for name, row in operations.items() if "manual" in row} == MANUAL
    names = {name: sorted(tool["input_schema"]["properties"]) for name, tool in tools.items()}
    assert names["POST api.example.com/forms"] == ["title"]
    assert names["POST api.example.com/orders"] == ["name"]
    assert names["POST api.example.com/likes"] == []
    assert names["GET api.example.com/orders"] == ["cursor"]


@pytest.mark.feature(25)
def test_the_order_of_entries_and_the_redaction_key_change_nothing(tmp_path: Path) -> None:
    assert coverage(tmp_path / "a", session()) == coverage(tmp_path / "b", session(reverse=True))
    one, other = (capture(har(*session(reverse=reverse)), key=key) for reverse, key in ((False, OTHER_KEY), (True, b"k" * 32)))
    assert one.head["id"] == other.head["id"]


def test_no_token_stands_in_a_capture() -> None:
    found = capture(har(*session()))
    for value in (TOKEN, "Zk38sPqLm20xVbTn5Yce", "Ha72LkQz0aWm41TvXcPo", "never seen before", "Winterbottom", "somebody typed"):
        assert value.encode() not in found.written
    assert [row[1] for row in found.head["origins"]] == ["GET api.example.com/login page csrf-token"]
    assert not any(place.startswith("page") for _, place, _ in found.head["cuts"])


def test_what_an_answer_only_gives_back_did_not_come_from_it(tmp_path: Path) -> None:
    echo = entry(f"{HOST}/echo?nonce=Zk38sPqLm20xVbTn5Yce", answer={"nonce": "Zk38sPqLm20xVbTn5Yce"})
    operations, _ = coverage(tmp_path / "shop", [echo])
    assert "origins" not in operations["GET api.example.com/echo"]


def test_a_status_that_answers_hold_too_is_looked_for_nowhere_unless_the_request_is_one_of_oauth(tmp_path: Path) -> None:
    answer = entry(f"{HOST}/orders", answer={"last": "undecided"})
    filtered, asked = entry(f"{HOST}/bills?state=undecided", answer={"id": 1}), entry(f"{HOST}/login?redirect_uri=x", answer={"id": 1})
    assert "origins" not in coverage(tmp_path / "a", [answer, filtered])[0]["GET api.example.com/bills"]
    found = coverage(tmp_path / "b", [answer, filtered, asked])[0]["GET api.example.com/bills"]
    assert found["origins"] == {"query state": {"GET api.example.com/orders answer /last": 1}}


def test_the_table_is_asked_for_each_place_of_a_request() -> None:
    assert {place for row in RULES for place in row.places} == set(fleeting.ALL)
