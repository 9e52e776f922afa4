"""Makes `fixtures/captures/flows/`: what mitmdump writes of a session, as its own flow file and as the HAR that it makes of that file.

`python -m tests.support.flow_recording MITMDUMP FOLDER`. The demo's shop and the odd service are driven through a reverse proxy that keeps the
`Host` header, so that the recording has a host's name. Times differ from run to run.
"""

import http.client
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from caskmcp.workflows.demo.service import Service
from tests.support import odd_service
from tests.support.demo_recording import BROWSER, HOST, SESSION

Call = tuple[str, str, bytes | None, dict[str, str]]

CREDENTIAL: Final = {"Authorization": f"Bearer {odd_service.SECRET}", "Accept": "application/json"}
FORM: Final = b"street=Havregatan+17+B&newsletter=on"
ODD: Final[tuple[Call, ...]] = (
    ("GET", "/v1/orders/1001", None, CREDENTIAL),
    ("GET", "/v1/packed", None, CREDENTIAL),
    ("GET", "/v1/pressed", None, CREDENTIAL),
    ("GET", "/v1/latin?city=G%C3%B6teborg&city=Oslo", None, CREDENTIAL),
    ("POST", "/v1/orders", b'{"product_id": 7, "card": "4929123456789015"}', {**CREDENTIAL, "Content-Type": "application/json"}),
    ("POST", "/v1/forms", FORM, {**CREDENTIAL, "Content-Type": "application/x-www-form-urlencoded"}),
    ("DELETE", "/v1/orders/1001", None, CREDENTIAL),
    ("GET", "/v1/moved", None, CREDENTIAL),
    ("GET", "/pixel", None, CREDENTIAL),
    ("GET", "/v1/socket", None, {
        **CREDENTIAL, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }),
)  # fmt: skip
"""What a client does with the odd service: method, target, body, headers."""


def demo_calls() -> Iterator[Call]:
    """The session of the demo's recording."""
    for method, target, value in SESSION:
        sent = None if value is None else json.dumps(value).encode()
        yield method, target, sent, {**dict(BROWSER), **({"Content-Type": "application/json"} if sent else {})}


def record(mitmdump: str, folder: Path) -> None:
    """Write `NAME.mitm` and `NAME.har` of both services."""
    folder.mkdir(parents=True, exist_ok=True)
    with Service() as service:
        _record(mitmdump, folder, "demo", service.port, tuple(demo_calls()))
    with odd_service.serving() as odd:
        _record(mitmdump, folder, "odd", odd.port, ODD)


def _record(mitmdump: str, folder: Path, name: str, upstream: int, calls: tuple[Call, ...]) -> None:
    flows, har = folder / f"{name}.mitm", folder / f"{name}.har"
    flows.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as confdir:
        with _proxy(mitmdump, confdir, upstream, flows) as port:
            for call in calls:
                ask(port, HOST, *call)
            ask(port, "stats.thirdparty.example", "POST", "/collect?uid=ada.quill%40mail.example", b'{"event":"view"}', {})
        convert = (mitmdump, "-q", "-n", "-r", str(flows), "--set", f"confdir={confdir}", "--set", f"hardump={har}")
        subprocess.run(convert, check=True, stdin=subprocess.DEVNULL)


def ask(port: int, host: str, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> None:
    """One request, and its answer to the end."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    line.request(method, target, body=body, headers={**headers, "Host": host})
    line.getresponse().read()
    line.close()


@contextmanager
def _proxy(mitmdump: str, confdir: str, upstream: int, flows: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    mode = ("--mode", f"reverse:http://127.0.0.1:{upstream}", "--set", "keep_host_header=true")
    command = (mitmdump, "-q", *mode, "--listen-host", "127.0.0.1", "-p", str(port), "--set", f"confdir={confdir}", "-w", str(flows))
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
        time.sleep(0.5)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


if __name__ == "__main__":
    record(sys.argv[1], Path(sys.argv[2]))
