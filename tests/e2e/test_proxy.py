"""The live proxy with the real mitmdump: what is recorded, what passes unrecorded, how it ends, and that nothing raw is ever on the disk."""

import json
import os
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from caskmcp.workflows.demo.service import Service
from tests.support import odd_service
from tests.support.demo_recording import entry
from tests.support.flow_recording import demo_calls
from tests.support.mitm import MITMDUMP, NEEDED, Desk, ask, ask_securely, certificate
from tests.support.odd_service import SECRET, Server, serving
from tests.support.patience import HANGS
from tests.support.secrets import forms

pytestmark = pytest.mark.skipif(MITMDUMP is None, reason=NEEDED)

BEARER = {"Authorization": f"Bearer {SECRET}"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def ours() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def theirs() -> Iterator[Server]:
    with serving() as server:
        yield server


def exchanges(desk: Desk) -> dict[str, Any]:
    """Path -> exchange of the one capture."""
    (lines,) = [data for name, data in desk.everything().items() if name.endswith("exchanges.ndjson.gz")]
    rows = [json.loads(line)["exchange"] for line in lines.split(b"\n", 1)[1].splitlines()]
    return {row["path"]: row for row in rows}


def receipt(desk: Desk) -> dict[str, Any]:
    (path,) = desk.project.rglob("redaction.json")
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def traces(desk: Desk, secret: str = SECRET) -> list[str]:
    """Files in which a form of the secret is left, in names and in bytes."""
    return [name for name, data in desk.everything().items() if any(form in data for form in forms(secret))]


def stream(port: int, url: str, heard: list[bytes]) -> None:
    """Read an endless answer until it breaks off."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        host = url.split("/")[2]
        line.sendall(f"GET {url} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {SECRET}\r\n\r\n".encode())
        while data := line.recv(1 << 16):
            heard.append(data)


@pytest.mark.feature(9)
@pytest.mark.feature(14)
def test_a_session_is_recorded_until_ctrl_c_and_what_is_not_ours_passes(desk: Desk, ours: Server, theirs: Server) -> None:
    port = free_port()
    process = desk.start("capture", "proxy", "-a", f"127.0.0.1:{ours.port}", "--port", str(port))
    desk.wait_for("Ctrl-C ends the recording", process)
    base = f"http://127.0.0.1:{ours.port}"
    # First parties: plain, packed, changed, upgraded, large, and one that never ends.
    assert ask(port, f"{base}/v1/orders/1001", headers=BEARER) == (200, json.dumps(odd_service.ORDER).encode())
    assert ask(port, f"{base}/v1/packed", headers=BEARER)[0] == 200
    assert ask(port, f"{base}/v1/orders?token={SECRET}", "POST", json.dumps({"password": SECRET}).encode(), BEARER)[0] == 201
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    assert ask(port, f"{base}/v1/socket", headers={**BEARER, **upgrade})[0] == 101
    assert len(ask(port, f"{base}/v1/large", headers=BEARER)[1]) == odd_service.LARGE + 4
    heard: list[bytes] = []
    reader = Thread(target=stream, args=(port, f"{base}/v1/events", heard), daemon=True)
    reader.start()
    end = time.monotonic() + HANGS
    while b'"n": 2' not in b"".join(heard):
        assert time.monotonic() < end, "the events were held back"
        time.sleep(0.05)
    # Somebody else.
    assert ask(port, f"http://127.0.0.1:{theirs.port}/v1/orders/1001?token={SECRET}", headers=BEARER)[0] == 200
    assert theirs.heard == [f"GET /v1/orders/1001?token={SECRET}"]
    assert [name for name in traces(desk) if name not in ("out", "err")] == []
    process.send_signal(signal.SIGINT)
    assert process.wait(HANGS) == 0, desk.said()
    assert "the proxy: 5 exchanges; left out: 1 third party, 1 websocket" in desk.said()
    assert f"hosts that are not yours: 127.0.0.1:{theirs.port} (1)" in desk.said()
    kept = exchanges(desk)
    assert sorted(kept) == ["/v1/events", "/v1/large", "/v1/orders", "/v1/orders/1001", "/v1/packed"]
    assert kept["/v1/orders/1001"]["auth"] == ["bearer"]
    assert kept["/v1/packed"]["response"]["value"]["status"] == "shipped"
    assert kept["/v1/large"]["response"] == {"media": "application/json", "kind": "absent"}
    assert kept["/v1/events"]["response"]["media"] == "text/event-stream"
    assert traces(desk) == []
    assert desk.leftovers() == []
    assert desk.run("build").exit == 0
    assert traces(desk) == []
    reader.join(HANGS)


@pytest.mark.feature(9)
def test_it_ends_after_its_duration_and_its_authority_is_private_and_stays(desk: Desk, ours: Server) -> None:
    port = free_port()
    process = desk.start("capture", "proxy", "-a", "127.0.0.1", "--port", str(port), "--duration", "2")
    desk.wait_for("It ends by itself after 2 s.", process)
    for platform in ("macOS", "Windows", "Debian", "Firefox", "Android", "iOS"):
        assert f"  {platform}" in desk.said()
    waiting = Thread(target=ask, args=(port, f"http://127.0.0.1:{ours.port}/v1/slow"), daemon=True)
    ask(port, f"http://127.0.0.1:{ours.port}/v1/orders/1001", headers=BEARER)
    waiting.start()
    assert process.wait(HANGS) == 0, desk.said()
    folder = desk.authority.parent
    assert {Path(name).parent for name in desk.everything() if "mitmproxy-ca" in name} == {folder.relative_to(desk.folder)}
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    assert {oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == {"0o600"}
    before = desk.authority.read_bytes()
    again = desk.start("capture", "proxy", "--port", "0", "--duration", "1")
    desk.wait_for("It ends by itself after 1 s.", again)
    assert again.wait(HANGS) == 3  # nothing passed
    assert "CASK-C003" in desk.said()
    assert desk.authority.read_bytes() == before
    assert desk.leftovers() == []


@pytest.mark.feature(9)
def test_a_session_through_the_proxy_is_the_same_capture_as_a_har_of_it(desk: Desk) -> None:
    port, entries = free_port(), []
    process = desk.start("capture", "proxy", "-a", "127.0.0.1", "--port", str(port))
    desk.wait_for("Ctrl-C ends the recording", process)
    with Service() as service:
        for number, (method, target, body, headers) in enumerate(demo_calls()):
            url, sent = f"http://127.0.0.1:{service.port}{target}", None if body is None else body.decode()
            status, answer = ask(port, url, method, body, headers)
            entries.append(
                entry(number, url, method, sent, status, "application/json" if answer else "", answer.decode(), tuple(headers.items()))
            )
    process.send_signal(signal.SIGTERM)
    assert process.wait(HANGS) == 0, desk.said()
    (live,) = (path.parent.name for path in desk.project.rglob("exchanges.ndjson.gz"))
    twin = {"log": {"version": "1.2", "creator": {"name": "t", "version": "1"}, "entries": entries}}
    (desk.home / "twin.har").write_text(json.dumps(twin))
    done = desk.run("capture", "import", str(desk.home / "twin.har"), "--format", "json")
    assert done.exit == 0, done.errors
    (row,) = json.loads(done.transcript)["sources"]
    assert (row["source"], row["state"], row["kept"]) == (f"capture: {live}", "known", 37)


@pytest.mark.feature(9)
def test_https_is_opened_for_first_parties_alone(desk: Desk, tmp_path: Path) -> None:
    pem = certificate(tmp_path)
    with serving(pem) as ours, serving(pem) as theirs:
        port = free_port()
        words = ("capture", "proxy", "-a", f"127.0.0.1:{ours.port}", "--port", str(port), "--upstream-ca", str(pem))
        process = desk.start(*words)
        desk.wait_for("Ctrl-C ends the recording", process)
        status, body, shown = ask_securely(port, ours.port, "/v1/orders/1001", desk.authority, BEARER)
        assert (status, body) == (200, json.dumps(odd_service.ORDER).encode())
        server = ssl.PEM_cert_to_DER_cert("-----BEGIN CERTIFICATE" + pem.read_text().partition("-----BEGIN CERTIFICATE")[2])
        assert shown != server
        # The tunnel to somebody else shows that server's own certificate: nobody looked inside.
        assert ask_securely(port, theirs.port, f"/v1/orders/1001?token={SECRET}", pem, BEARER)[2] == server
        with pytest.raises(ssl.SSLError):
            ask_securely(port, theirs.port, "/v1/orders/1001", desk.authority, BEARER)
        process.send_signal(signal.SIGINT)
        assert process.wait(HANGS) == 0, desk.said()
    assert "the proxy: 1 exchange; left out: 2 third party" in desk.said()
    (kept,) = exchanges(desk).values()
    assert (kept["scheme"], kept["port"], kept["auth"]) == ("https", ours.port, ["bearer"])
    pem.unlink()
    assert traces(desk) == []


def test_where_cask_is_killed_mitmdump_ends_and_nothing_is_left(desk: Desk, ours: Server) -> None:
    port = free_port()
    process = desk.start("capture", "proxy", "-a", "127.0.0.1", "--port", str(port))
    desk.wait_for("Ctrl-C ends the recording", process)
    assert ask(port, f"http://127.0.0.1:{ours.port}/v1/orders/1001", headers=BEARER)[0] == 200
    assert len(desk.leftovers()) == 1
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    end = time.monotonic() + HANGS
    while desk.leftovers():
        assert time.monotonic() < end
        time.sleep(0.1)
    assert list(desk.project.iterdir()) == []
    assert traces(desk) == []


def test_a_port_that_is_taken_is_said_at_once(desk: Desk, ours: Server) -> None:
    done = desk.run("capture", "proxy", "-a", "127.0.0.1", "--port", str(ours.port))
    assert done.exit == 5
    assert f"CASK-C020 port {ours.port} is taken by another program" in done.errors
    assert f"run: cask capture proxy -a 127.0.0.1 --port {ours.port + 1}" in done.errors
    assert list(desk.project.iterdir()) == []


@pytest.mark.skipif("CASK_TEST_INSTALL" not in os.environ, reason="installs from the package index: set CASK_TEST_INSTALL=1 to run it")
@pytest.mark.slow
def test_setup_installs_a_mitmdump_that_is_then_found(desk: Desk) -> None:
    del desk.env["CASK_MITMDUMP"]
    desk.env["PATH"] = "/usr/bin:/bin"
    desk.env |= {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))}
    process = desk.start("capture", "setup-proxy")
    assert process.wait(600) == 0, desk.said()
    assert "installed" in desk.said()
    again = desk.run("capture", "setup-proxy")
    assert (again.exit, "kept" in again.transcript) == (0, True)
    flows = Path(__file__).parents[2] / "fixtures/captures/flows/odd.mitm"
    assert desk.run("capture", "import", str(flows), "-a", "api.shop.example").exit == 0
