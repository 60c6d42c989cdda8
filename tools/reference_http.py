"""Write docs/reference/http-api.md from the OpenAPI descriptions of both services.

The services serve no OpenAPI document: in production only known clients have business here. The description exists in
memory all the same, so the page is derived from it. It lacks what a route reads and answers by hand, and sockets; the
tables below add that, and a route without its row fails the page.
"""

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final, cast

from fastapi import FastAPI
from starlette.routing import BaseRoute, Route, WebSocketRoute

from tools.reference import PAGES, WEB, fields

PAGE: Final = PAGES / "http-api.md"

_HEAD: Final = """# HTTP API

Every route of both services. The page is generated from the services' own OpenAPI descriptions, which they do not
serve: `/docs` and `/openapi.json` do not exist. `python -m tools.reference` writes it.

The load balancer sends `/incoming-call*` and `/media-stream*` to the phone service and every other path to the web
service. Each response has an `X-Request-Id`: the load balancer's `X-Amzn-Trace-Id` if there is one.
"""

_ERRORS: Final = """
## Errors

An error body is one sentence in JSON: `{"error": …}`; the web service adds the same sentence as `info` and `detail`,
where Pipecat's clients look for it, and sends a browser that accepts HTML a page instead. [Errors](errors.md) has the
tree behind these codes.

| status | meaning |
|---|---|
| 400 | The request cannot be read. The sentence says what is wrong. |
| 403 | The signature or token is missing or invalid, or a page of another site made the request. |
| 404 | There is no such route, file or session. |
| 409 | The session is in use by another client. |
| 410 | The session has ended. |
| 413 | The body is larger than the limit of the route. |
| 421 | The `Host` header names another site. |
| 422 | The agent or the number that the request names is none of this service; the sentence says which agents exist. |
| 428 | The operator requires consent and the request has none; `"consent": true`. |
| 429 | Try again after `Retry-After`. No slot, no model stream or a late event loop: `"busy": true`, and `"queue"` \
for a client that waits. Daily budget spent: `"closed": true`. Otherwise this address has made too many requests. |
| 500 | A defect of this product. |
| 503 | The task is draining, with `"busy": true`, or a service that it depends on failed. |
"""


@dataclass(frozen=True)
class Detail:
    """What OpenAPI cannot know of a route: who calls it, with which body, and what a success returns."""

    client: str
    answer: str
    body: str = "none"
    what: str = ""
    """In place of the first line of its function's docstring."""


_METHODS: Final = ("GET", "HEAD", "POST", "PATCH", "WebSocket")
_TWILIO = "Twilio, signed"
_FORM = "Twilio's form fields, 64 KB at most"
_XML = "200, TwiML"
_CALLER = "browser or app"
_FILE = Detail("browser", "200, the file; 304 if unchanged", what="Return a file of the page.")
_OF_AGENT = Detail(
    "browser",
    "200, the file; 404 names the agents that exist",
    what="Return a file of the page of an agent, which the query `agent` names; without it, of the default one.",
)
_PROBE = "load balancer, monitoring"

