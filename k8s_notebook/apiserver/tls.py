"""Keys and certificates of one embedded cluster: its own authority, its server certificate, its token signatures."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import secrets
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

YEAR = 365 * 24 * 3600
LIFETIME = 10 * YEAR
"""Seconds that certificates are valid; they are renewed when the cluster starts within the last year of it."""
NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
ADDRESSES = ("127.0.0.1", "::1", "10.96.0.1")
_SIDE = 32
"""Bytes of one half of an ES256 signature."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, PEM."""

    certificate: str
    key: str


def new_key() -> str:
    """A fresh P-256 private key, PEM (PKCS 8)."""
    return _pem(ec.generate_private_key(ec.SECP256R1()))


def new_token() -> str:
    """A fresh bearer token: 256 bits, URL-safe."""
    return secrets.token_urlsafe(32)


def authority(name: str, now: float) -> Pair:
    """A certificate authority that signs only this cluster's certificates."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(f"k8s-notebook {name}")
    builder = (
        _builder(subject, subject, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Pair(_certificate_pem(builder.sign(key, hashes.SHA256())), _pem(key))


def server_certificate(issuer: Pair, now: float) -> Pair:
    """A certificate for the loopback names and the in-cluster names of the API server, signed by `issuer`."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = _private(issuer.key)
    parent = x509.load_pem_x509_certificate(issuer.certificate.encode())
    names: list[x509.GeneralName] = [x509.DNSName(n) for n in NAMES]
    names += [x509.IPAddress(ipaddress.ip_address(a)) for a in ADDRESSES]
    builder = (
        _builder(_subject("kube-apiserver"), parent.subject, key.public_key(), now)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    return Pair(_certificate_pem(builder.sign(signer, hashes.SHA256())), _pem(key))


def expires(certificate: str) -> float:
    """Until when a PEM certificate is valid, in seconds since the epoch."""
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc.timestamp()


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or later with that certificate; only HTTP/1.1 is offered."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    return context


class Signer:
    """Signs and checks with one P-256 key (ES256)."""

    def __init__(self, key: str) -> None:
        self._key = _private(key)
        self._public = self._key.public_key()
        numbers = self._public.public_numbers()
        self.x, self.y = numbers.x.to_bytes(_SIDE, "big"), numbers.y.to_bytes(_SIDE, "big")
        self.key_id = hashlib.sha256(self.x + self.y).hexdigest()[:16]

    def sign(self, data: bytes) -> bytes:
        """The signature of `data`, 64 bytes."""
        r, s = utils.decode_dss_signature(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(_SIDE, "big") + s.to_bytes(_SIDE, "big")

    def good(self, data: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's signature of `data`."""
        if len(signature) != 2 * _SIDE:
            return False
        r, s = int.from_bytes(signature[:_SIDE], "big"), int.from_bytes(signature[_SIDE:], "big")
        try:
            self._public.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: float) -> x509.CertificateBuilder:
    start = datetime.datetime.fromtimestamp(now - 3600, datetime.UTC)
    end = datetime.datetime.fromtimestamp(now + LIFETIME, datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(secrets.randbits(159))
        .not_valid_before(start)
        .not_valid_after(end)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _private(pem: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the key is not an elliptic-curve key")
    return key


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def _certificate_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
