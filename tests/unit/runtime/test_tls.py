"""TLS to the upstream: the certificate is checked against the approved name, although the connection goes to an address."""

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from caskmcp.errors import CaskError
from caskmcp.runtime.commands import Failure, Send
from caskmcp.runtime.egress import Destination
from caskmcp.runtime.plan import PreparedRequest
from caskmcp.runtime.respond import Answer
from caskmcp.runtime.upstream import Upstream as Client
from caskmcp.runtime.upstream import trusting

NAME = "api.example.com"


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate and its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2020, 1, 1)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(datetime.datetime(2099, 1, 1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    encoded = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + encoded)
    return path


class Secure:
    """A TLS server that answers everything with an empty object, and notes which name it was asked for."""

    def __init__(self, path: Path) -> None:
        self.names: list[str | None] = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(path)
        self.context.sni_callback = lambda _, name, __: self.names.append(name)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self.socket.accept()
                with plain, self.context.wrap_socket(plain, server_side=True) as secure:
                    secure.recv(65536)
                    secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            except ssl.SSLError:
                continue
            except OSError:
                if self.socket.fileno() < 0:
                    return


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Any]:
    started: list[Secure] = []

    def start(name: str) -> tuple[Secure, Path]:
        path = certificate(tmp_path, name)
        started.append(Secure(path))
        return started[-1], path

    yield start
    for each in started:
        each.socket.close()


def sent(port: int, trusted: dict[str, ssl.SSLContext] | None = None) -> Answer | Failure:
    asked = PreparedRequest("GET", "https", NAME, port, b"/", (("Host", NAME),))

    async def run() -> Answer | Failure:
        client = Client(trusted=trusted)
        try:
            return await client.send(Send(asked, Destination("https", NAME, port, True), ("127.0.0.1",), 1000))
        finally:
            await client.aclose()

    return anyio.run(run)


def test_a_certificate_that_nobody_vouches_for_is_refused(servers: Any) -> None:
    server, _ = servers(NAME)
    assert sent(server.port) == Failure("certificate", maybe=False, why="self-signed certificate")


def test_the_approved_name_is_asked_for_and_checked(servers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server, path = servers(NAME)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    said = sent(server.port)
    assert isinstance(said, Answer)
    assert said.body == b"{}"
    assert server.names == [NAME]


def test_a_certificate_for_another_name_is_refused(servers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server, path = servers("evil.example.com")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    why = "Hostname mismatch, certificate is not valid for 'api.example.com'."
    assert sent(server.port) == Failure("certificate", maybe=False, why=why)


def test_an_authority_that_the_users_configuration_names_is_taken_for_its_host(servers: Any) -> None:
    server, path = servers(NAME)
    said = sent(server.port, {NAME: trusting(path.read_bytes(), "ca.pem")})
    assert isinstance(said, Answer)
    assert said.body == b"{}"


def test_it_is_taken_for_no_other_host_and_nobody_else_for_that_one(servers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server, path = servers(NAME)
    other = certificate(tmp_path, "other.example.com").read_bytes()
    assert sent(server.port, {"other.example.com": trusting(path.read_bytes(), "ca.pem")}) == Failure(
        "certificate", False, "self-signed certificate"
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    assert sent(server.port, {NAME: trusting(other, "ca.pem")}) == Failure("certificate", False, "self-signed certificate")


def test_a_certificate_that_does_not_hold_is_no_address_to_try_the_next_after(servers: Any) -> None:
    server, _ = servers(NAME)
    asked = PreparedRequest("GET", "https", NAME, server.port, b"/", (("Host", NAME),))

    async def run() -> Answer | Failure:
        client = Client()
        try:
            return await client.send(Send(asked, Destination("https", NAME, server.port, True), ("127.0.0.1", "127.0.0.1"), 1000))
        finally:
            await client.aclose()

    assert isinstance(anyio.run(run), Failure)
    assert server.names == [NAME]


@pytest.mark.parametrize("data", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\xff"])
def test_a_file_without_a_certificate_is_told(data: bytes) -> None:
    with pytest.raises(CaskError) as error:
        trusting(data, "ca.pem")
    assert (error.value.code, error.value.place) == ("CASK-H002", "ca.pem")
