# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""X.509 as far as a home authority needs it: make certificates, read them, judge them.

Beside ca.py this file runs on the host by itself (as ``kronos_certificates.py``), so it imports nothing but the
standard library and ``cryptography``, from 3.4 (Ubuntu 22.04) on; that one only when it is used.
"""

from __future__ import annotations

import importlib
import ipaddress
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

PEM_END = b"-----END CERTIFICATE-----\n"


def available() -> bool:
    """Whether the library is installed."""
    try:
        importlib.import_module("cryptography.x509")
    except ImportError:
        return False
    return True


def new_key() -> ec.EllipticCurvePrivateKey:
    """A new key (P-256: what every device and browser takes)."""
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def build(
    common_name: str, names: Sequence[str], key: Any, issuer_key: Any, issuer: Any, start: datetime, end: datetime
) -> Any:
    """A certificate over *key*: the root itself where there is no *issuer*, else a leaf for *names*."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    # A common name has room for 64 characters; browsers read the alternative names only.
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])]
    subject, public = x509.Name(attributes), key.public_key()
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    root = issuer is None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if root else issuer.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=root, path_length=0 if root else None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=not root, key_cert_sign=root, crl_sign=root, **usage), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    if not root:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        alternatives = [
            x509.IPAddress(address) if (address := address_of(name)) else x509.DNSName(name) for name in names
        ]
        builder = (
            builder.add_extension(identifier, critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        )
    return builder.sign(issuer_key, hashes.SHA256())


def parse(text: bytes) -> list[x509.Certificate]:
    """The certificates in a PEM text; empty where one of them cannot be read."""
    from cryptography import x509

    parts = text.split(PEM_END)[:-1]
    try:
        return [x509.load_pem_x509_certificate(part + PEM_END) for part in parts]
    except ValueError:
        return []


def load_key(text: bytes) -> ec.EllipticCurvePrivateKey | None:
    """A key of the kind that we make; None for anything else."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(text, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def key_pem(key: Any) -> bytes:
    """A private key as PEM, not encrypted."""
    from cryptography.hazmat.primitives import serialization as form

    return bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()))


def pem(certificate: Any) -> bytes:
    """A certificate as PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return bytes(certificate.public_bytes(Encoding.PEM))


def public_key(owner: Any) -> bytes:
    """The public key of a certificate or private key, to compare."""
    from cryptography.hazmat.primitives import serialization as form

    return bytes(owner.public_key().public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo))


def signed_by(certificate: Any, root: Any) -> bool:
    """Whether *root* has issued *certificate*."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        scheme = ec.ECDSA(certificate.signature_hash_algorithm)
        root.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes, scheme)
    except (InvalidSignature, AttributeError, TypeError):
        return False
    return bool(certificate.issuer == root.subject)


def names_of(certificate: Any) -> list[str]:
    """DNS names and addresses that a certificate is for."""
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]


def not_after(certificate: Any) -> datetime:
    """Its last moment, with a time zone."""
    # cryptography 42 brought the aware time; before it there is only a naive one, in UTC.
    aware = getattr(certificate, "not_valid_after_utc", None)
    found: datetime = aware or certificate.not_valid_after.replace(tzinfo=timezone.utc)
    return found


def not_before(certificate: Any) -> datetime:
    """Its first moment, with a time zone."""
    aware = getattr(certificate, "not_valid_before_utc", None)
    found: datetime = aware or certificate.not_valid_before.replace(tzinfo=timezone.utc)
    return found


def address_of(name: str) -> Any:
    """The IP address that *name* is; None for a DNS name."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def normal(name: str) -> str:
    """A name as certificates spell it."""
    return str(address_of(name) or name)
