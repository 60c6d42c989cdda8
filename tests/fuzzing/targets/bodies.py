"""Requests that clients post to the web service: /start, /connect, /api/offer and the addresses that follow."""

import json
from collections.abc import Callable
from itertools import count
from typing import Any, cast

from aiortc.sdp import SessionDescription, candidate_from_sdp

from agent_core.agent_runtime import AgentRuntime
from agent_core.errors import ModelRejected
from agent_core.nova.stream import ModelStream
from tests.fuzzing.mutation import Mutator
from tests.fuzzing.target import Target
from tests.fuzzing.targets.offers import SEEDS
from tests.fuzzing.waiting import finished
from tests.support.agents import one_agent
from webrtc_agent.app import create_app
from webrtc_agent.errors import MalformedOffer
from webrtc_agent.limits import StartLimit
from webrtc_agent.offer import check_offer
from webrtc_agent.request_schemas import Candidate, OfferRequest
from webrtc_agent.session_registry import SessionRegistry, WebSession
from webrtc_agent.settings import WebSettings
from webrtc_agent.web_service import WebService

_SEPARATOR = b"\n\n"
_EXPECTED = {200, 400, 403, 404, 405, 409, 410, 413, 429, 503}
_PATHS = (b"POST /start", b"POST /connect", b"POST /api/offer", b"PATCH /api/offer", b"POST /sessions/0/api/offer")
_CANDIDATE = {"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdp_mid": "0", "sdp_mline_index": 0}


class _NoModel:
    """Opens nothing: these requests end before a conversation starts."""

    async def open(self, model_id: str) -> ModelStream:
        """Refuse."""
        raise ModelRejected("NoModel", model_id)


class _Desk(WebService):
    """Checks offers as the lobby does and makes no connection; another target makes them."""

    async def answer(self, web_session: WebSession, offer: OfferRequest) -> dict[str, str]:
        """Read the offer."""
        del web_session
        check_offer(offer.sdp)
        try:
            SessionDescription.parse(offer.sdp)
        except Exception as error:  # noqa: BLE001 - as the lobby's connection does
            raise MalformedOffer(type(error).__name__) from None
        return {"type": "answer"}

    async def answer_new(self, address: str, offer: OfferRequest) -> tuple[WebSession, dict[str, str]]:
        """Begin a visit, and read its offer."""
        web_session = await self.expect(address)
        return web_session, await self.answer(web_session, offer)

    async def add_candidates(self, web_session: WebSession, pc_id: str, candidates: list[Candidate]) -> None:
        """Read the addresses."""
        del web_session, pc_id
        for candidate in candidates:
            try:
                candidate_from_sdp(candidate.candidate)
            except (ValueError, IndexError, KeyError, AssertionError):
                raise MalformedOffer("candidate") from None

    def of_connection(self, pc_id: str) -> WebSession:
        """Find a visit for every connection."""
        del pc_id
        return WebSession()


def _ticking() -> Callable[[], float]:
    """Let a minute pass at every read of the clock, so that no limit and no earlier case decides."""
    minutes = count()
    return lambda: next(minutes) * 700.0


class Bodies(Target):
    """One case is method and path, the content type, and the body."""

    name = "bodies"
    folders = ("/webrtc_agent/", "/agent_core/web.py")

    def __init__(self) -> None:
        given = {"public_base_url": "https://talk.example.com", "rate_limit_requests_per_minute_per_address": 1_000_000}
        settings = WebSettings.model_validate(given)
        web_service = _Desk(settings, AgentRuntime(settings, _NoModel(), one_agent([]), lambda _: None))
        web_service.turns.starts, web_service.registry = StartLimit(1000, 1000, _ticking()), SessionRegistry(_ticking())
        self._app = create_app(web_service)
        candidates = json.dumps({"pc_id": "a", "candidates": [_CANDIDATE, {"candidate": ""}]}).encode()
        offers = [json.dumps({"sdp": sdp.decode(), "type": "offer", "pc_id": None}).encode() for sdp in SEEDS]
        self.seeds = [
            b"POST /start\n\napplication/json\n\n" + b'{"transport":"webrtc","createDailyRoom":false,"body":{"a":1}}',
            b"POST /connect\n\napplication/json\n\n",
            *[b"POST /api/offer\n\napplication/json\n\n" + offer for offer in offers],
            b"PATCH /api/offer\n\napplication/json\n\n" + candidates,
        ]

    def vary(self, case: bytes, mutator: Mutator) -> bytes:
        """Change the body most of the time, otherwise the path or the content type."""
        path, kind, body = _parts(case)
        match mutator.random.randrange(8):
            case 0:
                path = mutator.pick(_PATHS)
            case 1:
                kind = mutator.pick(
                    (b"", b"text/plain", b"application/json", b"multipart/form-data; boundary=x", b"\xff")
                )
            case 2:
                body = mutator.damage(body)
            case 3 if mutator.one_in(8):
                body = body * 40
            case _:
                body = mutator.json(body)
        return _SEPARATOR.join((path, kind, body))

    def run(self, case: bytes) -> None:
        """Post it: the answer is one that a client can read, and never reports a defect of the service."""
        path, kind, body = _parts(case)
        method, _, where = path.partition(b" ")
        sent: list[dict[str, Any]] = []
        finished(self._app(_scope(method.decode("latin-1"), where, kind), _receive(body), _sender(sent)))
        start, *rest = sent
        assert start["status"] in _EXPECTED, f"answered {start['status']}"
        answer = b"".join(message.get("body", b"") for message in rest)
        assert b"Traceback" not in answer
        assert isinstance(json.loads(answer), dict)


def _parts(case: bytes) -> tuple[bytes, bytes, bytes]:
    path, _, rest = case.partition(_SEPARATOR)
    kind, _, body = rest.partition(_SEPARATOR)
    return path, kind, body


def _scope(method: str, path: bytes, kind: bytes) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path.decode("latin-1"),
        "raw_path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"talk.example.com"), (b"content-type", kind)],
        "client": ("192.0.2.7", 1),
        "server": ("talk.example.com", 443),
    }


def _receive(body: bytes) -> Callable[[], Any]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _sender(sent: list[dict[str, Any]]) -> Callable[[Any], Any]:
    async def send(message: Any) -> None:  # noqa: ANN401 - ASGI's
        sent.append(cast("dict[str, Any]", message))

    return send
