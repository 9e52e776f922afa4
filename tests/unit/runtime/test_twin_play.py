"""The twin as a caller meets it: what was recorded, what calls leave behind, pages, errors, and what nobody recorded."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from caskmcp.model.observation import Call
from caskmcp.runtime.twin.operations import known, settled
from caskmcp.runtime.twin.play import Twin
from caskmcp.runtime.twin.seeded import seeded
from caskmcp.runtime.twin.wire import Answer, Request, body, parsed
from tests.support.contracts import HOST, INTEGER, contract, obj
from tests.support.exchanges import traffic
from tests.support.twin_api import U1, asks, contracts, order, recording, said, twin
from tests.support.twinned import lives


def answered(at: Twin, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
    answer = at.answer(asks(method, path, body, **query))
    return answer.status, answer.value


# ---------------------------------------------------------------- what was recorded
def test_a_recorded_request_gets_its_recorded_answer() -> None:
    at = twin()
    assert answered(at, "GET", "/orders/1") == (200, order(1))
    assert answered(at, "GET", "/orders", size=2, page=2) == (200, {"items": [order(3), order(4, "paid")], "total": 4})
    assert answered(at, "GET", "/orders/99") == (404, {"code": "no_such_order"})


def test_of_several_answers_to_one_request_the_success_that_came_most_often_counts() -> None:
    good, other, bad = Answer(200, {"n": 1}, "json"), Answer(200, {"n": 2}, "json"), Answer(500, {}, "json")
    assert settled([bad, bad, other, good, good]) == good
    assert settled([good, other]) == settled([other, good])
    assert settled([bad]) == bad


def test_the_order_of_the_recording_changes_nothing() -> None:
    assert known(contracts(), recording()) == known(contracts(), reversed(recording()))


def test_nobody_is_asked_who_they_are() -> None:
    assert answered(twin(), "GET", "/health") == (200, {"ok": True})


def test_a_recorded_thing_that_was_only_listed_can_be_got() -> None:
    assert answered(twin(), "GET", "/orders/4") == (200, order(4, "paid"))


def test_what_nobody_knows_is_answered_as_it_was_recorded_that_something_is_not_there() -> None:
    assert answered(twin(), "GET", "/orders/12345") == (404, {"code": "no_such_order"})
    assert answered(twin(), "GET", "/orders/12345/lines") == (404, {"code": "no_such_order"})
    assert answered(twin(), "GET", "/nowhere") == (404, {"error": "not_found"})


def test_an_id_of_thousands_of_digits_is_a_text_and_ends_no_later_call() -> None:
    at, huge = twin(), "9" * 5_000
    assert answered(at, "POST", "/orders", {"note": "a", "id": huge})[1]["id"] == huge
    assert answered(at, "PATCH", f"/orders/{huge}", {"note": "b"})[1]["note"] == "b"
    assert answered(at, "POST", "/orders", {"note": "c"})[1]["id"] == 6


def test_a_call_of_a_shared_endpoint_is_answered_with_its_own_number() -> None:
    at = twin()
    assert answered(at, "POST", "/rpc", {"jsonrpc": "2.0", "id": 7, "method": "ping"})[1]["result"] == "pong"
    assert answered(at, "POST", "/rpc", {"jsonrpc": "2.0", "id": 8, "method": "ping", "params": {"a": 1}})[1] == {
        "jsonrpc": "2.0",
        "id": 8,
        "result": "pong",
    }
    assert answered(at, "POST", "/rpc", {"jsonrpc": "2.0", "id": 8, "method": "other"})[0] == 404


# ---------------------------------------------------------------- writes
def test_what_is_made_can_be_got_and_is_listed_and_is_gone_when_it_was_taken_away() -> None:
    at = twin()
    status, made = answered(at, "POST", "/orders", {"note": "mine"})
    assert (status, made) == (201, {"id": 6, "status": "open", "note": "mine", "total": 7.5})
    assert answered(at, "GET", "/orders/6") == (200, made)
    listed = answered(at, "GET", "/orders")[1]
    assert ([row["id"] for row in listed["items"]], listed["total"]) == ([1, 2, 3, 4, 6], 5)
    assert answered(at, "DELETE", "/orders/6") == (204, None)
    assert answered(at, "GET", "/orders/6") == (404, {"code": "no_such_order"})
    assert answered(at, "DELETE", "/orders/6")[0] == 404
    assert [row["id"] for row in answered(at, "GET", "/orders")[1]["items"]] == [1, 2, 3, 4]


def test_two_new_things_have_two_ids_and_an_id_has_the_form_of_the_recorded_ones() -> None:
    at = twin()
    ids = [answered(at, "POST", "/orders", {"note": "x"})[1]["id"] for _ in range(3)]
    user = answered(at, "POST", "/users", {"name": "Cy"})[1]
    assert ids == [6, 7, 8]
    assert (len(user["id"]), user["id"].count("-"), user["name"]) == (36, 4, "Cy")
    assert answered(at, "GET", f"/users/{user['id']}") == (200, user)
    assert user["id"] != answered(at, "POST", "/users", {"name": "Cy"})[1]["id"]


def test_a_recorded_thing_that_is_taken_away_leaves_get_and_lists_and_what_lies_below_it() -> None:
    at = twin()
    assert answered(at, "DELETE", "/orders/1")[0] == 204
    assert answered(at, "GET", "/orders/1")[0] == 404
    assert answered(at, "GET", "/orders/1/lines")[0] == 404
    assert answered(at, "POST", "/orders/1/cancel", {})[0] == 404
    assert answered(at, "GET", "/orders", page=1, size=2) == (200, {"items": [order(2, "paid")], "total": 3})


def test_a_change_shows_in_get_and_in_lists_and_nowhere_else() -> None:
    at = twin()
    assert answered(at, "PATCH", "/orders/1", {"note": "new"}) == (200, order(1, note="new"))
    assert answered(at, "GET", "/orders/1") == (200, order(1, note="new"))
    assert answered(at, "GET", "/orders", page=1, size=2)[1]["items"] == [order(1, note="new"), order(2, "paid")]
    assert answered(at, "PATCH", "/orders/12345", {"note": "new"})[0] == 404


def test_what_is_done_with_a_thing_shows_in_it() -> None:
    at = twin()
    assert answered(at, "POST", "/orders/1/cancel", {})[1]["status"] == "paid"
    assert answered(at, "GET", "/orders/1")[1]["status"] == "paid"


def test_what_lies_below_a_new_thing_is_like_what_lies_below_another_one() -> None:
    at = twin()
    made = answered(at, "POST", "/orders", {"note": "mine"})[1]
    assert answered(at, "GET", f"/orders/{made['id']}/lines") == (200, [{"sku": "a-1"}])


def test_a_bad_request_is_answered_as_bad_requests_were() -> None:
    at = twin()
    assert answered(at, "POST", "/orders", {"status": "open"}) == (422, {"code": "bad_order"})
    assert at.answer(Request("POST", HOST, "/orders", broken=True)).status == 422
    assert at.answer(Request("PATCH", HOST, "/orders/1", broken=True)).status == 400
    assert answered(at, "GET", "/orders")[1]["total"] == 4


def test_each_twin_begins_as_it_was_recorded() -> None:
    assert answered(twin(), "DELETE", "/orders/1")[0] == 204
    assert answered(twin(), "GET", "/orders/1") == (200, order(1))


# ---------------------------------------------------------------- pages and filters
def test_pages_of_another_size_are_cut_from_all_recorded_pages() -> None:
    at = twin()
    pages = [[row["id"] for row in answered(at, "GET", "/orders", page=page, size=3)[1]["items"]] for page in (1, 2, 3)]
    assert pages == [[1, 2, 3], [4], []]


def test_a_filter_that_is_called_like_a_member_chooses_by_it() -> None:
    assert [row["id"] for row in answered(twin(), "GET", "/orders", status="paid")[1]["items"]] == [2, 4]


def test_what_was_made_shows_on_the_last_page_and_only_where_the_filter_lets_it() -> None:
    at = twin()
    made = answered(at, "POST", "/orders", {"note": "mine", "status": "open"})[1]
    shown = [
        made["id"] in [row["id"] for row in answered(at, "GET", "/orders", **query)[1]["items"]]
        for query in ({"status": "open"}, {"status": "paid"}, {"page": 1, "size": 3}, {"page": 2, "size": 3}, {"q": "mine"})
    ]
    assert shown == [True, False, False, True, False]


def test_cursors_lead_from_page_to_page() -> None:
    at = twin()
    assert answered(at, "GET", "/events", limit=2)[1]["next"] == "c2"
    assert answered(at, "GET", "/events", cursor="c2", limit=2)[1] == {"rows": [{"id": 3}], "next": None}


# ---------------------------------------------------------------- without a recording
def test_without_a_recording_things_are_invented_that_agree_with_each_other() -> None:
    at = twin(recorded=False)
    listed = answered(at, "GET", "/orders")[1]
    assert ([row["id"] for row in listed["items"]], listed["total"]) == ([1, 2, 3, 4, 5], 5)
    got = answered(at, "GET", "/orders/3")[1]
    assert got["id"] == 3
    assert got["status"] in ("open", "paid")
    assert answered(at, "GET", "/orders/77")[0] == 404
    assert answered(at, "GET", "/health")[1]["ok"] in (True, False)


def test_without_a_recording_the_same_contracts_say_the_same() -> None:
    rows = [[answered(twin(recorded=False), "GET", f"/orders/{number}") for number in range(1, 6)] for _ in range(2)]
    assert rows[0] == rows[1]
    assert len({json.dumps(row) for row in rows[0]}) == 5


@pytest.mark.parametrize("recorded", [True, False])
def test_every_resource_that_can_be_made_got_and_deleted_lives_a_whole_life(recorded: bool) -> None:
    found = list(lives(twin(recorded=recorded)))
    assert [(life.resource, life.whole, life.shown) for life in found] == [(f"{HOST}/orders/{{}}", True, True)]


# ---------------------------------------------------------------- wire
def test_what_the_recording_does_not_hold_is_as_long_as_it_was_and_says_nothing() -> None:
    assert body(Answer(200, None, "binary", "image/png", 9)) == b"........."
    assert len(body(Answer(200, None, "text", "text/csv", 1 << 20))) == 4096
    assert body(Answer(204, None, "text", "", 9)) == b""


def test_streams_are_written_as_they_were_read() -> None:
    events = Answer(200, [{"event": "tick", "data": {"n": 1}}, {"data": "[DONE]"}], "stream", "text/event-stream")
    assert body(events) == b'data: {"n":1}\nevent: tick\n\ndata: [DONE]\n\n'
    assert body(Answer(200, [{"n": 1}, {"n": 2}], "stream", "application/x-ndjson")) == b'{"n":1}\n{"n":2}\n'
    assert body(Answer(200, [1], "stream", "application/json-seq")) == b"\x1e1\n"


def test_a_form_and_a_broken_body_are_told_apart_from_json() -> None:
    form = parsed("POST", HOST, "/a?x=%C3%A9", "application/x-www-form-urlencoded", b"a=1&b=")
    assert (form.fields, form.query, form.broken) == ({"a": "1", "b": ""}, (("x", "é"),), False)
    assert parsed("POST", HOST, "/a", "application/json", b"{").broken
    assert parsed("POST", HOST, "/a", "application/json", b"[" * 100_000).broken
    assert parsed("POST", HOST, "/a%20b", "application/octet-stream", b"\xff").path == "/a b"


@settings(max_examples=8)
@given(traffic)
def test_any_traffic_is_answered_and_reads_of_it_change_nothing(rows: list[Any]) -> None:
    at = Twin(known(contracts(), rows))
    asked = [Request(row.method, row.host, row.path, row.query) for row in rows if row.method == "GET"]
    first = [at.answer(each) for each in asked]
    assert [at.answer(each) for each in asked] == first
    assert all(isinstance(body(each), bytes) for each in first)


def test_a_thing_of_which_only_its_path_is_known_looks_like_the_others() -> None:
    at = Twin(known(contracts(), (*recording(), said("DELETE", "/orders/8", 204))))
    assert answered(at, "GET", "/orders/8") == (200, {**order(1), "id": 8})


def test_a_user_is_found_by_the_id_that_the_path_has() -> None:
    assert answered(twin(), "GET", f"/users/{U1}") == (200, {"id": U1, "name": "Ada"})


def test_a_tool_of_an_mcp_server_is_answered_as_one_whatever_number_the_call_has() -> None:
    constants = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "add"}}
    call = Call(protocol="mcp", name="add", constants=constants, within=("params", "arguments"))
    at = Twin(seeded(known([contract("POST /mcp", answer=obj(sum=INTEGER), call=call)], ())))
    asked = {**constants, "id": 9, "params": {"name": "add", "arguments": {"a": 1}}}
    status, said_ = answered(at, "POST", "/mcp", asked)
    assert (status, said_["jsonrpc"], said_["id"]) == (200, "2.0", 9)
    assert said_["result"]["structuredContent"] == json.loads(said_["result"]["content"][0]["text"])
    assert isinstance(said_["result"]["structuredContent"]["sum"], int)
    assert answered(at, "POST", "/mcp", {**asked, "params": {"name": "other"}})[0] == 404


def test_a_body_too_deep_to_be_told_from_others_is_answered_all_the_same() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    assert answered(twin(), "POST", "/orders/1/cancel", {"deep": deep})[0] == 200
