"""Calls that the client's own dialogue confirms: a real `cask serve --client-dialogue`, and the public client of both eras over its pipes."""

from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import anyio
import httpx2
import mcp_types as t
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from caskmcp.model.policy import Match, Policy, Rule
from caskmcp.runtime import dialogue
from caskmcp.runtime.confirm import Confirmations
from caskmcp.runtime.mcp_server import Front
from caskmcp.runtime.state import State
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.store.entropy import SystemEntropy
from caskmcp.workflows import serve
from caskmcp.workflows.serve import Asked
from tests.support import packs
from tests.support.serving import TOKEN, Project, project
from tests.support.upstream import Upstream
from tests.support.web import ALL, Web
from tests.support.world import world

M: Final = packs.tool("m", method="POST", risk="medium", effect="write")
POLICY: Final = Policy(
    rules=(
        Rule(id="ask-for-m", effect="confirm", match=Match(tools=("m",))),
        Rule(id="ask-high", effect="confirm", match=Match(risk=("high", "critical"))),
        Rule(id="allow-calm", effect="allow", match=Match(risk=("safe", "low", "medium"))),
    )
)
ERAS: Final = ("legacy", "2026-07-28")
Answer = Callable[[t.ElicitRequestFormParams], t.ElicitResult]


def yes(_: t.ElicitRequestFormParams) -> t.ElicitResult:
    return t.ElicitResult(action="accept", content={"approve": True})


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Project]:
    with Upstream() as upstream:
        laid = project(tmp_path, upstream, packs.R, packs.W, M, policy=POLICY)
        laid.rewrite(packs.approve(laid.files, "tool:m"))
        yield laid


class Talk:
    """A public client, what it was asked, and how it answers."""

    def __init__(self, shop: Project, era: str, answer: Answer | None, *, allowed: bool = True) -> None:
        self.shop, self.era, self.answer, self.allowed = shop, era, answer, allowed
        self.asked: list[str] = []

    async def _elicited(self, _: Any, params: t.ElicitRequestFormParams) -> t.ElicitResult:
        self.asked.append(params.message)
        assert self.answer is not None
        return self.answer(params)

    def run(self, body: Callable[[Client], Any]) -> Any:
        """What a conversation with the server in this process returns."""

        async def whole() -> Any:
            async with aclosing(self._front()) as front:
                return await self._with(front.server(), body)

        return anyio.run(whole)

    def piped(self, body: Callable[[Client], Any]) -> Any:
        """The same with a server in a process of its own."""
        command, *words = self.shop.command("--client-dialogue")
        server = StdioServerParameters(command=command, args=words, cwd=str(self.shop.folder), env=self.shop.environ)
        return anyio.run(self._with, server, body)

    async def _with(self, server: Any, body: Callable[[Client], Any]) -> Any:
        async with Client(server, mode=self.era, elicitation_callback=self._elicited if self.answer else None) as client:  # type: ignore[arg-type]
            return await body(client)

    def _front(self) -> Front:
        of = world(self.shop.folder, config=self.shop.config)
        of = replace(of, credentials=ReferencedCredentials({"SHOP_TOKEN": TOKEN}), entropy=SystemEntropy())
        front = serve.front_of(of, Asked(environment="local", client_dialogue=self.allowed), lambda _: None)
        front.start()
        return front


def code(result: Any) -> str:
    return str((result.meta or {}).get("dev.caskmcp/error", {}).get("code", ""))


@pytest.mark.parametrize("era", ERAS)
def test_a_yes_in_the_client_s_dialogue_sends_the_call_once_and_the_record_says_whose_it_was(shop: Project, era: str) -> None:
    of = Talk(shop, era, yes)

    async def body(client: Client) -> list[str]:
        return [code(await client.call_tool("m", {"order_id": 7, "note": "hi\u202e"})) for _ in range(2)]

    assert of.piped(body) == ["", ""]
    body_shown = '{"act":{"name":"m","with":{"note":"hi\\u{202e}"}}}'
    address = "POST https://api.example.com/orders/7/m"
    question = "\n".join(["Order by m (m, risk medium)", address, f"sent to {shop.upstream.url}", body_shown])
    assert of.asked == [question, question]  # each call is asked for
    assert [heard.target for heard in shop.upstream.heard] == ["/orders/7/m"] * 2
    by = [line["extra"].get("confirmed_by") for line in shop.decisions() if line.get("verdict") == "allow"]
    assert set(by) == {"client dialogue of stdio, environment local"}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "answer",
    [
        t.ElicitResult(action="decline"),
        t.ElicitResult(action="cancel"),
        t.ElicitResult(action="accept", content={"approve": False}),
        t.ElicitResult(action="accept", content={"approve": "true"}),
        t.ElicitResult(action="accept", content={}),
    ],
    ids=["decline", "cancel", "false", "text", "empty"],
)
def test_whatever_is_no_yes_sends_nothing(shop: Project, era: str, answer: t.ElicitResult) -> None:
    of = Talk(shop, era, lambda _: answer)

    async def body(client: Client) -> str:
        return code(await client.call_tool("m", {"order_id": 7}))

    assert of.run(body) == "CASK-R006"
    assert shop.upstream.heard == []


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("tool", "answer", "allowed"),
    [("w", yes, True), ("m", None, True), ("m", yes, False)],
    ids=["tier high", "a client without dialogues", "a server without the flag"],
)
def test_elsewhere_the_challenge_is_the_only_way(shop: Project, era: str, tool: str, answer: Answer | None, allowed: bool) -> None:
    of = Talk(shop, era, answer, allowed=allowed)

    async def body(client: Client) -> str:
        return code(await client.call_tool(tool, {"order_id": 7}))

    assert of.run(body) == "CASK-R005"
    assert (of.asked, shop.upstream.heard) == ([], [])


