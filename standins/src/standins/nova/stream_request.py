"""What is decided about a request before its stream opens: which model, whose credentials."""

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
"""The service appends it to the class in `x-amzn-errortype`; clients have to cut it off."""


@dataclass(frozen=True, slots=True)
class StreamOpening:
    """A request that may open a stream."""

    model_id: str
    access_key_id: str
    chain: sigv4.ChunkChain | None
    """Checks the events' signatures; None where any credentials do."""


def request_of(headers: Sequence[tuple[str, str]]) -> sigv4.SignedRequest:
    """Give a request from its HTTP/2 headers. The path may end in a bare `?`, as the SDK for Python sends it."""
    fields: dict[str, str] = {}
    for name, value in headers:
        fields[name] = f"{fields[name]},{value}" if name in fields else value
    path, _, query = fields.get(":path", "/").partition("?")
    fields.setdefault("host", fields.get(":authority", ""))
    return sigv4.SignedRequest(fields.get(":method", ""), path, query, fields)


def model_of(request: sigv4.SignedRequest, server_state: ServerState) -> str:
    """Give the model that a request's path names.

    Raises:
        StreamRefused: another operation, or a model that this region does not offer.
    """
    found = _PATH.fullmatch(request.path)
    if found is None or request.method != "POST":
        raise StreamRefused("UnknownOperationException", "The stand-in knows only InvokeModelWithBidirectionalStream.")
    return chosen(unquote(found["model"]), server_state.models, server_state.retired)


def admit(request: sigv4.SignedRequest, server_state: ServerState) -> StreamOpening:
    """Check whom a request comes from and what it wants.

    Raises:
        StreamRefused: the signature is wrong, the model unknown, or the account has as many streams open as it may have.
    """
    model_id, secrets = model_of(request, server_state), server_state.secrets
    if secrets is None:
        _within_quota(server_state)
        signed = "authorization" in request.headers
        return StreamOpening(model_id, sigv4.authorization_of(request).access_key_id if signed else "", None)
    chain = sigv4.verify(request, secrets, datetime.now(UTC))
    _within_quota(server_state)
    return StreamOpening(model_id, sigv4.authorization_of(request).access_key_id, chain)


def _within_quota(server_state: ServerState) -> None:
    quota = server_state.limits.concurrent
    if quota is not None and server_state.ledger.streams_open >= quota:
        raise StreamRefused("ThrottlingException", TOO_MANY, f"{quota} streams are open")


def headers_of(request_id: str, content_type: str) -> list[tuple[str, str]]:
    """Give the headers of every answer."""
    return [("date", formatdate(usegmt=True)), ("content-type", content_type), ("x-amzn-requestid", request_id)]


def refusal(refused: StreamRefused, request_id: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Give status, headers and body of a refusal."""
    headers = headers_of(request_id, "application/json")
    headers.append(("x-amzn-errortype", refused.kind + _ERROR_SUFFIX))
    return refused.status, headers, json.dumps({"message": refused.message}).encode()
