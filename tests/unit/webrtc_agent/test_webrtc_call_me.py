"""Calls that visitors ask for: which numbers, how often, at which page's request, and what Twilio is asked."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from agent_core.adapters.call_store.key_value_store import StoreFault
from agent_core.adapters.call_store.process_store import ProcessStore
from agent_core.errors import ConfigurationError
from agent_core.events import CallDetailRecord, EndReason, SessionStats
from tests.unit.webrtc_agent.conftest import BASE_URL, Desk, MakeClient
from webrtc_agent import called_number
from webrtc_agent.call_limits import DAY_SECONDS, VISITOR_SECONDS, CallLimits
from webrtc_agent.call_me import CallMe
from webrtc_agent.errors import CallNotPlaced, NumberRefused, TooManyCalls
from webrtc_agent.outgoing_calls import OutgoingCalls
from webrtc_agent.settings import WebSettings

PREFIXES = ("+46", "+1", "+1876")
NUMBER = "+46701234567"
SID = "CA" + "0" * 32
KEY = b"k" * 32
ON = {
    "call_me_prefixes": "+46,+1",
    "call_me_from": "+15005550001",
    "call_me_account_sid": "AC" + "0" * 32,
    "call_me_api_sid": "SK" + "0" * 32,
    "call_me_api_secret": "secret",
}


@pytest.mark.parametrize("text", ["+46701234567", " +46 (0)70-123 45 67 ", "0046 70 123 45 67", "+46.70.123.45.67"])
def test_people_write_a_number_in_many_ways(text: str) -> None:
    """Separators, the prefix of national calls and the international 00 are understood."""
    assert called_number.read(text, PREFIXES) == NUMBER


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "form"),
        ("0701234567", "form"),
        ("+46112", "form"),
        ("+46116117", "form"),
        ("sip:me@example.com", "form"),
        ("+46701234567,+46701234568", "form"),
        ("+4670123456 7;ext=1", "form"),
        ("+४६७०१२३४५६७", "form"),
        ("+" + "4" * 60, "form"),
        ("+447700900123", "prefix"),
        ("+46900123456", "premium"),
        ("+19005550001", "premium"),
        ("+18095550001", "abroad"),
        ("+15005550006", "abroad"),
    ],
)
def test_other_numbers_are_refused(text: str, reason: str) -> None:
    """A text that is not a number, another country's number, and one known for toll fraud are never called."""
    with pytest.raises(NumberRefused) as refused:
        called_number.read(text, PREFIXES)
    assert refused.value.reason == f"number: {reason}"


def test_a_named_area_code_may_be_called() -> None:
    """An operator can allow one island."""
    assert called_number.read("+1 876 555 0001", PREFIXES) == "+18765550001"


@given(st.text(max_size=60))
def test_any_text_is_a_number_that_may_be_called_or_refused(text: str) -> None:
    """Nothing else than E.164 with a listed prefix ever reaches Twilio."""
    try:
        number = called_number.read(text, PREFIXES)
    except NumberRefused:
        return
    assert number.startswith(PREFIXES)
    assert number.isascii()
    assert number[1:].isdigit()
    assert 9 <= len(number[1:]) <= 15


class Clock:
    """A clock that a test moves."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


async def _refusal(work: Awaitable[None]) -> str | None:
    try:
        await work
    except TooManyCalls as refused:
        return refused.limit
    return None


async def test_a_visitor_is_called_once_a_minute() -> None:
    """The second call within a minute is refused, from the same address only."""
    clock = Clock()
    limits = CallLimits(ProcessStore(clock), KEY, per_number=9, per_day=9, clock=clock)
    assert await _refusal(limits.count("192.0.2.1", NUMBER)) is None
    assert await _refusal(limits.count("192.0.2.1", "+46700000000")) == "visitor"
    assert await _refusal(limits.count("192.0.2.2", NUMBER)) is None
    clock.now += VISITOR_SECONDS + 1
    assert await _refusal(limits.count("192.0.2.1", NUMBER)) is None


async def test_limits_hold_over_all_tasks() -> None:
    """Two tasks share the limit of a number and of the day, and both are free again after a day."""
    clock = Clock()
    shelf = ProcessStore(clock)
    tasks = itertools.cycle([CallLimits(shelf, KEY, per_number=2, per_day=3, clock=clock) for _ in range(2)])
    visitors = (f"192.0.2.{n}" for n in itertools.count(1))
    ask: Callable[[str], Awaitable[str | None]] = lambda number: _refusal(  # noqa: E731 - one call's shape
        next(tasks).count(next(visitors), number)
    )
    assert [await ask(NUMBER) for _ in range(3)] == [None, None, "number"]
    assert [await ask(f"+4670000000{n}") for n in range(2)] == [None, "day"]
    clock.now += DAY_SECONDS + 1
    assert await ask(NUMBER) is None


async def test_simultaneous_requests_never_exceed_the_limit() -> None:
    """Of forty requests at once, as many are called as the day allows."""
    limits = [CallLimits(ProcessStore(), KEY, per_number=40, per_day=7)] * 40
    outcomes = await asyncio.gather(*(_refusal(one.count(f"10.0.{n}.1", NUMBER)) for n, one in enumerate(limits)))
    assert outcomes.count(None) == 7


async def test_the_store_learns_no_number_and_no_address() -> None:
    """The marks' names are keyed hashes."""
    names: list[str] = []

    class Watched(ProcessStore):
        async def put_if_absent(self, key: str, expires_at: float) -> bool:
            names.append(key)
            return await super().put_if_absent(key, expires_at)

    await CallLimits(Watched(), KEY, per_number=2, per_day=2).count("192.0.2.1", NUMBER)
    await CallLimits(Watched(), b"other" * 6, per_number=2, per_day=2).count("192.0.2.1", NUMBER)
    assert len(set(names)) == 6
    assert not any(NUMBER[1:] in name or "192.0.2" in name for name in names)


