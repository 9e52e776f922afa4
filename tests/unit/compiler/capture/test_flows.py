"""The lines of the addon: what they mean, and that a line which is none, or an end that is missing, is an error without the line's text."""

import base64
import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caskmcp.compiler.capture.sources import flows
from caskmcp.compiler.capture.sources.flows import Flows
from caskmcp.compiler.capture.sources.interface import Recorded, RecordedBody
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped
from tests.support.capturing import capture, entry, har

SECRET = "s3cr3t-" + "mK82LqWzXp"


def line(**values: Any) -> bytes:
    return json.dumps(values).encode() + b"\n"


def exchange(path: str = "/orders/1", **values: Any) -> bytes:
    body = {"media": "application/json", "data": base64.b64encode(b'{"id": 1}').decode()}
    usual = {
        "is": "exchange", "method": "GET", "url": f"https://api.example.com{path}", "headers": [["accept", "*/*"]], "request": None,
        "status": 200, "response_headers": [["content-type", "application/json"]], "response": body, "kind": "",
    }  # fmt: skip
    return line(**{**usual, **values})


BEGUN = line(**{"is": "begun", "version": "12.2.3"})


def ended(count: int) -> bytes:
    return line(**{"is": "ended", "count": count})


def read(*lines: bytes, size: int = 1 << 20) -> list[Any]:
    data = b"".join(lines)
    return list(Flows().read(data[at : at + size] for at in range(0, len(data), size)))


@pytest.mark.parametrize("size", [1, 7, 64, 1 << 20])
def test_an_exchange_is_what_was_sent_and_answered_wherever_the_pieces_end(size: int) -> None:
    assert read(BEGUN, exchange(), ended(1), size=size) == [
        Recorded(
            "flow 0",
            "GET",
            "https://api.example.com/orders/1",
            headers=(("accept", "*/*"),),
            status=200,
            response_headers=(("content-type", "application/json"),),
            response=RecordedBody("application/json", data=b'{"id": 1}'),
        )
    ]


def test_flows_are_counted_in_their_order_and_what_is_no_http_is_left_out() -> None:
    lines = (
        exchange("/a"),
        line(**{"is": "other", "what": "tcp"}),
        line(**{"is": "passed", "host": "x.test"}),
        exchange("/b", kind="websocket"),
    )
    found = read(BEGUN, *lines, ended(2))
    assert [(each.place, getattr(each, "reason", "")) for each in found] == [
        ("flow 0", ""), ("flow 1", "not http"), ("flow 2", "third party"), ("flow 3", ""),
    ]  # fmt: skip
    assert found[2] == Skipped("flow 2", "third party", host="x.test")
    assert found[3].kind == "websocket"


def test_a_body_that_was_not_held_back_is_told_from_one_that_was_empty() -> None:
    empty = exchange(response={"media": "", "data": ""})
    dropped = exchange(response={"media": "application/json"})
    large = exchange(response={"media": "application/json", "size": 99})
    found = read(BEGUN, empty, dropped, large, exchange(response=None, status=0), ended(4))
    assert [each.response for each in found] == [
        RecordedBody("", data=b""), RecordedBody("application/json"), RecordedBody("application/json", size=99), None,
    ]  # fmt: skip


def test_the_same_exchange_as_lines_and_as_har_is_the_same_capture() -> None:
    body = b'{"id": 1}'
    lines = BEGUN + exchange(response={"media": "application/json", "data": base64.b64encode(body).decode()}) + ended(1)
    twin = har(entry("https://api.example.com/orders/1", answer=("application/json", body.decode()), headers={"accept": "*/*"},
                     response_headers={"content-type": "application/json"}))  # fmt: skip
    assert capture(lines, kind="flows").head["id"] == capture(twin).head["id"]


def test_a_secret_of_the_lines_is_not_in_what_is_written() -> None:
    sent = {"media": "application/json", "data": base64.b64encode(json.dumps({"password": SECRET}).encode()).decode()}
    lines = BEGUN + exchange(method="POST", request=sent, headers=[["authorization", f"Bearer {SECRET}"]]) + ended(1)
    taken = capture(lines, kind="flows")
    assert taken.only.auth == ("bearer",)
    assert SECRET.encode() not in taken.written


