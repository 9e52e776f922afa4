"""`cask enforce`: what is decided on a plain request is what is decided on the same call through `serve`, refusals included."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from caskmcp.cli.main import main
from caskmcp.errors import CaskError
from caskmcp.model.artifact import Auth
from caskmcp.model.auth import AuthRule
from caskmcp.model.policy import Budget
from caskmcp.model.tool import PathPiece, PathSegment
from caskmcp.ports import World
from caskmcp.runtime import recognize
from caskmcp.runtime.enforce_server import Enforced
from caskmcp.runtime.mcp_server import SENDER, Front
from caskmcp.runtime.reread import BEYOND
from caskmcp.runtime.tokens import Caller
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.workflows import enforce, serve
from caskmcp.workflows.serve import Asked
from tests.support import packs
from tests.support.serving import TOKEN, Project, project
from tests.support.upstream import Upstream
from tests.support.world import ScriptedConsole, world

HOST = packs.HOST
BODY = {"act": {"name": "w", "with": {"note": "x"}}}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, upstream: Upstream) -> Project:
    return project(tmp_path, upstream)


def place(shop: Project, **more: Any) -> World:
    console = ScriptedConsole(interactive=False)
    return replace(
        world(shop.folder, config=shop.config, console=console, **more), credentials=ReferencedCredentials({"SHOP_TOKEN": TOKEN})
    )


class Said(NamedTuple):
    """One HTTP answer."""

    status: int
    value: Any


async def ask(app: Any, method: str, path: str, *, headers: Any = (), body: bytes = b"", caller: Caller | None = None) -> Said:
    """One request to the application, as the server's library would hand it on."""
    sent: list[Mapping[str, Any]] = []

    async def receive() -> Mapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    raw, _, query = path.encode().partition(b"?")
    rows = [(name.lower().encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "method": method, "raw_path": raw, "query_string": query, "headers": rows, SENDER: caller or Caller("stdio")}
    await app(scope, receive, send)
    return Said(int(sent[0]["status"]), json.loads(sent[1]["body"]))


# ---------------------------------------------------------------- parity
JSON = (("Content-Type", "application/json"),)
CALLS: list[tuple[str, dict[str, Any], str, str, bytes]] = [
    ("r", {"order_id": 7}, "GET", "/orders/7/r", b""),
    ("r", {"order_id": -7, "state": "paid"}, "GET", "/orders/-7/r?state=paid", b""),
    ("r", {"order_id": 7, "state": "sent"}, "GET", "/orders/%37/r?&state=%73ent", b""),
    ("r", {"order_id": "seven"}, "GET", "/orders/seven/r", b""),
    ("r", {"order_id": 7, "state": "lost"}, "GET", "/orders/7/r?state=lost", b""),
    ("r", {"order_id": 7, "admin": "1"}, "GET", "/orders/7/r?admin=1", b""),
    ("r", {"order_id": 7, "state": ["paid", "sent"]}, "GET", "/orders/7/r?state=paid&state=sent", b""),
    ("r", {"order_id": 10**25}, "GET", f"/orders/{10**25}/r", b""),
    ("r", {"order_id": "../7"}, "GET", "/orders/..%2F7/r", b""),
    ("x", {"order_id": 7}, "GET", "/orders/7/x", b""),
    ("nothing", {}, "GET", "/", b""),
    ("nothing", {}, "DELETE", "/orders/7/r", b""),
    ("w", {"order_id": 7, "note": "x"}, "POST", "/orders/7/w", json.dumps(BODY).encode()),
    ("w", {"order_id": 7}, "POST", "/orders/7/w", b'{"act":{"name":"w","with":{}}}'),
    ("w", {"order_id": 7, "note": 7}, "POST", "/orders/7/w", b'{"act":{"name":"w","with":{"note":7}}}'),
    ("w", {"order_id": 7, "note": "x" * 201}, "POST", "/orders/7/w", json.dumps({"act": {"name": "w", "with": {"note": "x" * 201}}}).encode()),
    ("nothing", {}, "POST", "/orders/7/w", b'{"act":{"name":"wipe","with":{}}}'),
    ("w", {"order_id": 7, "x": 1}, "POST", "/orders/7/w", b'{"act":{"name":"w","with":{"x":1}}}'),
]  # fmt: skip
TOLD = ("verdict", "step", "rule", "code", "status", "toolpack", "lock", "arguments")


@pytest.mark.feature(92)
def test_each_call_is_decided_on_as_through_serve(tmp_path: Path, upstream: Upstream) -> None:
    one, two = project(tmp_path / "one", upstream), project(tmp_path / "two", upstream)
    asked = Asked(environment="local")

    async def through_serve() -> list[str]:
        front = serve.front_of(place(one), asked, lambda _: None)
        front.start()
        codes = []
        async with Client(front.server()) as client:
            for tool, arguments, *_ in CALLS:
                try:
                    result = await client.call_tool(tool, arguments)
                    codes.append((result.meta or {}).get("dev.caskmcp/error", {}).get("code", ""))
                except MCPError as error:
                    codes.append(str(error.error.data["code"]))
        await front.aclose()
        return codes

    async def through_http() -> list[str]:
        front = serve.front_of(place(two), asked, lambda _: None)
        front.start()
        said = [
            await ask(Enforced(front), how, f"/{HOST}{path}", headers=JSON if body else (), body=body) for _, _, how, path, body in CALLS
        ]
        await front.aclose()
        return [row.value.get("error", {}).get("code", "") for row in said]

    served, enforced = anyio.run(through_serve), anyio.run(through_http)
    assert enforced == served
    assert set(served) == {"", "CASK-R001", "CASK-R002", "CASK-R003", "CASK-R005"}
    rows = [[{name: row[name] for name in TOLD} for row in shop.decisions()] for shop in (one, two)]
    for ours, theirs in zip(*rows, strict=True):
        if ours["code"] != "CASK-R002":  # what was refused as no argument has another digest
            assert ours == theirs


def test_a_spent_budget_is_spent_for_both(tmp_path: Path, upstream: Upstream) -> None:
    budgets = packs.POLICY.model_copy(update={"budgets": {"*": Budget(calls=2, per_seconds=60)}})
    shop = project(tmp_path, upstream, policy=budgets)

    async def run(front: Front) -> list[int]:
        return [(await ask(Enforced(front), "GET", f"/{HOST}/orders/7/r")).status for _ in range(3)]

    assert with_front(shop, run) == [200, 200, 429]


def with_front(shop: Project, run: Any, asked: Asked | None = None) -> Any:
    async def whole() -> Any:
        front = serve.front_of(place(shop), asked or Asked(environment="local"), lambda _: None)
        front.start()
        try:
            return await run(front)
        finally:
            await front.aclose()

    return anyio.run(whole)


# ---------------------------------------------------------------- the proxy
def test_what_is_sent_is_made_by_the_plan_and_nothing_of_the_request_goes_on(shop: Project, upstream: Upstream) -> None:
    own = (("Authorization", "Bearer cask_secret"), ("User-Agent", "curl/8"), ("Accept-Language", "de"), ("Cache-Control", "no-cache"))
    said = with_front(shop, lambda front: ask(Enforced(front), "GET", f"/{HOST}/orders/%37/r?state=paid", headers=own))
    heard = upstream.heard[-1]
    assert (said.status, heard.target) == (200, "/orders/7/r?state=paid")
    assert heard.header("authorization") == f"Bearer {TOKEN}"
    assert not [word for word in ("cask_secret", "curl", "no-cache", "de\r") if word in heard.head]


@pytest.mark.parametrize("guard", ["on", "off"])
def test_what_a_tool_has_no_place_for_is_refused_and_would_be_dropped_without_the_guard(
    shop: Project, upstream: Upstream, guard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if guard == "off":
        real = recognize.arguments_of
        monkeypatch.setattr(
            recognize, "arguments_of", lambda *asked: {k: v for k, v in (real(*asked) or {}).items() if k != BEYOND} or None
        )
    before = len(upstream.heard)
    override = (("X-HTTP-Method-Override", "DELETE"),)
    said = with_front(shop, lambda front: ask(Enforced(front), "GET", f"/{HOST}/orders/7/r?admin=1", headers=override))
    assert (said.status, len(upstream.heard) - before) == ((400, 0) if guard == "on" else (200, 1))


def test_a_caller_reaches_the_tools_of_its_toolsets_alone(shop: Project, upstream: Upstream) -> None:
    before = len(upstream.heard)
    helpdesk = Caller("token helpdesk", frozenset({"support"}))
    body = json.dumps(BODY).encode()
    said = with_front(shop, lambda front: ask(Enforced(front), "POST", f"/{HOST}/orders/7/w", headers=JSON, body=body, caller=helpdesk))
    assert (said.status, said.value["error"]["code"]) == (404, "CASK-R001")
    assert len(upstream.heard) == before
    assert shop.decisions()[-1]["caller"] == "token helpdesk, environment local"


@pytest.mark.parametrize("host", [HOST, "other.example.com"])
def test_the_header_by_which_a_caller_authenticates_reaches_its_host_and_is_no_argument(
    tmp_path: Path, upstream: Upstream, host: str
) -> None:
    rule = AuthRule.model_validate({"scheme": "bearer", "from": "caller:x-shop-token"})
    shop = project(tmp_path, upstream, auth=Auth(hosts={HOST: rule}))
    caller, sent = Caller("token ci", headers={"x-shop-token": "t-7"}), (("X-Shop-Token", "t-7"),)
    said = with_front(shop, lambda front: ask(Enforced(front), "GET", f"/{host}/orders/7/r", headers=sent, caller=caller))
    assert said.status == (200 if host == HOST else 404)
    if host == HOST:
        assert upstream.heard[-1].header("authorization") == "Bearer t-7"


def test_a_call_that_waits_for_a_person_names_the_challenge(shop: Project) -> None:
    body = json.dumps(BODY).encode()
    said = with_front(shop, lambda front: ask(Enforced(front), "POST", f"/{HOST}/orders/7/w", headers=JSON, body=body))
    assert (said.status, said.value["error"]["code"]) == (428, "CASK-R005")
    assert said.value["error"]["grant"] == f"cask confirm grant {said.value['error']['challenge']}"


def test_an_error_of_the_upstream_keeps_its_status_and_is_marked(tmp_path: Path, upstream: Upstream) -> None:
    row = packs.tool("r")
    plan = row.request.model_copy(update={"segments": (PathSegment(pieces=(PathPiece(text="no_such"),)),)})
    moved = row.model_copy(update={"request": plan, "input_schema": {**row.input_schema, "required": []}})
    shop = project(tmp_path, upstream, moved, packs.W, packs.X)
    said = with_front(shop, lambda front: ask(Enforced(front), "GET", f"/{HOST}/no_such"))
    assert (said.status, said.value["error"]["code"], said.value["error"]["untrusted"]) == (404, "CASK-R008", True)


def test_a_body_beyond_the_bound_is_not_read_on(shop: Project) -> None:
    said = with_front(shop, lambda front: ask(Enforced(front), "POST", f"/{HOST}/orders/7/w", headers=JSON, body=b"x" * ((1 << 20) + 1)))
    assert said.status == 413


@pytest.mark.parametrize(
    "path", ["/", "", "/orders/7/r", f"//{HOST}/orders/7/r", f"/{HOST}:443/orders/7/r", f"/evil.test/{HOST}/orders/7/r", "/é"]
)
def test_a_path_without_the_approved_host_fits_no_tool(shop: Project, path: str) -> None:
    said = with_front(shop, lambda front: ask(Enforced(front), "GET", path))
    assert (said.status, said.value["error"]["code"]) == (404, "CASK-R001")
    assert (shop.decisions()[-1]["tool"], shop.decisions()[-1]["code"]) == ("-", "CASK-R001")


@pytest.mark.parametrize("at", ["0.0.0.0:0", "192.0.2.1:8766", "[::]:0"])
def test_the_proxy_listens_on_no_address_that_others_reach(shop: Project, at: str) -> None:
    with pytest.raises(CaskError) as no:
        enforce.proxy(place(shop), at, None, Asked())
    assert no.value.code == "CASK-H001"


def test_the_proxy_wants_tokens_where_there_is_no_terminal(shop: Project) -> None:
    with pytest.raises(CaskError) as no:
        enforce.proxy(place(shop), "127.0.0.1:0", None, Asked(environment="local"))
    assert no.value.code == "CASK-I010"


# ---------------------------------------------------------------- evaluate
def evaluated(shop: Project, request: Any, **more: Any) -> Any:
    (shop.folder / "request.json").write_text(request if isinstance(request, str) else json.dumps(request))
    return enforce.evaluate(place(shop), "request.json", Asked(environment="local", dry_run=True, **more))


def test_evaluate_tells_the_verdict_and_sends_nothing(shop: Project, upstream: Upstream) -> None:
    before = len(upstream.heard)
    allowed = evaluated(shop, {"url": f"https://{HOST}/orders/7/r?state=paid"})
    assert (allowed.exit, allowed.summary["verdict"], allowed.summary["tool"], allowed.summary["rule"]) == (0, "allow", "r", "allow-calm")
    assert allowed.tables["request"][0]["url"].endswith("/orders/7/r?state=paid")
    asks = evaluated(shop, {"method": "POST", "url": f"https://{HOST}/orders/7/w", "headers": dict(JSON), "body": BODY})
    assert (asks.exit, asks.summary["verdict"], asks.summary["rule"]) == (1, "confirm", "ask-for-w")
    denied = evaluated(shop, {"url": f"https://{HOST}/orders/7/x"})
    assert (denied.exit, denied.summary["verdict"], denied.summary["code"]) == (4, "deny", "CASK-R001")
    by_name = evaluated(shop, {"tool": "r", "arguments": {"order_id": 7, "state": "lost"}})
    assert (by_name.exit, by_name.summary["code"], by_name.summary["step"]) == (4, "CASK-R002", "arguments")
    assert TOKEN not in allowed.model_dump_json()
    assert len(upstream.heard) == before
    assert [row["extra"]["dry_run"] for row in shop.decisions()] == [True] * 4


def test_evaluate_shows_names_of_arguments_and_never_values(shop: Project) -> None:
    row = evaluated(shop, {"tool": "r", "arguments": {"order_id": 424242, "state": "lost"}})
    assert row.summary["arguments"] == ["order_id", "state"]
    assert "424242" not in row.model_dump_json()


@pytest.mark.parametrize(
    "request_",
    ["{", "[]", "{}", {"tool": "r", "url": "https://a.test/"}, {"tool": "r", "body": 1}, {"url": "https://a.test/", "arguments": {"a": 1}},
     {"url": 7}, {"urls": "x"}, {"url": "ftp://a.test/"}, {"url": "http://[::1"}, {"url": "https://a.test:99999/"}, {"url": "https://u:p@a.test/"},
     {"url": f"https://{HOST}/orders/\n7/r"}, {"url": f"https://{HOST}/orders/\u0667/r"}, {"url": f" https://{HOST}/orders/7/r"}],
)  # fmt: skip
def test_a_file_that_holds_no_request_is_bad_input(shop: Project, request_: Any) -> None:
    with pytest.raises(CaskError) as no:
        evaluated(shop, request_)
    assert no.value.exit == 3


def test_the_commands_refuse_what_they_cannot_take(
    shop: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(shop.config.parent))
    assert main(["enforce", "evaluate", "absent.json"]) == 3
    (shop.folder / "request.json").write_text(json.dumps({"url": f"https://{HOST}/orders/7/r"}))
    assert main(["enforce", "evaluate", "request.json", "--env", "local", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"]["tool"] == "r"
    assert main(["enforce", "proxy", "--at", "0.0.0.0:8766"]) == 4
    assert main(["enforce", "proxy", "--at", "nowhere"]) == 3
