"""Checks a request before its stream opens: which model, whose credentials, which quota."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from urllib.parse import unquote

from standins.nova import sigv4
from standins.nova.errors import TOO_MANY, StreamRefused
from standins.nova.models import chosen
from standins.nova.server_state import ServerState

_PATH = re.compile(r"/model/(?P<model>[^/]+)/invoke-with-bidirectional-stream")
_ERROR_SUFFIX = ":http://internal.amazon.com/coral/com.amazon.bedrock/"
"""Suffix that the service appends to the class in `x-amzn-errortype`; clients must cut it off."""


@dataclass(frozen=True, slots=True)
class StreamOpening:
    """A request that may open a stream."""

    model_id: str
    access_key_id: str
    chain: sigv4.ChunkChain | None
    """Verifies the signatures of events; None if any credentials are accepted."""


def request_of(headers: Sequence[tuple[str, str]]) -> sigv4.SignedRequest:
    """Return the request in HTTP/2 headers. Its path may end in a bare `?`, as the SDK for Python sends it."""
    fields: dict[str, str] = {}
    for name, value in headers:
        # Repeated headers are joined with commas, as the signature requires.
        fields[name] = f"{fields[name]},{value}" if name in fields else value
    path, _, query = fields.get(":path", "/").partition("?")
    # HTTP/2 has :authority instead of Host.
    fields.setdefault("host", fields.get(":authority", ""))
    return sigv4.SignedRequest(fields.get(":method", ""), path, query, fields)


def model_of(request: sigv4.SignedRequest, server_state: ServerState) -> str:
    """Return the model that a request's path names.

    Raises:
        StreamRefused: The request is for another operation, or the region does not offer the model.
    """
    found = _PATH.fullmatch(request.path)
    if found is None or request.method != "POST":
        raise StreamRefused("UnknownOperationException", "The stand-in knows only InvokeModelWithBidirectionalStream.")
    return chosen(unquote(found["model"]), server_state.models, server_state.retired)


def admit(request: sigv4.SignedRequest, server_state: ServerState) -> StreamOpening:
    """Check the signature and the quota of a request, and return what to open.

    Raises:
        StreamRefused: The signature is not valid, the model is unknown, or the account's quota of streams is used up.
    """
    model_id, secrets = model_of(request, server_state), server_state.secrets
    # Without secrets, any signature is accepted.
    if secrets is None:
        _within_quota(server_state)
        signed = "authorization" in request.headers
        return StreamOpening(model_id, sigv4.authorization_of(request).access_key_id if signed else "", None)
    chain = sigv4.verify(request, secrets, datetime.now(UTC))
    # The quota after the signature: strangers learn nothing about it.
    _within_quota(server_state)
    return StreamOpening(model_id, sigv4.authorization_of(request).access_key_id, chain)


def _within_quota(server_state: ServerState) -> None:
    quota = server_state.limits.concurrent
    if quota is not None and server_state.ledger.streams_open >= quota:
        raise StreamRefused("ThrottlingException", TOO_MANY, f"{quota} streams are open")


def headers_of(request_id: str, content_type: str) -> list[tuple[str, str]]:
    """Return the headers that every response has."""
    return [("date", formatdate(usegmt=True)), ("content-type", content_type), ("x-amzn-requestid", request_id)]


def refusal(refused: StreamRefused, request_id: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return status, headers and body of an error response."""
    headers = headers_of(request_id, "application/json")
    headers.append(("x-amzn-errortype", refused.kind + _ERROR_SUFFIX))
    return refused.status, headers, json.dumps({"message": refused.message}).encode()
