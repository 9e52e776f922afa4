"""TLS at both ends of `cask serve --http`, with an authority of our own; and what a caller sends for the upstream. One real server on a loopback port."""

import gc
import json
import logging
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread

from caskmcp.errors import CaskError
from caskmcp.model.artifact import Auth
from caskmcp.model.auth import AuthRule
from caskmcp.model.token import TokenRow
from caskmcp.runtime import http_server, tokens
from caskmcp.runtime.http_guard import Door
from caskmcp.runtime.http_server import Tls
from caskmcp.workflows import serve as story
from caskmcp.workflows.serve import Asked
from tests.support import packs
from tests.support.authority import Authority
from tests.support.patience import HANGS
from tests.support.serving import META, project
from tests.support.upstream import Upstream
from tests.support.web import ACCEPT, ALL, NAMES
from tests.support.world import world

ROWS = tuple(TokenRow(name=name, sha256=tokens.digest(token.encode())) for token, (name, _) in NAMES.items())
CALLER = Auth(hosts={packs.HOST: AuthRule.model_validate({"scheme": "bearer", "from": "caller:x-shop-token"})})


@contextmanager
def undisturbed() -> Iterator[None]:
    """The server sets the process's collector and loggers; here other tests follow."""
    levels, thresholds = {name: logging.getLogger(name).level for name in ("uvicorn", "mcp")}, gc.get_threshold()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def called(port: int, context: ssl.SSLContext, **headers: str) -> dict[str, Any]:
    """A call of `r`, over TLS."""
    params = {"name": "r", "arguments": {"order_id": 7}, "_meta": META}
    head = {"Authorization": f"Bearer {ALL}", "Content-Type": "application/json", "Accept": ACCEPT, "MCP-Protocol-Version": "2026-07-28"}
    head |= {"Mcp-Method": "tools/call", "Mcp-Name": "r", **headers}
    with closing(HTTPSConnection("127.0.0.1", port, context=context, timeout=HANGS)) as connection:
        connection.request("POST", "/mcp", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}), head)
        text = connection.getresponse().read().decode()
    rows = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    result: dict[str, Any] = json.loads(rows[-1] if rows else text)["result"]
    return result


def handshake(port: int, context: ssl.SSLContext) -> str:
    """Why there is none; empty if there is one."""
    with closing(HTTPSConnection("127.0.0.1", port, context=context, timeout=HANGS)) as connection:
        try:
            connection.connect()
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
    return ""


class Seen(dict[str, Any]):
    """What the clients saw, by what they did."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """One server, and all that is asked of it."""
    folder = tmp_path_factory.mktemp("tls")
    ours, stranger = Authority.made(folder / "ours"), Authority.made(folder / "stranger")
    certificate, key = ours.given("127.0.0.1")
    said, log = Seen(), []

    with Upstream() as upstream, undisturbed():
        shop = project(folder / "shop", upstream, auth=CALLER)
        front = story.front_of(world(shop.folder, config=shop.config), Asked(environment="local"), log.append)
        front.start()
        listener = http_server.listening("127.0.0.1", 0)
        port = listener.getsockname()[1]
        door = Door(frozenset({f"127.0.0.1:{port}"}), frozenset(), ROWS)
        trusted = ssl.create_default_context(cafile=ours.path)

        def clients() -> None:
            said["strange"] = handshake(port, ssl.create_default_context(cafile=stranger.path))
            said["none"] = called(port, trusted)
            said["ours"] = called(port, trusted, **{"X-Shop-Token": ALL})
            said["bearer"] = called(port, trusted, **{"X-Shop-Token": f"Bearer {ALL}"})
            said["before"] = len(upstream.heard)
            said["mine"] = called(port, trusted, **{"X-Shop-Token": "mine-alone", "X-Other": "0ther"})

        def told(event: str, **more: Any) -> None:
            log.append(repr((event, more)))

        async def run() -> None:
            tls, guard = Tls(str(certificate), str(key)), http_server.protocol(front, door, told)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(http_server.serve, front, guard, listener, tls, told)
                await to_thread.run_sync(clients)
                tasks.cancel_scope.cancel()

        with listener:
            anyio.run(run)
        said["heard"], said["log"] = list(upstream.heard), log
        said["disk"] = b"".join(path.read_bytes() for path in (shop.folder / ".caskmcp").rglob("*") if path.is_file())
    return said


def error(result: dict[str, Any]) -> str:
    return str(result["_meta"]["dev.caskmcp/error"]["code"])


def test_a_client_that_trusts_the_authority_shakes_hands_and_calls(seen: Seen) -> None:
    assert not seen["mine"].get("isError")
    assert seen["mine"]["structuredContent"]["head"].startswith("GET /orders/7/r")


def test_a_client_that_does_not_ends_the_handshake(seen: Seen) -> None:
    assert "unable to get local issuer certificate" in seen["strange"] or "self-signed" in seen["strange"]


@pytest.mark.feature(84)
def test_a_callers_header_authenticates_the_call_and_the_servers_token_goes_no_further(seen: Seen) -> None:
    (heard,) = seen["heard"]
    assert seen["before"] == 0
    assert heard.header("authorization") == "Bearer mine-alone"
    assert heard.header("x-shop-token") is None
    assert heard.header("x-other") is None
    assert ALL not in heard.head
    assert [error(seen[name]) for name in ("none", "ours", "bearer")] == ["CASK-R009"] * 3


def test_what_a_caller_sends_is_in_no_answer_no_log_and_on_no_disk(seen: Seen) -> None:
    assert "mine-alone" not in json.dumps(seen["mine"])
    assert not [line for line in seen["log"] if "mine-alone" in line or ALL in line]
    assert b"mine-alone" not in seen["disk"]


# ---------------------------------------------------------------- the upstream's certificate
def test_authorities_of_the_configuration_reach_the_way_out_and_a_wrong_file_ends_the_start(tmp_path: Path) -> None:
    ours = Authority.made(tmp_path / "ca")
    here = world(tmp_path / "shop", config=tmp_path / "config")
    (tmp_path / "config").mkdir()
    configuration = tmp_path / "config" / "config.yaml"
    assert story.upstream(here)._trusted == {}
    configuration.write_text(f"authorities: {{api.example.com: {ours.path}}}")
    configuration.chmod(0o600)
    assert [(name, len(context.get_ca_certs())) for name, context in story.upstream(here)._trusted.items()] == [("api.example.com", 1)]
    ours.path.write_text("nothing")
    with pytest.raises(CaskError) as wrong:
        story.upstream(replace(here))
    assert (wrong.value.code, wrong.value.place) == ("CASK-H002", str(ours.path))
    configuration.chmod(0o622)
    with pytest.raises(CaskError) as shared:
        story.upstream(here)
    assert shared.value.code == "CASK-R032"
