"""An authority of certificates for servers and clients, as a mesh or a company has one."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_Name = x509.DNSName | x509.UniformResourceIdentifier


class Authority:
    """Signs certificates; `certificate` is its own, as PEM."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        usual = x509.BasicConstraints(ca=True, path_length=None)
        builder = _builder(self._name, self._name, self._key).add_extension(usual, critical=True)
        self.certificate = builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def signed(self, name: _Name) -> tuple[str, str]:
        """A certificate for this name and its key, as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        named = x509.SubjectAlternativeName([name])
        built = _builder(subject, self._name, key).add_extension(named, critical=False)
        pem = built.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
        return pem, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def client(self, folder: Path, uri: str = "") -> ssl.SSLContext:
        """How a client asks that believes this authority, with a certificate for a URI if one is given."""
        context = ssl.create_default_context(cadata=self.certificate)
        if uri:
            certificate, key = self.signed(x509.UniformResourceIdentifier(uri))
            place = folder / "client.pem"
            place.write_text(certificate + key)
            context.load_cert_chain(place)
        return context


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )
