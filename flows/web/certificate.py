"""A certificate for one address in the local network, made here and good for nothing else.

An authority is made, signs one certificate, and its key is thrown away: nobody, not even this program, can
ever sign another. It is constrained to that one address, so a phone that trusts it risks nothing else.

<home>/tls/<address>/{certificate.pem, key.pem, authority.pem}
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pipeline.clock import SystemClock
from pipeline.errors import InputError
from pipeline.sealing import write_file

_VALID = datetime.timedelta(days=396)  # phones take no more than 398
_RENEWED_BEFORE = datetime.timedelta(days=30)
_CLOCKS_DIFFER = datetime.timedelta(days=1)  # a phone's clock may be behind
_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.I
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Where certificate and key lie, what a person compares, and the authority (DER) that may be trusted."""

    certificate_path: Path
    key_path: Path
    fingerprint: str
    authority: bytes


def is_address(text: str) -> bool:
    """Whether this is an IP address, and not a name."""
    try:
        return not getattr(ipaddress.ip_address(text), "scope_id", None)  # a zone means nothing elsewhere
    except ValueError:
        return False


def certificate_for(address: str, home: Path, wall_s: float | None = None) -> Certificate:
    """The certificate for an address or name: the one that is there while it is good, else a new one.

    Raises InputError if the address is none, or the files cannot be written.
    """
    if not is_address(address) and not _NAME.fullmatch(address):
        raise InputError(f"--lan {address}: is neither an address nor a name of a computer")
    folder = home / "tls" / address.lower().replace(":", "-")
    seconds = SystemClock().wall() if wall_s is None else wall_s
    now = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    known = _read(folder, address, now)
    if known is None:
        _make(folder, address, now)
        known = _read(folder, address, now)
        if known is None:
            raise InputError(f"{folder}: the certificate that was just made there cannot be read")
    return known


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate in groups of four hexadecimal digits."""
    digits = certificate.fingerprint(hashes.SHA256()).hex().upper()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def _read(folder: Path, address: str, now: datetime.datetime) -> Certificate | None:
    """What lies in the folder, if it is whole, for this address, and good for a while."""
    try:
        leaf = x509.load_pem_x509_certificate((folder / "certificate.pem").read_bytes())
        authority = x509.load_pem_x509_certificate((folder / "authority.pem").read_bytes())
        key = serialization.load_pem_private_key((folder / "key.pem").read_bytes(), None)
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        leaf.verify_directly_issued_by(authority)
    except (OSError, ValueError, TypeError, x509.ExtensionNotFound, InvalidSignature):
        return None
    good = leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc - _RENEWED_BEFORE
    if not good or list(names) != [_general_name(address)] or key.public_key() != leaf.public_key():
        return None
    der = authority.public_bytes(serialization.Encoding.DER)
    return Certificate(folder / "certificate.pem", folder / "key.pem", fingerprint(leaf), der)


def _make(folder: Path, address: str, now: datetime.datetime) -> None:
    """Write certificate, key and authority. Raises InputError."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _authority(address, authority_key, now)
    leaf = _leaf(address, key, authority, authority_key, now)
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        folder.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for level in (folder.parent, folder):
            level.mkdir(mode=0o700, exist_ok=True)
        _write(folder / "key.pem", [secret])
        _write(folder / "authority.pem", [authority.public_bytes(pem)])
        _write(folder / "certificate.pem", [leaf.public_bytes(pem), authority.public_bytes(pem)])
    except OSError as error:
        raise InputError(f"{folder}: the certificate cannot be stored there ({error.strerror})") from error


def _write(path: Path, parts: Sequence[bytes]) -> None:
    """Write a file for its owner's eyes only; the folder keeps others out from the first moment."""
    write_file(path, b"".join(parts))
    path.chmod(0o600)


def _general_name(address: str) -> x509.GeneralName:
    if is_address(address):
        return x509.IPAddress(ipaddress.ip_address(address))
    return x509.DNSName(address.lower())


def _constraints(address: str) -> x509.NameConstraints:
    """Only this address, and of the other kind of names none."""
    if is_address(address):
        only: x509.GeneralName = x509.IPAddress(ipaddress.ip_network(address))
        return x509.NameConstraints([only], [x509.DNSName("")])
    everywhere = [x509.IPAddress(ipaddress.ip_network(net)) for net in ("0.0.0.0/0", "::/0")]
    return x509.NameConstraints([x509.DNSName(address.lower())], everywhere)


def _subject(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "vagal on this network"),
            x509.NameAttribute(NameOID.COMMON_NAME, name[:64]),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now - _CLOCKS_DIFFER + _VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _authority(address: str, key: ec.EllipticCurvePrivateKey, now: datetime.datetime) -> x509.Certificate:
    name = _subject(f"vagal authority for {address} only")
    return (
        _builder(name, name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(_constraints(address), critical=True)
        .sign(key, hashes.SHA256())
    )


def _leaf(
    address: str,
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    now: datetime.datetime,
) -> x509.Certificate:
    of_authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        _builder(_subject(f"vagal at {address}"), authority.subject, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(address)]), critical=False)
        .add_extension(of_authority, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
