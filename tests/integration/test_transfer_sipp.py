"""The exchange's SIP checked by SIPp, an independent implementation of the protocol."""

from dataclasses import replace
from pathlib import Path

import pytest

from standins.twilio.server import TwilioExchange
from tests.integration.conftest import House
from tests.integration.twilio_app import TinyApp
from tests.support.caller import Caller
from tests.support.score import note, use
from tests.support.sipp import judge

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOCUMENT = (
    '<Dial timeout="2" action="/dial-ended"><Sip url="/whisper">{address};transport={transport}'
    "?X-Call-Summary=Reason%3A%20the%20caller%20asked</Sip></Dial>"
)


async def _briefly(_text: str, rate: int) -> bytes:
    return bytes(rate // 2)


async def dialled(scenario: str, folder: Path, transport: str) -> tuple[dict[str, str], list[str], str]:
    """Dial a scenario; return the application's events, the exchange's events and SIPp's log."""
    async with judge(scenario, folder, transport) as sipp, TinyApp().serving() as app, TwilioExchange() as exchange:
        app.documents["/incoming-call"] = DOCUMENT.format(address=sipp.address, transport=transport)
        app.documents["/whisper"] = "<Say>hello</Say>"
        app.documents["/dial-ended"] = "<Hangup/>"
        call = exchange.place_call(app.url)
        await call.timeline.until("ended", 15)
        assert await sipp.verdict() == ""
        [ended] = app.requests("/dial-ended")
        if asked := app.requests("/whisper"):
            assert asked[0].params["ParentCallSid"] == call.sid
            assert asked[0].params["CallSid"] == ended.params["DialCallSid"]
        return ended.params, [event.name for event in call.timeline.events], sipp.notes()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_somebody_answers(tmp_path: Path, transport: str) -> None:
    """SIPp accepts INVITE, audio, ACK and BYE, and has read the summary."""
    result, happened, notes = await dialled("answers", tmp_path, transport)
    assert (result["DialCallStatus"], result["DialBridged"]) == ("completed", "true")
    assert [name for name in happened if name.startswith(("dial", "whisper"))] == [
        "dial",
        "dial_ringing",
        "dial_answered",
        "whisper",
        "dial_bridged",
        "dial_ended",
    ]
    assert "Reason: the caller asked" in notes


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_somebody_is_busy(tmp_path: Path, transport: str) -> None:
    """The exchange acknowledges a rejection and reports it to the application."""
    result, happened, _ = await dialled("busy", tmp_path, transport)
    assert (result["DialCallStatus"], result["DialSipResponseCode"]) == ("busy", "486")
    assert "whisper" not in happened


async def test_somebody_does_not_answer(tmp_path: Path) -> None:
    """After the timeout the exchange cancels the INVITE and acknowledges the final response."""
    result, happened, _ = await dialled("silent", tmp_path, "udp")
    assert result["DialCallStatus"] == "no-answer"
    assert "whisper" not in happened


async def test_sipp_says_no_where_something_is_missing(tmp_path: Path) -> None:
    """The scenario fails without the summary, so SIPp does check."""
    async with judge("answers", tmp_path) as sipp, TinyApp().serving() as app, TwilioExchange() as exchange:
        app.documents["/incoming-call"] = f"<Dial timeout='2'><Sip>{sipp.address}</Sip></Dial>"
        call = exchange.place_call(app.url)
        await call.timeline.until("dial_ended", 10)
        assert "X-Call-Summary" in await sipp.verdict()


async def test_the_product_puts_a_caller_through_to_sipp(house: House, tmp_path: Path) -> None:
    """The product transfers a caller to SIPp, which has read the caller's request."""
    house.score.plan = lambda turn: (
        [use("transfer_to_human", destination="desk", reason="The order is late.")] if turn.number else [note(400, 300)]
    )
    async with (
        judge("answers", tmp_path, "tcp") as sipp,
        TwilioExchange(house.exchange.settings, speak=_briefly) as exchange,
        replace(house, exchange=exchange).start_phone(
            "sipp", TRANSFER_DESTINATIONS=f"desk={sipp.address};transport=tcp"
        ) as phone,
        Caller(exchange, phone.url) as caller,
    ):
        await caller.greeted()
        await caller.speak()
        await caller.until("dial_bridged", 30)
        assert (await caller.until("ended", 10)).fields["reason"] == "hung_up_by_document"
        assert await sipp.verdict() == ""
        assert "Reason: The order is late. The caller said:" in sipp.notes()
        assert (await phone.record(caller.sid))["reason"] == "transferred"