DETAILS: Final[dict[str, Detail]] = {
    "/health": Detail(_PROBE, '200, `{"status": "healthy"}`, also while draining'),
    "/ready": Detail(
        "monitoring in the same network; 404 through a load balancer",
        '200 `ready`; 429 `full`, `overloaded`, `over_budget`; 503 `draining`, as `{"status", "sessions", '
        '"max_sessions", "dependencies"}`',
    ),
    "/incoming-call": Detail(_TWILIO, f"{_XML}; 204 for a status callback", _FORM),
    "/incoming-call/": Detail(_TWILIO, "as without the slash", _FORM),
    "/incoming-call/lost": Detail(_TWILIO, _XML, _FORM),
    "/incoming-call/after": Detail(_TWILIO, _XML, _FORM),
    "/incoming-call/stream-status": Detail(_TWILIO, "204", _FORM),
    "/incoming-call/dial-ended": Detail(_TWILIO, _XML, _FORM),
    "/incoming-call/whisper": Detail(_TWILIO, _XML, _FORM),
    "/incoming-call/called": Detail(_TWILIO, _XML, f"{_FORM}; `Digits` is the key"),
    "/incoming-call/accepted": Detail(_TWILIO, _XML, f"{_FORM}; `Digits` is the key"),
    "/media-stream": Detail(_TWILIO, "WebSocket; see [Twilio protocol](media-streams.md)"),
    "/media-stream/{call_sid}": Detail(_TWILIO, "WebSocket; see [Twilio protocol](media-streams.md)"),
    "/status": Detail(_CALLER, '200, `{"status": "ready", "transports"}`'),
    "/status/{session_id}": Detail(_CALLER, '200, `{"bot_id", "status"}`; `running` or `finished`'),
    "/start": Detail(
        _CALLER,
        '200, peer to peer `{"sessionId", "iceConfig"}`, with Daily `{"dailyRoom", "dailyToken"}`; also `resume`. '
        "Header `X-Session-Id`",
        "[StartRequest](#startrequest)",
    ),
    "/connect": Detail(
        _CALLER,
        '200, peer to peer `{"webrtcUrl"}`, with Daily `{"room_url", "token"}`. Header `X-Session-Id`',
        "[StartRequest](#startrequest)",
    ),
    "/notice": Detail(
        _CALLER, "200, the [notice](web-clients.md#notice-to-visitors) of the agent of the query `agent`"
    ),
    "/call-me": Detail(
        "the page; no other client",
        '202, `{"status": "calling"}`; 400 without `CALL_ME_PREFIXES`; 422 a number that may not be called; '
        "429 a [limit](../howto/call-visitors.md#limits); 503 Twilio did not place the call",
        "[CallMeRequest](#callmerequest)",
    ),
    "/leave-queue": Detail(_CALLER, "204", "[QueueRequest](#queuerequest)"),
    "/sessions/{session_id}/rating": Detail(
        _CALLER,
        "204; 404 if no conversation has this ID, or none is asked for; 409 if it is rated",
        "[RatingRequest](#ratingrequest)",
    ),
    "/room": Detail("browser", "303 to Daily's own page, for the agent of the query `agent`; 400 without Daily"),
    "/sessions/{session_id}/api/offer": Detail(
        _CALLER,
        '200, POST the SDP answer `{"sdp", "type", "pc_id"}`, PATCH `{"status": "success"}`',
        "POST [OfferRequest](#offerrequest), PATCH [CandidatesRequest](#candidatesrequest)",
    ),
    "/api/offer": Detail(
        _CALLER,
        '200, POST the SDP answer and `sessionId`, PATCH `{"status": "success"}`',
        "POST [OfferRequest](#offerrequest), PATCH [CandidatesRequest](#candidatesrequest)",
    ),
    "/open-request/{name}": Detail(
        "the task itself, through the load balancer",
        "200, a byte every 10 s while it has visitors; 404 at other tasks",
        what="Stay open, so that ECS waits for the visitors.",
    ),
    "/": Detail("browser", "200, the page; 503 if it was not built", what="Return the default agent's page."),
    "/a/{agent}": Detail(
        "browser",
        "200, the page; 404 names the agents that exist; 503 if it was not built",
        what="Return an agent's page.",
    ),
    "/console": Detail(
        "developer",
        "200, the page, for the agent of the query `agent`; 404 without `SERVE_CONSOLE`",
        what="Return the developers' page.",
    ),
    "/assets/{name}": _FILE,
    "/offline": Detail(
        "service worker", "200, the page that it shows without a connection", what="Return the offline page."
    ),
    "/worker.js": Detail(
        "browser", "200, the service worker; 404 if the page was not built", what="Return the service worker."
    ),
    "/favicon.svg": _OF_AGENT,
    "/maskable.svg": _OF_AGENT,
    "/manifest.webmanifest": _OF_AGENT,
    "/plain.css": _FILE,
    "/recover.js": _FILE,
}
"""By the path of a route, for all of its methods."""

_BODIES: Final = {
    "StartRequest": "16 KB at most; may be empty or `null`.",
    "QueueRequest": "",
    "CallMeRequest": "16 KB at most, sent as `application/json` from the page's own origin.",
    "ResumeRequest": "",
    "RatingRequest": "16 KB at most.",
    "OfferRequest": "80 KB at most.",
    "CandidatesRequest": "80 KB at most.",
    "Candidate": "",
}
"""The bodies that the web service reads, with what their class cannot say."""


def phone_app() -> FastAPI:
    """Return the phone service's application on parts that can only be looked at."""
    from phone_agent import app  # noqa: PLC0415 - a second of imports that the other pages do not need

    settings = SimpleNamespace(base_url="https://agent.example.com")
    return app.create_app(cast("Any", SimpleNamespace(agent=SimpleNamespace(settings=settings))))


def web_app() -> FastAPI:
    """Return the web service's application on parts that can only be looked at, with its optional routes."""
    from webrtc_agent import app, open_request  # noqa: PLC0415 - as above

    settings = SimpleNamespace(
        base_url="https://agent.example.com",
        rate_limit_requests_per_minute_per_address=1,
        allowed_origins=[],
        serve_console=True,
        operator_phone=None,
    )
    agent = SimpleNamespace(settings=settings)
    made = app.create_app(cast("Any", SimpleNamespace(agent=agent, agents=None, settings=settings, rooms=None)))
    open_request.OpenRequest(cast("Any", None), cast("Any", None), lambda: None).install(made)
    return made


def http_page() -> str:
    """Return the text of the page.

    Raises:
        LookupError: A route has no row in ``DETAILS``, or a row has no route.
    """
    apps = {"Phone service": phone_app(), "Web service": web_app()}
    paths = {path for app in apps.values() for path, _ in _routes(app)}
    if stray := paths ^ DETAILS.keys():
        message = f"routes and DETAILS differ: {', '.join(sorted(stray))}"
        raise LookupError(message)
    lines = [_HEAD]
    for title, app in apps.items():
        described = _described(app)
        lines += [f"## {title}", "", "| route | what it does | client | body | success |", "|---|---|---|---|---|"]
        for path, methods in _routes(app):
            row = DETAILS[path]
            what = row.what or _summary(described.get(path, {})) or _endpoint_summary(app, path)
            lines.append(f"| `{methods} {path}` | {what} | {row.client} | {row.body} | {row.answer} |")
        lines.append("")
    return "\n".join([*lines, *_bodies(), _ERRORS.lstrip("\n")])


