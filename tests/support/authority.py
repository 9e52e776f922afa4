"""An authority of our own for TLS on the loopback address: its certificate, and certificates that it gives."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

START = datetime.datetime(2020, 1, 1)
END = datetime.datetime(2099, 1, 1)


@dataclass(frozen=True)
class Authority:
    """Vouches for whom it is told to."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def made(cls, folder: Path, name: str = "an authority of our own") -> Self:
        """A new one; its certificate lies in `ca.pem`."""
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        own = _certificate(name, name, key, key, x509.BasicConstraints(ca=True, path_length=0), [])
        (folder / "ca.pem").write_bytes(own.public_bytes(serialization.Encoding.PEM))
        return cls(folder, key, own)

    @property
    def path(self) -> Path:
        """Its certificate."""
        return self.folder / "ca.pem"

    def given(self, *names: str) -> tuple[Path, Path]:
        """Certificate and private key for names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = str(self.certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)
        made = _certificate(
            names[0], issuer, key, self.key, x509.BasicConstraints(ca=False, path_length=None), [_name(name) for name in names]
        )
        paths = self.folder / f"{names[0]}.crt", self.folder / f"{names[0]}.key"
        paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return paths


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _certificate(
    name: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    by: ec.EllipticCurvePrivateKey,
    basic: x509.BasicConstraints,
    others: list[x509.GeneralName],
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(END)
        .add_extension(basic, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    if others:
        builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
    return builder.sign(by, hashes.SHA256())
