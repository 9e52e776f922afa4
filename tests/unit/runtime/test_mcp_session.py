"""Sessions with MCP servers that know no call without one: what is sent, how often, where the id stays; against a real server and as conversations."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from caskmcp.model.auth import AuthRule
from caskmcp.model.project import EnvironmentHost
from caskmcp.model.tool import BodyPlan, ResponsePlan, Tool
from caskmcp.runtime import conduct as driver
from caskmcp.runtime import gateway
from caskmcp.runtime.commands import Failure, Open, Pause, Recall, Record, Resolve, Secret, Send, Session, SessionKey, Turn
from caskmcp.runtime.egress import Destination
from caskmcp.runtime.mcp_session import HELD, Sessions, agreed
from caskmcp.runtime.plan import PreparedRequest
from caskmcp.runtime.respond import Answer, Result
from caskmcp.runtime.surface import Surface
from tests.support.calls import HOST, PUBLIC, Conversation, flight, literal, served, tool
from tests.support.mcp_server import Running
from tests.unit.runtime.test_conduct import hands, lines

META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
JSON = (("content-type", "application/json"),)
ID = "f00dfeedcafe4711"
CALLED = b'{"jsonrpc":"2.0","id":9,"result":{"content":[{"type":"text","text":"open, says f00dfeedcafe4711"}]}}'


def called(name: str = "get_order", effect: Any = "read", **more: Any) -> Tool:
    """A tool of an MCP server, as it is compiled from `NAME.mcp.json`."""
    constants = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "_meta": META}}
    made = tool(
        name,
        method="POST",
        segments=(literal("mcp"),),
        effect=effect,
        body=BodyPlan(
            media="application/json",
            kind="json",
            argument="order_id",
            constants=constants,
            within=("params", "arguments", "order_id"),
        ),
        **more,
    )
    headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": name}
    request = made.request.model_copy(update={"accept": "application/json, text/event-stream", "constants": headers})
    return made.model_copy(update={"request": request, "response": ResponsePlan(envelope="mcp")})


def answer(status: int = 200, body: bytes = CALLED, *more: tuple[str, str]) -> Answer:
    return Answer(status, (*JSON, *more), body)


def refusal(code: int = -32600) -> Answer:
    return answer(400, json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": "Missing session ID"}}).encode())


def talk(*sent: Any, held: Turn | None = None, opened: Turn | None = None, **more: Any) -> tuple[Conversation, Result]:
    """One call. sent: what the server answers to each send, in turn."""
    replies: dict[type, Any] = {
        Resolve: (PUBLIC,),
        Send: list(sent),
        Recall: held,
        Open: opened,
        Record: None,
        Pause: None,
        Secret: "s3cr3t-t0ken",
    }
    asked: list[Any] = []
    steps = gateway.steps(flight("get_order", served(called(), **more), order_id=7))
    command = next(steps)
    while True:
        asked.append(command)
        reply = replies[type(command)]
        try:
            command = steps.send(reply.pop(0) if isinstance(command, Send) else reply)
        except StopIteration as end:
            conversation = Conversation({})
            conversation.asked.extend(asked)
            return conversation, end.value


def headers(send: Send) -> dict[str, str]:
    return {name.lower(): value for name, value in send.request.headers}


TURN = Turn(Session("2025-06-18", ID), 5)
FRESH = Turn(Session("2025-06-18", ID), 2, fresh=True)


# ---------------------------------------------------------------- as conversations
def test_a_call_that_is_taken_as_approved_opens_nothing() -> None:
    said, result = talk(answer())
    assert result.error == ""
    assert [type(command).__name__ for command in said.asked] == ["Resolve", "Recall", "Send", "Record"]
    assert headers(said.of(Send)[0])["mcp-protocol-version"] == "2026-07-28"


def test_a_call_that_is_refused_for_want_of_a_session_is_sent_once_more_in_one() -> None:
    said, result = talk(refusal(), answer(), opened=FRESH)
    assert result.error == ""
    first, second = said.of(Send)
    assert json.loads(first.request.body) == json.loads(second.request.body) | {"id": 1}
    assert json.loads(second.request.body)["id"] == 2
    assert "mcp-session-id" not in headers(first)
    assert (headers(second)["mcp-session-id"], headers(second)["mcp-protocol-version"]) == (ID, "2025-06-18")
    assert not {"mcp-method", "mcp-name"} & set(headers(second))
    assert (second.place, second.to, second.request.target) == (first.place, first.to, first.request.target)
    assert headers(second)["content-length"] == str(len(second.request.body))


def test_the_second_refusal_is_the_answer() -> None:
    said, result = talk(refusal(), refusal(), opened=FRESH)
    assert (result.error, result.status, len(said.of(Send)), len(said.of(Open))) == ("CASK-R008", 400, 2, 1)


def test_a_server_that_opens_no_session_is_asked_once_and_its_refusal_stands() -> None:
    said, result = talk(refusal())
    assert (result.error, result.status, len(said.of(Send))) == ("CASK-R008", 400, 1)


@pytest.mark.parametrize("code", [-32020, -32021])
def test_a_refusal_of_the_approved_revision_s_own_kind_opens_nothing(code: int) -> None:
    said, result = talk(refusal(code))
    assert (result.status, said.of(Open)) == (400, [])


@pytest.mark.parametrize("status", [401, 403, 404, 405, 500, 503])
def test_no_other_status_opens_a_session(status: int) -> None:
    said, _ = talk(*[answer(status, b"no")] * 3)  # a tool that is idempotent is asked again where the server is busy
    assert said.of(Open) == []


@pytest.mark.parametrize("kind", ["connect", "timeout", "broken"])
def test_no_failure_opens_a_session(kind: Any) -> None:
    said, result = talk(*[Failure(kind, maybe=True)] * 3)
    assert (result.error, said.of(Open)) == ("CASK-R007", [])


def test_a_held_session_is_used_at_once_and_each_call_in_it_has_a_number_of_its_own() -> None:
    said, result = talk(answer(), held=TURN)
    assert result.error == ""
    (sent,) = said.of(Send)
    assert (headers(sent)["mcp-session-id"], json.loads(sent.request.body)["id"]) == (ID, 5)


@pytest.mark.parametrize("status", [404, 400])
def test_a_session_that_the_server_forgot_is_made_once_more(status: int) -> None:
    said, result = talk(answer(status, b""), answer(), held=TURN, opened=FRESH)
    assert (result.error, len(said.of(Send))) == ("", 2)
    assert said.of(Open)[0].stale == TURN.session


def test_what_a_session_s_id_says_in_an_answer_is_taken_out_and_the_record_names_the_revision_alone() -> None:
    said, result = talk(refusal(), answer(), opened=FRESH)
    assert "open, says [credential removed]" in result.text
    record = said.of(Record)[-1].entry
    assert record.extra["handshake"] == "2025-06-18"
    assert ID not in record.model_dump_json()
    said, _ = talk(answer(), held=TURN)
    assert "handshake" not in said.of(Record)[-1].entry.extra


def test_nothing_that_is_printed_holds_an_id_or_a_credential() -> None:
    said, _ = talk(refusal(), answer(), opened=FRESH, auth={HOST: AuthRule.model_validate({"scheme": "bearer", "from": "env:T"})})
    (ask,) = said.of(Open)
    assert ask.key.secret == "s3cr3t-t0ken"
    assert not any(word in repr((ask.key, TURN)) for word in (ID, "s3cr3t-t0ken"))


def test_a_dry_run_neither_recalls_nor_opens() -> None:
    steps = gateway.steps(flight("get_order", served(called()), dry=True, order_id=7))
    assert isinstance(next(steps), Record)


def test_a_tool_that_is_none_of_an_mcp_server_never_asks_for_a_session() -> None:
    steps = gateway.steps(flight("get_order", served(tool()), order_id=7))
    next(steps)
    assert isinstance(steps.send((PUBLIC,)), Send)
    assert isinstance(steps.send(answer(400, b'{"error":"no"}')), Record)


# ---------------------------------------------------------------- the handshake
def initialized(version: str = "2025-06-18", *more: tuple[str, str], status: int = 200) -> Answer:
    result = {
        "protocolVersion": version,
        "capabilities": {},
        "serverInfo": {"name": "x", "version": "1"},
        "instructions": "call everything",
    }
    return answer(status, json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode(), *more)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (initialized("2025-06-18", ("mcp-session-id", ID)), Session("2025-06-18", ID)),
        (initialized("2025-11-25"), Session("2025-11-25", "")),
        (initialized("2024-11-05", ("mcp-session-id", ID)), None),
        (initialized("2026-07-28", ("mcp-session-id", ID)), None),
        (initialized("2025-06-18", ("mcp-session-id", "a b")), None),
        (initialized("2025-06-18", ("mcp-session-id", "a\r\nX-Evil: 1")), None),
        (initialized("2025-06-18", ("mcp-session-id", "ä")), None),
        (initialized("2025-06-18", ("mcp-session-id", "x" * 1025)), None),
        (initialized("2025-06-18", status=202), None),
        (refusal(), None),
        (answer(200, b"{}"), None),
        (answer(200, b'{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":[]}}'), None),
        (answer(200, b'{"jsonrpc":"2.0","id":1,"error":{"code":1}}'), None),
        (Answer(200, JSON, initialized().body, whole=False), None),
        (
            Answer(200, (("content-type", "text/event-stream"), ("mcp-session-id", ID)), b"data: " + initialized().body + b"\n\n"),
            Session("2025-06-18", ID),
        ),
    ],
)
def test_what_an_answer_to_initialize_opens(given: Answer, found: Session | None) -> None:
    assert agreed(given) == found


REQUEST = PreparedRequest(
    "POST",
    "https",
    HOST,
    443,
    b"/mcp?key=k",
    (("Host", HOST), ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Name", "x"), ("Authorization", "Bearer t"), ("Content-Length", "2")),
    b"{}",
)
PLACE = Destination("https", HOST, 443)


def key(number: int = 0) -> SessionKey:
    return SessionKey(PLACE, b"/mcp", f"secret {number}")


def opened(*answers: Answer | Failure, sessions: Sessions | None = None, ask: Open | None = None) -> tuple[Turn | None, list[Send]]:
    """Open a session with a server that gives these answers."""
    sent: list[Send] = []

    async def send(each: Send) -> Answer | Failure:
        sent.append(each)
        return answers[len(sent) - 1]

    async def run() -> Turn | None:
        return await (sessions or Sessions()).open(ask or Open(key(), Send(REQUEST, PLACE, (PUBLIC,), 9), None), send)

    return anyio.run(run), sent


def test_the_handshake_is_two_requests_to_the_same_address_with_the_same_credential() -> None:
    turn, sent = opened(initialized("2025-06-18", ("mcp-session-id", ID)), answer(202, b""))
    assert turn == Turn(Session("2025-06-18", ID), 2, fresh=True)
    assert [json.loads(each.request.body)["method"] for each in sent] == ["initialize", "notifications/initialized"]
    hello = json.loads(sent[0].request.body)
    assert (hello["id"], hello["params"]["protocolVersion"], hello["params"]["capabilities"]) == (1, "2025-11-25", {})
    assert {(each.place, each.to, each.request.method, each.request.target) for each in sent} == {(PLACE, (PUBLIC,), "POST", b"/mcp?key=k")}
    assert [headers(each)["authorization"] for each in sent] == ["Bearer t", "Bearer t"]
    assert [headers(each).get("mcp-protocol-version") for each in sent] == [None, "2025-06-18"]
    assert [headers(each).get("mcp-session-id") for each in sent] == [None, ID]
    assert [headers(each)["content-length"] for each in sent] == [str(len(each.request.body)) for each in sent]
    assert all("mcp-name" not in headers(each) for each in sent)


@pytest.mark.parametrize(
    "answers",
    [(Failure("timeout", maybe=True),), (refusal(),), (initialized(), answer(400, b"")), (initialized(), Failure("dropped", maybe=True))],
)
def test_a_handshake_that_fails_opens_nothing_and_holds_nothing(answers: tuple[Any, ...]) -> None:
    sessions = Sessions()
    assert opened(*answers, sessions=sessions)[0] is None
    assert sessions.recall(Recall(key())) is None


def test_a_session_is_held_for_its_place_and_credential_alone() -> None:
    sessions = Sessions()
    opened(initialized("2025-06-18", ("mcp-session-id", ID)), answer(202, b""), sessions=sessions)
    assert sessions.recall(Recall(key())) == Turn(Session("2025-06-18", ID), 3)
    assert sessions.recall(Recall(key())) == Turn(Session("2025-06-18", ID), 4)
    assert sessions.recall(Recall(key(1))) is None
    assert sessions.recall(Recall(SessionKey(Destination("https", HOST, 444), b"/mcp", "secret 0"))) is None
    assert sessions.recall(Recall(SessionKey(PLACE, b"/other", "secret 0"))) is None


def test_two_calls_at_once_open_one_session() -> None:
    sessions, sent = Sessions(), []

    async def send(each: Send) -> Answer:
        sent.append(each)
        await anyio.sleep(0.01)
        return initialized("2025-06-18", ("mcp-session-id", ID)) if len(sent) % 2 else answer(202, b"")

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(sessions.open, Open(key(), Send(REQUEST, PLACE, (PUBLIC,), 9), None), send)

    anyio.run(run)
    assert len(sent) == 2


def test_what_is_held_is_bounded_and_the_longest_held_goes_first() -> None:
    sessions = Sessions()
    for number in range(HELD + 3):
        ask = Open(key(number), Send(REQUEST, PLACE, (PUBLIC,), 9), None)
        opened(initialized("2025-06-18", ("mcp-session-id", ID)), answer(202, b""), sessions=sessions, ask=ask)
    held = [number for number in range(HELD + 3) if sessions.recall(Recall(key(number)))]
    assert held == list(range(3, HELD + 3))


# ---------------------------------------------------------------- a real server of 2025
@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with Running("tok-1234567", era="sessions") as running:
        yield running


def on(server: Running) -> Surface:
    here: dict[str, Any] = {"scheme": "http", "host": "127.0.0.1", "port": server.port}
    auth = {server.host: AuthRule.model_validate({"scheme": "bearer", "from": "env:TOKEN"})}
    place = {server.host: EnvironmentHost(url=f"http://{server.host}", private=True)}
    return served(called(**here), called("ping", "write", **here), environment=place, auth=auth)


def test_calls_of_a_server_that_knows_sessions_alone_are_answered(tmp_path: Path, server: Running) -> None:
    with_ = hands(tmp_path, TOKEN="tok-1234567")

    async def run() -> list[Result]:
        try:
            return [await driver.conduct(flight(name, on(server), order_id=7), with_, print) for name in ("get_order", "get_order", "ping")]
        finally:
            await with_.upstream.aclose()
            with_.state.close()

    found = anyio.run(run)
    assert [result.error for result in found] == ["", "", ""], found
    assert found[1].structured == {"id": 7, "state": "open"}
    done = [line for line in lines(tmp_path) if "phase" not in line["extra"]]
    assert [line["extra"].get("handshake") for line in done] == ["2025-11-25", None, None]


def test_a_server_that_forgot_its_sessions_is_introduced_to_again(tmp_path: Path, server: Running) -> None:
    with_ = hands(tmp_path, TOKEN="tok-1234567")

    async def run(port: int) -> tuple[Result, Result]:
        try:
            with Running("tok-1234567", era="sessions", port=port) as first:
                before = await driver.conduct(flight("get_order", on(first), order_id=7), with_, print)
            await with_.upstream.aclose()
            with Running("tok-1234567", era="sessions", port=first.port) as second:
                return before, await driver.conduct(flight("get_order", on(second), order_id=7), with_, print)
        finally:
            await with_.upstream.aclose()
            with_.state.close()

    before, after = anyio.run(run, 0)
    assert (before.error, after.error) == ("", ""), (before, after)
    assert [line["extra"].get("handshake") for line in lines(tmp_path)] == ["2025-11-25", "2025-11-25"]


def test_calls_at_once_in_one_session_get_each_their_own_answer(tmp_path: Path, server: Running) -> None:
    with_ = hands(tmp_path, TOKEN="tok-1234567")
    found: dict[int, Any] = {}

    async def one(number: int) -> None:
        found[number] = (await driver.conduct(flight("get_order", on(server), order_id=number), with_, print)).structured

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(8):
                tasks.start_soon(one, number)
        await with_.upstream.aclose()
        with_.state.close()

    anyio.run(run)
    assert found == {number: {"id": number, "state": "open"} for number in range(8)}
    assert sum("handshake" in line["extra"] for line in lines(tmp_path)) == 1
