"""Explain why a dependency failed and what an operator can do about it, in one sentence each. No I/O.

The cause is derived from the chain of exceptions, whatever library raised them, and from the names and texts of the
services themselves. The result contains nothing of a request: no key, no number, no word of a conversation.
"""

import errno
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from agent_core.cause_texts import CAUSES
from agent_core.errors import ModelError, UpstreamError

_DEEPEST: Final = 16
"""Most exceptions of one chain that are examined."""
CLOCK: Final = "this machine's clock is "
"""First words of a reason that blames the clock."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something failed.

    Args:
        name: A constant, for filters and alarms.
        why: What happened, as a clause.
        remedy: What to do about it, as an imperative.
    """

    name: str
    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.why}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class _Service:
    """How a service is named in a sentence, and which settings belong to it."""

    label: str
    address: str
    keys: str
    special: Mapping[int, str] = field(default_factory=dict)
    """Causes that statuses have with this service only."""


_SERVICES: Final = {
    "nova_sonic": _Service(
        "Amazon Nova Sonic", "NOVA_SONIC_REGION and AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "the AWS credentials"
    ),
    "twilio": _Service(
        "Twilio",
        "TWILIO_API_BASE_URL and TWILIO_REGION",
        "TWILIO_ACCOUNT_SID, and TWILIO_API_SID with TWILIO_API_SECRET or TWILIO_AUTH_TOKEN",
    ),
    "daily": _Service("Daily", "DAILY_API_URL", "DAILY_API_KEY"),
    "aws": _Service("AWS", "AWS_REGION and AWS_ENDPOINT_URL", "the AWS credentials"),
    "mcp": _Service("the MCP server", "mcp in agent.yaml", "headers and secrets in agent.yaml"),
    "http_tool": _Service("the HTTP service", "http in agent.yaml", "headers and secrets in agent.yaml"),
    "knowledge": _Service("the knowledge base", "AWS_REGION and knowledge in agent.yaml", "the AWS credentials"),
    "tool": _Service("the service", "the address in agent.yaml", "headers and secrets in agent.yaml"),
}


def add_service(name: str, label: str, *, address: str, keys: str, special: Mapping[int, str] | None = None) -> None:
    """Let errors of a service that an agent's tools use be explained like those of the product's own.

    Args:
        name: As in `agent_core.errors.UpstreamError`.
        label: What people call it.
        address: The variables that hold its address.
        keys: The variables that hold its credentials.
        special: Names of causes by status, where this service uses a status in a way of its own.
    """
    _SERVICES[name] = _Service(label, address, keys, special or {})


_KINDS: Final = {
    "NoCredentials": "no_credentials",
    "NoCredentialsError": "no_credentials",
    "PartialCredentialsError": "half_credentials",
    "CredentialsTimeout": "credentials_unavailable",
    "CredentialsError": "credentials_unavailable",
    "CredentialRetrievalError": "credentials_unavailable",
    "MetadataRetrievalError": "credentials_unavailable",
    "ProfileNotFound": "unknown_profile",
    "UnauthorizedSSOTokenError": "signed_out",
    "SSOTokenLoadError": "signed_out",
    "TokenRetrievalError": "signed_out",
    "ExpiredTokenException": "expired_credentials",
    "ExpiredToken": "expired_credentials",
    "RequestExpired": "clock_skew",
    "UnrecognizedClientException": "invalid_credentials",
    "InvalidClientTokenId": "invalid_credentials",
    "MissingAuthenticationTokenException": "no_credentials",
    "InvalidSignatureException": "wrong_secret",
    "SignatureDoesNotMatch": "wrong_secret",
    "AccessDeniedException": "access_denied",
    "AccessDenied": "access_denied",
    "ResourceNotFoundException": "no_such_model",
    "ThrottlingException": "throttled",
    "ServiceQuotaExceededException": "quota",
    "ValidationException": "model_refused_input",
    "ModelTimeoutException": "model_trouble",
    "ModelStreamErrorException": "model_trouble",
    "ModelErrorException": "model_trouble",
    "ModelNotReadyException": "model_trouble",
    "InternalServerException": "model_trouble",
    "ServiceUnavailableException": "model_trouble",
}
"""Causes by error name: AWS's own, botocore's and ours."""
_TEXTS: Final = (
    (r"clock is |signature (has )?expired|not yet current", "clock_skew"),
    (
        r"don'?t have access to the model|access to (this|the) model is denied|not authorized .*subscri",
        "no_model_access",
    ),
    (r"operation not allowed", "no_model_access"),
    (r"end of its life", "model_retired"),
    (
        r"model identifier is invalid|isn.t supported in this region|could not resolve the foundation model",
        "no_such_model",
    ),
    (r"token .*(is|has) expired", "expired_credentials"),
    (r"content filter", "content_filter"),
)
"""Where one name has several meanings, AWS's text decides; these pieces match in any case."""
_TLS_CODES: Final = {62: "tls_name", 64: "tls_name", 10: "tls_expired", 9: "tls_expired"}
"""OpenSSL's verification results; all others concern the issuer."""
_CRT: Final = (
    ("DNS", "dns"),
    ("CONNECTION_REFUSED", "refused"),
    ("NO_ROUTE", "unreachable"),
    ("NETWORK_DOWN", "unreachable"),
    ("TIMEOUT", "timeout"),
    ("TLS_ERROR_NEGOTIATION", "tls"),
    ("TLS", "tls"),
    ("SOCKET_CLOSED", "reset"),
    ("CONNECTION_CLOSED", "reset"),
    ("GOAWAY", "reset"),
)
"""Parts of the names of the AWS CRT's errors."""
_NAMES: Final = {
    "ProxyConnectionError": "proxy",
    "ProxyError": "proxy",
    "NoResponse": "timeout",
    "OpenTimeout": "timeout",
    "NoStart": "timeout",
    "SendTimeout": "timeout",
    "ConnectTimeout": "timeout",
    "ReadTimeout": "timeout",
    "PoolTimeout": "timeout",
    "ConnectTimeoutError": "timeout",
    "ReadTimeoutError": "timeout",
    "NameResolutionError": "dns",
    "AlpnRefused": "tls",
    "BrokenProtocol": "unreadable",
    "UnexpectedResponse": "unreadable",
    "ConnectionLost": "reset",
    "GoAway": "reset",
    "StreamEnded": "reset",
    "StreamReset": "reset",
    "RemoteProtocolError": "reset",
    "ReadError": "reset",
    "ConnectionClosedError": "reset",
}
_STATUS: Final = {401: "wrong_credentials", 403: "forbidden", 404: "not_found", 429: "rate_limited"}
_REASONS: Final = {
    "timeout": "timeout",
    "our_own_limit": "own_limit",
    "not_json": "unreadable",
    "compressed": "unreadable",
    "too_large": "unreadable",
    "unexpected_answer": "unreadable",
    "malformed_answer": "unreadable",
}
_STATUS_WORD: Final = re.compile(r"\b(?:http|status)[_ ](?P<status>[1-5]\d\d)\b")


def classify(error: BaseException, service: str = "", *, host: str = "") -> Cause:
    """Return the cause of a failure.

    Args:
        error: The exception, with its causes.
        service: Name of the service as in ``UpstreamError``; by default the error's own.
        host: Where the request went; by default the error's own, or the service's name.
    """
    chain = list(_chain(error))
    ours = next((one for one in chain if isinstance(one, UpstreamError)), None)
    known = _SERVICES.get(service or (ours.service if ours else ""), _SERVICES["aws"])
    name = _name(chain, known)
    where = host or (ours.host if ours else "") or known.label
    why, remedy = CAUSES[name]
    words = {"host": where, "label": known.label, "address": known.address, "keys": known.keys}
    words |= {"error": type(chain[-1]).__name__, "clock": _clock(chain)}
    return Cause(name, why.format(**words), remedy.format(**words))


def fields(error: BaseException, service: str = "") -> dict[str, str]:
    """Return the cause as fields of a log line."""
    cause = classify(error, service)
    return {"cause": cause.name, "why": cause.why, "remedy": cause.remedy}