def _described(app: FastAPI) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GET and HEAD of one function get the same operation id
        paths: dict[str, Any] = app.openapi()["paths"]
    return paths


def _routes(app: FastAPI) -> list[tuple[str, str]]:
    """List the paths of an application in their order, with the methods of each."""
    found: dict[str, set[str]] = {}
    for route in _flat(app.routes):
        methods = {"WebSocket"} if isinstance(route, WebSocketRoute) else route.methods or set()
        found.setdefault(route.path, set()).update(methods)
    return [(path, ", ".join(sorted(methods, key=_METHODS.index))) for path, methods in found.items()]


def _flat(routes: Iterable[BaseRoute]) -> Iterator[Route | WebSocketRoute]:
    for route in routes:
        if isinstance(route, Route | WebSocketRoute):
            yield route
        else:  # a router that was included
            yield from _flat(cast("Any", route).original_router.routes)


def _summary(methods: dict[str, Any]) -> str:
    """Join the descriptions of a path's methods, each once, by its first line."""
    first = [str(one.get("description", "")).partition("\n")[0] for one in methods.values()]
    return " ".join(dict.fromkeys(text for text in first if text))


def _endpoint_summary(app: FastAPI, path: str) -> str:
    """Read the docstring of a route that OpenAPI does not describe, such as a socket."""
    endpoint = next(route.endpoint for route in _flat(app.routes) if route.path == path)
    return (endpoint.__doc__ or "").strip().partition("\n")[0]


def _bodies() -> list[str]:
    lines = ["## Bodies", "", "JSON objects; unknown fields are ignored.", ""]
    for name, note in _BODIES.items():
        lines += [f"### {name}", ""]
        if note:
            lines += [note, ""]
        lines += ["| field | default | meaning |", "|---|---|---|"]
        for field in fields(WEB / "request_schemas.py", name):
            lines.append(
                f"| `{_spelling(field.name)}` | {_default(field.default)} | {_text(name, field.name, field.text)} |"
            )
        lines.append("")
    return lines


_SPELLINGS: Final = {"create_daily_room": "createDailyRoom", "text_only": "textOnly", "request_data": "requestData"}
"""The names that clients send; the names in the code are accepted too."""
_TEXTS: Final = {
    ("StartRequest", "transport"): "`webrtc` or `daily`; must be one that `/status` lists.",
    ("StartRequest", "create_daily_room"): "As `transport` = `daily`.",
    ("StartRequest", "text_only"): "The agent replies [in text only](web-clients.md#text-only).",
    ("StartRequest", "consent"): "Version of `/notice` to which the visitor agreed.",
    ("StartRequest", "queue"): "A [QueueRequest](#queuerequest): the client can wait for a slot.",
    ("StartRequest", "resume"): "A [ResumeRequest](#resumerequest): the client can resume the conversation.",
    ("StartRequest", "locale"): "Such as `en-US`; its region decides the [units](web-clients.md#units).",
    ("StartRequest", "sdp"): "Must be absent: an offer belongs to the address that the start returns.",
    ("ResumeRequest", "token"): "The token of the conversation to resume; none for a new one.",
    ("ResumeRequest", "attempt"): "A name for this attempt; repeat it if the response was lost.",
    ("StartRequest", "body"): "What the app knows about its user, 2048 bytes at most; [data for the model]"
    "(web-clients.md#what-the-app-knows-about-its-user).",
    ("QueueRequest", "ticket"): "The newest ticket that a response contained; none to join the queue.",
    ("CallMeRequest", "number"): "As typed, 40 characters at most, with its country code.",
    ("CallMeRequest", "consent"): "As in a start.",
    ("OfferRequest", "sdp"): "The SDP offer, 64 KB at most.",
    ("OfferRequest", "type"): "`offer`.",
    ("OfferRequest", "pc_id"): "The connection to renegotiate; none for a new one.",
    ("OfferRequest", "restart_pc"): "Replace the connection.",
    ("OfferRequest", "request_data"): "As `body` of a start; it takes precedence.",
    ("CandidatesRequest", "pc_id"): "The connection.",
    ("CandidatesRequest", "candidates"): "A list of [Candidate](#candidate).",
    ("Candidate", "candidate"): "One ICE candidate; empty when there are no more.",
    ("Candidate", "sdp_mid"): "As in `RTCIceCandidate`.",
    ("Candidate", "sdp_mline_index"): "As in `RTCIceCandidate`.",
}
"""What a field means where its class leaves that to its name."""


def _spelling(name: str) -> str:
    return _SPELLINGS.get(name, name)


def _text(owner: str, name: str, text: str) -> str:
    return _TEXTS.get((owner, name), text)


def _default(source: str | None) -> str:
    if source is None:
        return "**required**"
    return "none" if source in {"None", "''"} else f"`{source.strip(chr(39))}`"