# ---------------------------------------------------------------- the second leg, by hand
def legs(shop: Project, second: Callable[[str], dict[str, Any]], times: int = 1) -> list[str]:
    """Make a first leg, then the second as the test writes it; the outcome of each: a code, or the number of a protocol error."""
    of = Talk(shop, "2026-07-28", yes)

    async def body(client: Client) -> list[str]:
        first = await client.session.call_tool("m", {"order_id": 7}, allow_input_required=True)
        assert isinstance(first, t.InputRequiredResult)
        return [await outcome(client, second(first.request_state or "")) for _ in range(times)]

    found: list[str] = of.run(body)
    return found


async def outcome(client: Client, given: dict[str, Any]) -> str:
    arguments = {"name": "m", "arguments": {"order_id": 7}, **given}
    try:
        result = await client.session.call_tool(
            arguments["name"],
            arguments["arguments"],
            input_responses=arguments.get("responses"),
            request_state=arguments.get("state"),
            allow_input_required=True,
        )
    except Exception as error:
        return str(getattr(getattr(error, "error", None), "code", type(error).__name__))
    return "asks" if isinstance(result, t.InputRequiredResult) else code(result) or "done"


SAYS: Final = {"confirm": t.ElicitResult(action="accept", content={"approve": True})}


def forged(shop: Project) -> str:
    """What a client gets that writes a challenge, of which it was told in an error, into a second leg."""

    async def body(client: Client) -> str:
        first = await client.call_tool("m", {"order_id": 7})  # it declares no dialogue: the challenge's way
        return await outcome(client, {"state": first.meta["dev.caskmcp/error"]["challenge"], "responses": SAYS})

    return str(Talk(shop, "2026-07-28", None).run(body))


def test_a_challenge_that_was_told_in_an_error_is_no_state_and_would_be_one_without_the_seal(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert forged(shop) == "-32602"
    assert shop.upstream.heard == []
    monkeypatch.setattr(dialogue, "sealed", lambda: unsealed)
    assert forged(shop) == "done"


async def unsealed(ctx: Any, call_next: Callable[[Any], Any]) -> Any:
    """In the place of the seal: lets everything through."""
    return await call_next(ctx)


def test_without_taking_the_challenge_out_a_state_would_work_again(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(State, "settle", lambda *_, **__: True)
    monkeypatch.setattr(Confirmations, "__init__", forgetful)
    assert legs(shop, lambda state: {"state": state, "responses": SAYS}, times=2) == ["done", "done"]
    assert len(shop.upstream.heard) == 2


class Forgetful(set[str]):
    """A set that keeps nothing."""

    def add(self, _: str) -> None:
        """Nothing."""


def forgetful(self: Any, state: State, entropy: Any) -> None:
    self._state, self._entropy, self._spent = state, entropy, Forgetful()


def test_a_state_works_once(shop: Project) -> None:
    assert legs(shop, lambda state: {"state": state, "responses": SAYS}, times=3) == ["done", "CASK-R006", "CASK-R006"]
    assert len(shop.upstream.heard) == 1


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (lambda state: {"state": state, "responses": SAYS, "arguments": {"order_id": 8}}, "-32602"),
        (lambda state: {"state": state, "responses": SAYS, "name": "w"}, "-32602"),
        (lambda state: {"state": state[:-2], "responses": SAYS}, "-32602"),
        (lambda _: {"state": "0123456789abcdef01234567", "responses": SAYS}, "-32602"),
        (lambda _: {"responses": SAYS}, "asks"),
        (lambda state: {"state": state}, "CASK-R006"),
    ],
    ids=["other arguments", "another tool", "a changed state", "a guessed challenge", "no state", "no answer"],
)
def test_a_second_leg_that_is_not_ours_sends_nothing(shop: Project, second: Callable[[str], dict[str, Any]], expected: str) -> None:
    assert legs(shop, second) == [expected]
    assert shop.upstream.heard == []


# ---------------------------------------------------------------- over HTTP
@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with Upstream() as upstream:
        laid = project(tmp_path_factory.mktemp("web"), upstream, packs.R, packs.W, M, policy=POLICY)
        laid.rewrite(packs.approve(laid.files, "tool:m"))
        with Web(laid, ("--client-dialogue",)) as running:
            yield running


@pytest.mark.parametrize("era", ERAS)
def test_over_http_a_dialogue_confirms_for_its_own_caller_in_both_eras(web: Web, era: str) -> None:
    of = Talk(web.project, era, yes)

    async def whole() -> list[str]:
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {ALL}"}) as http:
            target = streamable_http_client(web.url, http_client=http)
            return list(await of._with(target, body))

    async def body(client: Client) -> list[str]:
        return [code(await client.call_tool(name, {"order_id": 7})) for name in ("m", "w")]

    before = len(web.project.upstream.heard)
    assert anyio.run(whole) == ["", "CASK-R005"]
    assert len(of.asked) == 1
    assert [heard.target for heard in web.project.upstream.heard[before:]] == ["/orders/7/m"]
    by = {line["extra"]["confirmed_by"] for line in web.project.decisions() if "confirmed_by" in line.get("extra", {})}
    assert by == {"client dialogue of token ci, environment local"}
