"""A call that asks, from the agent's call over the person's terminal to the upstream: two processes and a pseudo-terminal."""

import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from caskmcp.govern import keys
from caskmcp.store.files import LocalFiles
from tests.support import packs
from tests.support.serving import Project, Served, project
from tests.support.terminal import CASK, Terminal, without_terminal
from tests.support.upstream import Upstream

PASSPHRASE = "correct horse"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, upstream: Upstream) -> Project:
    laid = project(tmp_path, upstream)
    keys.save(LocalFiles(), laid.config, packs.T1, PASSPHRASE)
    return laid


def waiting(server: Served) -> str:
    said = server.call("w", order_id=7, note="please")
    assert said["isError"] is True
    return str(said["_meta"]["dev.caskmcp/error"]["challenge"])


@pytest.mark.feature(81)
def test_confirm_grant_lets_one_call_through(shop: Project, upstream: Upstream) -> None:
    with Served(shop) as server:
        challenge = waiting(server)
        with Terminal.spawn([*CASK, "confirm", "grant", challenge], cwd=shop.folder, env=shop.environ) as person:
            person.expect("Request:   POST https://api.example.com/orders/7/w")
            person.expect("Caller:    stdio, environment local")
            person.expect("Passphrase for t1:").send(PASSPHRASE)
            done = person.finish()
        assert done.exit == 0, done.transcript
        assert [server.code("w", order_id=7, note="please") for _ in range(2)] == ["", "CASK-R005"]
    assert [(heard.target, heard.body) for heard in upstream.heard] == [("/orders/7/w", b'{"act":{"name":"w","with":{"note":"please"}}}')]
    lines = [(line["verdict"], line["extra"].get("phase"), line["extra"]["challenge"] == challenge) for line in shop.decisions()]
    assert lines == [("confirm", None, True), ("allow", "sending", True), ("allow", None, True), ("confirm", None, False)]


def test_a_grant_for_one_environment_is_none_for_another(shop: Project, upstream: Upstream) -> None:
    shop.rewrite(packs.approve(shop.files, "env:second"))
    with Served(shop) as server:
        challenge = waiting(server)
    with Terminal.spawn([*CASK, "confirm", "grant", challenge], cwd=shop.folder, env=shop.environ) as person:
        person.expect("Passphrase for t1:").send(PASSPHRASE)
        assert person.finish().exit == 0
    with Served(shop, ("--env", "second")) as server:
        assert server.code("w", order_id=7, note="please") == "CASK-R005"
    assert upstream.heard == []
    with Served(shop) as server:
        assert server.code("w", order_id=7, note="please") == ""


def test_confirm_grant_without_a_terminal_is_refused_whatever_is_given(shop: Project, upstream: Upstream) -> None:
    with Served(shop) as server:
        challenge = waiting(server)
        done = without_terminal([*CASK, "confirm", "grant", challenge, "--key", "t1"], cwd=shop.folder, env=shop.environ)
        assert done.exit == 4
        assert "CASK-A001" in done.errors
        assert server.code("w", order_id=7, note="please") == "CASK-R005"
    assert upstream.heard == []


def test_confirm_deny_and_confirm_list_work_without_a_terminal(shop: Project, upstream: Upstream) -> None:
    with Served(shop) as server:
        challenge = waiting(server)
        listed = without_terminal([*CASK, "confirm", "list"], cwd=shop.folder, env=shop.environ)
        denied = without_terminal([*CASK, "confirm", "deny", challenge], cwd=shop.folder, env=shop.environ)
        assert (listed.exit, denied.exit) == (0, 0)
        assert challenge in listed.transcript
        assert server.code("w", order_id=7, note="please") == "CASK-R006"
    assert upstream.heard == []


class Browser:
    """The least that a browser is: it keeps one cookie, follows redirects and sends forms."""

    def __init__(self, link: str) -> None:
        self.where = urlsplit(link)
        self.cookie = ""
        self.room = ""

    def open(self, path: str, form: dict[str, str] | None = None) -> str:
        """The page at a path."""
        connection = http.client.HTTPConnection(self.where.hostname or "", self.where.port, timeout=20)
        headers = {"Cookie": self.cookie, "Origin": f"http://{self.where.netloc}", "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST" if form else "GET", path, urlencode(form) if form else None, headers)
        answer = connection.getresponse()
        self.cookie = (answer.getheader("Set-Cookie") or self.cookie).partition(";")[0]
        self.room = answer.getheader("Location") or self.room
        text = answer.read().decode()
        connection.close()
        return self.open(self.room) if answer.status == 303 else text


@pytest.mark.feature(81)
def test_confirm_console_lets_one_call_through(shop: Project, upstream: Upstream) -> None:
    with Served(shop) as server:
        challenge = waiting(server)
        with Terminal.spawn([*CASK, "confirm", "console"], cwd=shop.folder, env=shop.environ) as person:
            person.expect("Ctrl-C ends the console")
            link = re.findall(r"http://127\.0\.0\.1:\d+/[0-9a-f]{64}", person.transcript)[0]
            browser = Browser(link)
            assert challenge in browser.open(urlsplit(link).path)
            asked = browser.open(f"{browser.room}{challenge}")
            assert "POST https://api.example.com/orders/7/w" in asked
            assert f"<td>{upstream.url}</td>" in asked
            form = re.findall(r'name="form" value="([0-9a-f]{64})"', asked)[0]
            said = browser.open(browser.room, {"form": form, "verdict": "grant", "passphrase": PASSPHRASE})
            assert "Granted: w may be called once" in said
            assert "Refused: path." in Browser(link).open(urlsplit(link).path)
            person.expect("Granted: w may be called once")
            done = person.interrupt().finish()
        assert (done.exit, "1 granted, 0 denied" in done.transcript) == (0, True), done.transcript
        assert PASSPHRASE not in done.transcript
        assert [server.code("w", order_id=7, note="please") for _ in range(2)] == ["", "CASK-R005"]
    assert [heard.target for heard in upstream.heard] == ["/orders/7/w"]


def test_confirm_console_without_a_terminal_is_refused_and_prints_no_link(shop: Project) -> None:
    done = without_terminal([*CASK, "confirm", "console"], cwd=shop.folder, env=shop.environ)
    assert (done.exit, "CASK-A001" in done.errors, "http://" in done.transcript + done.errors) == (4, True, False)
