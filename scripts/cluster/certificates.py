"""Certificates for webhooks of controllers that run on this machine, by an authority of their own."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ADDRESS = "127.0.0.1"
#: Keys that controllers which rotate certificates can read: RSA in the form of PKCS #1.
_EXPONENT, _BITS = 65_537, 2048
_YEAR = datetime.timedelta(days=365)


@dataclass(frozen=True)
class Certificate:
    """A key and its certificate, both as PEM."""

    key: bytes
    certificate: bytes


@dataclass(frozen=True)
class Authority:
    """Who signs, and what it signed."""

    own: Certificate
    server: Certificate
    """For ADDRESS, and for a name."""


def made(name: str, server: str) -> Authority:
    """A new authority of a name, and its certificate for a server of a name on this machine."""
    key, server_key = (rsa.generate_private_key(_EXPONENT, _BITS) for _ in range(2))
    issuer = _named(name)
    usual = x509.KeyUsage(*(place in (0, 2, 5) for place in range(9)))
    own = _described(issuer, issuer, key, [x509.DNSName(name)])
    own = own.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    own = own.add_extension(usual, critical=True)
    names = [x509.DNSName(server), x509.IPAddress(ipaddress.ip_address(ADDRESS))]
    served = _described(_named(server), issuer, server_key, names)
    served = served.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return Authority(_pem(key, own, key), _pem(server_key, served, key))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _described(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPrivateKey,
    names: list[x509.GeneralName],
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _YEAR)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )


def _pem(key: rsa.RSAPrivateKey, unsigned: x509.CertificateBuilder, signer: rsa.RSAPrivateKey) -> Certificate:
    form, plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    written = key.private_bytes(serialization.Encoding.PEM, form, plain)
    signed = unsigned.sign(signer, hashes.SHA256())
    return Certificate(written, signed.public_bytes(serialization.Encoding.PEM))