def every() -> list[Cause]:
    """Return all causes, with unfilled placeholders."""
    return [Cause(name, why, remedy) for name, (why, remedy) in CAUSES.items()]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Iterate over an error and its causes or contexts, the newest first; of a group only the first."""
    one: BaseException | None = error
    seen: set[int] = set()
    while one is not None and id(one) not in seen and len(seen) < _DEEPEST:
        seen.add(id(one))
        yield one
        one = one.exceptions[0] if isinstance(one, BaseExceptionGroup) else one.__cause__ or one.__context__


def _name(chain: list[BaseException], service: _Service) -> str:
    # What the service said comes first, then the innermost exception: it knows more than those that wrap it.
    known = [found for one in chain if (found := _known(one, service))]
    if known:  # why the credential chain failed says more than that it failed
        return next((one for one in known if one != "credentials_unavailable"), known[0])
    for one in reversed(chain):
        if found := _network(one):
            return found
    return next((found for one in chain if (found := _NAMES.get(_kind(one)))), "unknown")


def _known(error: BaseException, service: _Service) -> str | None:
    """Return the cause that a service's response, or the credential chain, states."""
    kind, text = _kind(error), str(error).lower()
    # A name with several meanings is decided by its text.
    if kind in _KINDS:
        return next((cause for piece, cause in _TEXTS if re.search(piece, text)), _KINDS[kind])
    if isinstance(error, ModelError) or not isinstance(error, UpstreamError):
        return None
    # `UpstreamError` puts the service's name in front of its reason.
    reason = error.reason.rpartition(": ")[2] if error.reason.count(": ") == 1 else error.reason
    if found := _STATUS_WORD.search(error.reason):
        return _of_status(int(found["status"]), service)
    return _REASONS.get(reason) if not (error.__cause__ or error.__context__) or reason != "timeout" else None


def _of_status(status: int, service: _Service) -> str:
    if found := service.special.get(status):
        return found
    return _STATUS.get(status) or ("server_error" if status >= 500 else "rejected")  # noqa: PLR2004 - HTTP's


def _kind(error: BaseException) -> str:
    """Return the error's name as its source uses it: AWS's code, the model's kind, or its class."""
    if isinstance(error, ModelError):
        return error.kind
    response = getattr(error, "response", None)  # botocore
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Code", ""))
    return type(error).__name__


def _network(error: BaseException) -> str | None:
    """Return what the operating system, OpenSSL, botocore or the CRT says about a connection."""
    return _of_system(error) or _of_library(error)


def _of_system(error: BaseException) -> str | None:  # noqa: PLR0911 - one return per kind
    match error:
        case ssl.SSLCertVerificationError():
            return _TLS_CODES.get(error.verify_code, "tls_untrusted")
        case ssl.SSLError():
            return "tls"
        case socket.gaierror():
            return "dns"
        case ConnectionRefusedError():
            return "refused"
        case ConnectionError():
            return "reset"
        case TimeoutError():
            return "timeout"
        case OSError(errno=errno.ENETUNREACH | errno.EHOSTUNREACH):
            return "unreachable"
    return None


def _of_library(error: BaseException) -> str | None:
    name = str(getattr(error, "name", ""))
    if name.startswith("AWS_"):
        return next((cause for piece, cause in _CRT if piece in name), None)
    text = str(error).lower()
    if type(error).__name__ == "SSLError":  # botocore keeps only the text of OpenSSL's error
        return "tls_name" if "mismatch" in text else "tls_expired" if "expired" in text else "tls_untrusted"
    if "http/2 could not be negotiated" in text:
        return "tls"
    return None


def _clock(chain: list[BaseException]) -> str:
    """Return the words about the clock, if a reason contains them; AWS's own are raw timestamps."""
    for one in chain:
        _, found, rest = str(getattr(one, "reason", "")).partition(CLOCK)
        if found:
            return f"{CLOCK}{rest}"
    return f"{CLOCK}wrong"
