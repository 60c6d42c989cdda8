"""A certificate authority of the stand-in's own, and the names it answers to."""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

import certifi
import trustme

REGIONS = ("us-east-1", "us-west-2", "eu-north-1", "ap-northeast-1")
"""Where Nova Sonic is offered; a compose alias may give the stand-in the real name of any."""

NAMES = (
    "localhost",
    "127.0.0.1",
    "::1",
    "host.docker.internal",
    "nova",
    "nova-standin",
    *(f"bedrock-runtime.{region}.amazonaws.com" for region in REGIONS),
)


@dataclass(frozen=True, slots=True)
class Trust:
    """What a client needs to believe the stand-in, and what the server needs to be believed."""

    server: ssl.SSLContext
    ca_file: Path
    """The authority alone, for NODE_EXTRA_CA_CERTS."""
    bundle_file: Path
    """The public roots and the authority, for SSL_CERT_FILE, which replaces the roots of a whole process."""


def make_trust(folder: Path, extra_names: tuple[str, ...] = ()) -> Trust:
    """Make the server's certificate; the authority in `folder` is kept, so that clients survive a restart."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = _authority(folder / "ca.pem", folder / "ca-key.pem")
    bundle_file = folder / "bundle.pem"
    # Whole or not at all: services may start while it is written again.
    half = bundle_file.with_suffix(".half")
    half.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + authority.cert_pem.bytes())
    half.replace(bundle_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2"])
    authority.issue_cert(*dict.fromkeys((*NAMES, *extra_names))).configure_cert(context)
    return Trust(context, folder / "ca.pem", bundle_file)


def _authority(certificate_file: Path, key_file: Path) -> trustme.CA:
    if certificate_file.exists() and key_file.exists():
        return trustme.CA.from_pem(certificate_file.read_bytes(), key_file.read_bytes())
    authority = trustme.CA(organization_name="Nova Sonic stand-in", organization_unit_name="for this machine only")
    certificate_file.write_bytes(authority.cert_pem.bytes())
    descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(authority.private_key_pem.bytes())
    return authority
