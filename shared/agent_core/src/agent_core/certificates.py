"""Check the certificate files that the environment names."""

import os
import ssl
from collections.abc import Mapping
from typing import Final

from agent_core.errors import ConfigurationError

_VARIABLES: Final = ("SSL_CERT_FILE", "AWS_CA_BUNDLE")


def check_certificates(environ: Mapping[str, str] = os.environ) -> None:
    """Read the files once at start: otherwise every connection would fail, each with another library's message.

    Raises:
        ConfigurationError: a file is missing, or contains no certificates.
    """
    for name in _VARIABLES:
        path = environ.get(name)
        if not path:
            continue
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except ssl.SSLError:
            raise ConfigurationError(f"{name}: {path} holds no certificates; name a file in PEM form") from None
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise ConfigurationError(
                f"{name}: {path} cannot be read ({why}); start the program that writes it, or unset the variable"
            ) from None