async def test_what_cannot_be_counted_is_not_called() -> None:
    """A store that fails means no call, not an unlimited number of them."""

    class Broken(ProcessStore):
        async def put_if_absent(self, key: str, expires_at: float) -> bool:
            del key, expires_at
            raise StoreFault("ThrottlingException")

    asked = Twilio()
    call_me = CallMe(PREFIXES, "https://a.example", CallLimits(Broken(), KEY, per_number=1, per_day=1), asked.calls)
    with pytest.raises(StoreFault):
        await call_me.ask("192.0.2.1", NUMBER)
    assert asked.forms == []


class Twilio:
    """Twilio's API: answers as a test wants, and keeps what it was asked."""

    def __init__(self, status: int = 201, body: object = None) -> None:
        self.forms: list[dict[str, list[str]]] = []
        self._status = status
        self._body = {"sid": SID} if body is None else body
        transport = httpx.MockTransport(self._answer)
        client = httpx.AsyncClient(base_url="https://api.twilio.example", transport=transport)
        self.calls = OutgoingCalls(client, "AC1", "+15005550001", timedelta(seconds=100))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.forms.append(parse_qs(request.content.decode()))
        return httpx.Response(self._status, json=self._body)


async def test_twilio_is_asked_once_for_one_call() -> None:
    """Every parameter is one of Twilio's; the call has a limit of its own, in case the phone service is lost."""
    twilio = Twilio()
    assert await twilio.calls.place(NUMBER, "https://a.example/incoming-call/called") == SID
    assert twilio.forms == [
        {
            "To": [NUMBER],
            "From": ["+15005550001"],
            "Url": ["https://a.example/incoming-call/called"],
            "Method": ["POST"],
            "Timeout": ["25"],
            "TimeLimit": ["100"],
        }
    ]


@pytest.mark.parametrize("code", [21211, 21215, 13227])
async def test_a_number_that_twilio_does_not_call_is_the_visitors_to_correct(code: int) -> None:
    """The visitor hears about the number, not about a failure."""
    with pytest.raises(NumberRefused):
        await Twilio(400, {"code": code, "message": "x"}).calls.place(NUMBER, "https://a.example")


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, {}), (401, {"code": 20003}), (429, {"code": 20429}), (400, {"code": 21210}), (201, {}), (201, [1])],
)
async def test_any_other_answer_is_a_failure_and_is_not_repeated(status: int, body: object) -> None:
    """A repeated request could ring twice."""
    twilio = Twilio(status, body)
    with pytest.raises(CallNotPlaced) as failed:
        await twilio.calls.place(NUMBER, "https://a.example")
    assert (NUMBER in str(failed.value), len(twilio.forms)) == (False, 1)


async def test_the_log_has_the_prefix_and_not_the_number() -> None:
    """One line for each call that was placed."""
    limits = CallLimits(ProcessStore(), KEY, per_number=1, per_day=1)
    with capture_logs() as lines:
        await CallMe(PREFIXES, "https://a.example", limits, Twilio().calls).ask("192.0.2.1", NUMBER)
    assert lines == [{"event": "call_me_placed", "log_level": "info", "call_sid": SID, "prefix": "+46"}]


def test_calling_is_off_unless_prefixes_are_set() -> None:
    """Without prefixes nothing is made; with them, what is missing is named."""
    assert CallMe.of(WebSettings.model_validate({}), None) is None
    for missing in ON.keys() - {"call_me_prefixes"}:
        settings = WebSettings.model_validate({name: value for name, value in ON.items() if name != missing})
        with pytest.raises(ConfigurationError, match=missing.upper()):
            CallMe.of(settings, None)
    assert CallMe.of(WebSettings.model_validate(ON), None) is not None