# fmt: off
HOSTILE = {
    "no JSON":             f"{SECRET}\n".encode(),
    "an array":            f'["{SECRET}"]\n'.encode(),
    "no known line":       line(**{"is": SECRET}),
    "no kind at all":      line(method=SECRET),
    "a number as a URL":   exchange(url=7),
    "no status":           exchange(status=SECRET),
    "a broken base64":     exchange(response={"media": "", "data": f"*{SECRET}*"}),
    "a header of three":   exchange(headers=[["a", "b", SECRET]]),
    "an unknown kind":     exchange(kind=SECRET),
    "not UTF-8":           b'{"is":"begun","version":"\xff\xfe"}\n',
    "an empty line":       b"\n",
    "a deep line":         b'{"is":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
    "a lone surrogate":    b'{"is":"begun","version":"\\ud800"}\n',
}
# fmt: on


@pytest.mark.parametrize("name", HOSTILE)
def test_a_line_that_is_none_is_an_error_with_its_number_and_without_its_text(name: str) -> None:
    with pytest.raises(CaskError) as raised:
        read(BEGUN, exchange(), HOSTILE[name], ended(1))
    assert (raised.value.code, raised.value.place) == ("CASK-C001", "line 3")
    assert SECRET not in str(raised.value)


@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([BEGUN, exchange(), ended(1), b"\n", b'{"is":'])), max_size=6))
def test_whatever_comes_through_the_pipe_is_exchanges_or_an_error_of_ours(blocks: list[bytes]) -> None:
    try:
        found = list(Flows().read(blocks))
    except CaskError:
        return
    assert b"".join(blocks).endswith(ended(1))
    assert len(found) == 1


@pytest.mark.parametrize(
    "lines",
    [
        (BEGUN, exchange()),
        (BEGUN, exchange(), ended(1)[:-1]),
        (BEGUN, exchange()[:-20]),
        (BEGUN, exchange(), ended(2)),
        (BEGUN, exchange(), exchange(), ended(1)),
        (),
    ],
    ids=["no end", "half an end", "half a line", "one is missing", "one too many", "nothing"],
)
def test_a_stream_that_is_cut_off_is_an_error(lines: tuple[bytes, ...]) -> None:
    with pytest.raises(CaskError) as raised:
        read(*lines)
    assert (raised.value.code, raised.value.what) == ("CASK-C001", "the recorder's lines are cut off")


def test_a_file_that_cannot_be_read_on_is_an_error_with_the_flow() -> None:
    with pytest.raises(CaskError) as raised:
        read(BEGUN, exchange(), exchange(), line(**{"is": "failed"}), ended(2))
    assert (raised.value.code, raised.value.place) == ("CASK-C001", "flow 2")


def test_nothing_may_follow_the_end() -> None:
    with pytest.raises(CaskError) as raised:
        read(BEGUN, exchange(), ended(2), exchange())
    assert (raised.value.code, raised.value.place) == ("CASK-C001", "flow 1")


def test_a_line_without_end_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "LONGEST", 1000)
    given: list[int] = []

    def endless() -> Iterable[bytes]:
        for number in range(1_000_000):
            given.append(number)
            yield b"x" * 100

    with pytest.raises(CaskError) as raised:
        list(flows.messages(endless()))
    assert (raised.value.code, raised.value.place) == ("CASK-C005", "line 1")
    assert len(given) == 11


def test_what_a_line_may_hold_covers_two_bodies_of_the_largest_size() -> None:
    body = flows.Content("m", data=bytes(flows.BODY // 1024))
    seen = flows.Seen("GET", "u", (), body, 200, (), body)
    assert len(msgspec.json.encode(seen)) * 1024 < flows.LONGEST + 300 * 1024


def test_a_flow_file_itself_is_not_what_this_source_reads() -> None:
    with pytest.raises(CaskError) as raised:
        read(b"2412:9:websocket;0:~8:response;708:6:reason;2:OK,11:status_code;3:200#\n")
    assert (raised.value.code, raised.value.place) == ("CASK-C001", "line 1")
