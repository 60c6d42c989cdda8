"""Creates the stand-in's own certificate authority, and a server certificate for every name it is reached by."""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

import certifi
import trustme

REGIONS = ("us-east-1", "us-west-2", "eu-north-1", "ap-northeast-1")
"""Regions with Nova Sonic; a compose network alias may give the stand-in the host name of any of them."""

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
    """Certificates: what a client needs to trust the stand-in, and the server's TLS context."""

    server: ssl.SSLContext
    ca_file: Path
    """The authority alone, for NODE_EXTRA_CA_CERTS."""
    bundle_file: Path
    """The public roots plus the authority, for SSL_CERT_FILE, which replaces all roots of a process."""


def make_trust(folder: Path, extra_names: tuple[str, ...] = ()) -> Trust:
    """Create the server's certificate; reuse the authority in `folder`, so that clients survive a restart."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = _authority(folder / "ca.pem", folder / "ca-key.pem")
    bundle_file = folder / "bundle.pem"
    # Replace the file atomically: a service may start and read it meanwhile.
    half = bundle_file.with_suffix(".half")
    half.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + authority.cert_pem.bytes())
    half.replace(bundle_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2"])
    authority.issue_cert(*dict.fromkeys((*NAMES, *extra_names))).configure_cert(context)
    return Trust(context, folder / "ca.pem", bundle_file)


def _authority(certificate_file: Path, key_file: Path) -> trustme.CA:
    if certificate_file.exists() and key_file.exists():
        # Both files or neither: a certificate whose key is lost cannot sign.
        return trustme.CA.from_pem(certificate_file.read_bytes(), key_file.read_bytes())
    authority = trustme.CA(organization_name="Nova Sonic stand-in", organization_unit_name="for this machine only")
    certificate_file.write_bytes(authority.cert_pem.bytes())
    # Create the key file with mode 0600 from the start; a later chmod would leave a moment in which others can read it.
    descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(authority.private_key_pem.bytes())
    return authority
