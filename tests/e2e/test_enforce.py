"""`cask enforce proxy` as a program meets it: a real process on a loopback port, plain HTTP, a token, a stop after the calls on their way."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.support import packs
from tests.support.patience import HANGS
from tests.support.serving import Project, project
from tests.support.upstream import Upstream
from tests.support.web import ALL, SUPPORT, token_file


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Project:
    return project(tmp_path_factory.mktemp("shop"), upstream)


class Proxy:
    """The process; `port` once it listens."""

    def __init__(self, shop: Project) -> None:
        words = ("enforce", "proxy", "--at", "127.0.0.1:0", "--env", "local", "--token-file", token_file(shop))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "caskmcp", *words], cwd=shop.folder, env=shop.environ, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        self.port = 0
        self.told: list[dict[str, Any]] = []
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._listening.wait(2 * HANGS), self.told

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            row = json.loads(line)
            self.told.append(row)
            if row["event"] == "listening":
                self.port = int(row["url"].split(":")[2].split("/")[0])
                self._listening.set()

    def ask(self, method: str, path: str, token: str | None = ALL, body: Any = None, **headers: str) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=HANGS)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        answer = connection.getresponse()
        said = answer.status, answer.read()
        connection.close()
        return said

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=2 * HANGS)
        self._reader.join(HANGS)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return status


def test_plain_requests_are_decided_on_by_a_real_process(shop: Project, upstream: Upstream) -> None:
    proxy = Proxy(shop)
    read = f"/{packs.HOST}/orders/7/r"
    try:
        status, said = proxy.ask("GET", f"{read}?state=paid", User_Agent="program/1")
        assert (status, json.loads(said)["head"].splitlines()[0]) == (200, "GET /orders/7/r?state=paid HTTP/1.1")
        before = len(upstream.heard)
        refusals = [
            proxy.ask("GET", read, token=None),
            proxy.ask("GET", read, token="cask_wrong"),
            proxy.ask("GET", read, Host="evil.test"),
            proxy.ask("GET", read, Origin="http://evil.test"),
            proxy.ask("GET", f"{read}?state=lost"),
            proxy.ask("GET", read, X_HTTP_Method_Override="DELETE"),
            proxy.ask("GET", f"/{packs.HOST}/orders/7/x"),
            proxy.ask("GET", "/mcp"),
            proxy.ask("POST", f"/{packs.HOST}/orders/7/w", body={"act": {"name": "w", "with": {}}}),
            proxy.ask("POST", f"/{packs.HOST}/orders/7/w", SUPPORT, body={"act": {"name": "w", "with": {}}}),
        ]
        assert [status for status, _ in refusals] == [401, 401, 421, 403, 400, 400, 404, 404, 428, 404]
        codes = [json.loads(said)["error"]["code"] for _, said in refusals[4:]]
        assert codes == ["CASK-R002", "CASK-R002", "CASK-R001", "CASK-R001", "CASK-R005", "CASK-R001"]
        assert len(upstream.heard) == before
        assert proxy.ask("GET", "/readyz", token=None)[0] == 200
    finally:
        ended = proxy.end()
    assert ended == 0
    assert [row["event"] for row in proxy.told if row["event"] in ("stopping", "stopped")] == ["stopping", "stopped"]
    assert next(row["caller"] for row in shop.decisions()) == "token ci, environment local"
    assert ALL not in json.dumps(proxy.told)