@pytest.mark.parametrize("prefixes", ["46", "+", "+0", "all", "+46x"])
def test_a_prefix_is_the_start_of_a_number(prefixes: str) -> None:
    """A typing error must not allow everything, or nothing."""
    with pytest.raises(ValueError, match="first digits"):
        WebSettings.model_validate({**ON, "call_me_prefixes": prefixes})


def _desk(make_desk: MakeClient, twilio: Twilio, **settings: object) -> Desk:
    limits = CallLimits(ProcessStore(), KEY, per_number=3, per_day=3)
    call_me = CallMe(("+46",), f"{BASE_URL}/incoming-call/called", limits, twilio.calls)
    return make_desk(call_me=call_me, **ON, **settings)


async def _ask(desk: Desk, number: str = NUMBER, origin: str | None = BASE_URL, **more: object) -> httpx.Response:
    headers = {} if origin is None else {"origin": origin}
    return await desk.http.post("/call-me", json={"number": number, **more}, headers=headers)


async def test_the_page_asks_for_a_call(make_desk: MakeClient) -> None:
    """The page's request places one call; the next one within a minute says when to retry."""
    twilio = Twilio()
    desk = _desk(make_desk, twilio)
    first, second = await _ask(desk), await _ask(desk)
    assert (first.status_code, first.json()) == (202, {"status": "calling"})
    assert (second.status_code, second.headers["retry-after"]) == (429, "60")
    assert second.json()["info"].startswith("You have just asked for a call")
    assert len(twilio.forms) == 1


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null", f"{BASE_URL}.evil.example"])
async def test_only_our_own_page_may_ask(make_desk: MakeClient, origin: str | None) -> None:
    """Not even a site that may start sessions; and a form of another site cannot send JSON."""
    twilio = Twilio()
    desk = _desk(make_desk, twilio, allowed_origins="https://evil.example")
    assert (await _ask(desk, origin=origin)).status_code == 403
    plain = await desk.http.post("/call-me", content=b'{"number": "+46701234567"}', headers={"origin": BASE_URL})
    assert (plain.status_code, twilio.forms) == (400, [])
    assert (await desk.http.get("/call-me")).status_code == 405


async def test_nothing_is_called_unless_the_operator_wants_it(make_desk: MakeClient) -> None:
    """Without prefixes the route refuses, and the notice does not offer it."""
    desk = make_desk()
    assert (await _ask(desk)).status_code == 400
    shown = (await desk.http.get("/notice")).json()
    assert "call_me" not in shown
    assert "Being called" not in {detail["title"] for detail in shown["details"]}


async def test_the_notice_says_what_happens_to_the_number(make_desk: MakeClient) -> None:
    """It names Twilio, the numbers that may be called, and the one that will be calling."""
    shown = (await (_desk(make_desk, Twilio())).http.get("/notice")).json()
    assert shown["call_me"] == {"prefixes": ["+46", "+1"], "from": "+15005550001"}
    [said] = [detail["text"] for detail in shown["details"] if detail["title"] == "Being called"]
    assert "Twilio" in said


async def test_consent_comes_first(make_desk: MakeClient) -> None:
    """Where agreement is required, nothing is called before it."""
    twilio = Twilio()
    desk = _desk(make_desk, twilio, notice="consent")
    assert (await _ask(desk)).status_code == 428
    version = (await desk.http.get("/notice")).json()["version"]
    assert (await _ask(desk, consent=version)).status_code == 202
    assert len(twilio.forms) == 1


@pytest.mark.parametrize(
    ("twilio", "number", "status", "sentence"),
    [
        (Twilio(), "070", 422, "Please type the number with + and the country code, such as +46."),
        (Twilio(), "+447700900123", 422, "We can call numbers that begin with +46."),
        (Twilio(400, {"code": 21211}), NUMBER, 422, "This number cannot be called. Please check it."),
        (Twilio(500, {}), NUMBER, 503, "We could not place the call. Please try again later."),
    ],
)
async def test_a_refusal_is_one_clear_sentence(
    make_desk: MakeClient, twilio: Twilio, number: str, status: int, sentence: str
) -> None:
    """What the page shows says what to do, and repeats no number."""
    answer = await _ask(_desk(make_desk, twilio), number)
    assert (answer.status_code, answer.json()["info"]) == (status, sentence)


async def test_a_spent_budget_calls_no_one(make_desk: MakeClient) -> None:
    """The call would only be answered to be refused."""
    twilio = Twilio()
    desk = _desk(make_desk, twilio, daily_budget_usd=1, speech_output_usd_per_1k_tokens=1.0)
    spent = SessionStats(speech_output_tokens=2000)
    desk.agent.keep(CallDetailRecord("session", "browser", EndReason.AGENT_ENDED, 0.0, 1000, spent))
    answer = await _ask(desk)
    assert (answer.status_code, answer.json()["closed"], twilio.forms) == (429, True, [])
