"""For tests with the real mitmdump: where it is, a desk that keeps everything in one folder, and a client that speaks through a proxy."""

import gzip
import http.client
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.terminal import CASK, Finished, environment, without_terminal

PATIENCE: Final = 60.0


MITMDUMP: Final = os.environ.get("CASK_MITMDUMP") or shutil.which("mitmdump")
"""What the tests run with; None without one. Read once: tests themselves see an environment without such variables."""
NEEDED: Final = "needs mitmdump: run `cask capture setup-proxy`, or set CASK_MITMDUMP to one"
"""Why they are skipped."""


class Desk:
    """A project, a home, and a folder for temporary files, all in one folder that can be searched; commands run in the project."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.project, self.home, self.temporary = (folder, *(folder / name for name in ("project", "home", "tmp")))
        for made in (self.project, self.home, self.temporary):
            made.mkdir()
        self.env = environment(self.home, CASK_MITMDUMP=str(MITMDUMP), TMPDIR=str(self.temporary))
        self.authority = self.home / ".local/state/caskmcp/proxy/mitmproxy-ca-cert.pem"

    def run(self, *words: str) -> Finished:
        """A command to its end."""
        return without_terminal([*CASK, *words], cwd=self.project, env=self.env)

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """A command that goes on; what it prints goes into `out` and `err` in the folder."""
        with open(self.folder / "out", "wb") as out, open(self.folder / "err", "wb") as err:
            return subprocess.Popen([*CASK, *words], cwd=self.project, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def said(self) -> str:
        """What the command that goes on has said."""
        return (self.folder / "err").read_text(encoding="utf-8") + (self.folder / "out").read_text(encoding="utf-8")

    def wait_for(self, text: str, process: "subprocess.Popen[bytes]") -> None:
        """Wait until the command that goes on says something."""
        end = time.monotonic() + PATIENCE
        while text not in self.said():
            assert process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.05)

    def everything(self) -> Mapping[str, bytes]:
        """Name -> name and bytes of every file in the folder, packed ones unpacked."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                data = path.read_bytes()
                name = str(path.relative_to(self.folder))
                found[name] = name.encode() + b"\n" + (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)
        return found

    def leftovers(self) -> list[str]:
        """What commands left in the folder for temporary files, and processes that have this folder in their command line."""
        left = [path.name for path in self.temporary.iterdir()]
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes()
            except OSError:
                continue  # it ended in this moment
            if str(self.folder).encode() in words and b"mitmdump" in words:
                left.append(entry.parent.name)
        return left


def ask(port: int, url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """A request of a plain HTTP URL through the proxy. Returns status and body."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        line.request(method, url, body=body, headers=dict(headers or {}))
        answer = line.getresponse()
        return answer.status, answer.read()
    finally:
        line.close()


def ask_securely(port: int, upstream: int, target: str, trusted: Path, headers: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """A request through a tunnel of the proxy. trusted: the only certificate (PEM) that is accepted. Returns status, body, certificate (DER)."""
    line = http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=ssl.create_default_context(cafile=str(trusted)))
    line.set_tunnel("127.0.0.1", upstream)
    try:
        line.request("GET", target, headers=dict(headers))
        answer = line.getresponse()
        assert isinstance(line.sock, ssl.SSLSocket) or line.sock is None
        shown = line.sock.getpeercert(binary_form=True) if line.sock else b""
        return answer.status, answer.read(), shown or b""
    finally:
        line.close()


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path
