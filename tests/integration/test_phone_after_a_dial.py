"""What becomes of a caller when the call to a person has ended, and of what is remembered of them."""

import asyncio
import time
from datetime import timedelta
from xml.etree.ElementTree import Element, fromstring

import pytest

from agent_core.events import EndReason
from phone_agent.transfer_context import TransferContext, TransferContextCodec
from phone_agent.twilio_transfer import TransferService
from phone_agent.twiml import TRY_AGAIN
from tests.support import scripted_model as say
from tests.support.remembered_call import Scene
from tests.support.waiting import until


async def _ended(scene: Scene, url: str, **fields: str) -> Element:
    """Say that the call to a person has ended; give the document that comes back."""
    path = url.removeprefix(scene.caller.number)
    answer = await scene.caller.send(scene.caller.signed(path, CallStatus="in-progress", **fields))
    assert answer.status_code == 200, answer.text
    return fromstring(answer.text)  # noqa: S314 - our own document


def _address(scene: Scene, age: float = 0, began_at: float = 0) -> str:
    """Give the address that Twilio has for this, made so many seconds ago."""
    phone = scene.phone.phone
    notes = TransferContextCodec.from_auth_tokens(phone.settings.auth_tokens, clock=lambda: time.time() - age)
    base = f"{scene.caller.number}/incoming-call"
    board = TransferService((), phone.control, notes, base_url=base, ring=timedelta(seconds=20))
    return board.after_url(TransferContext(scene.caller.call_sid, "reception", "The caller wants a person.", began_at))


async def test_a_task_without_a_place_has_another_one_asked(scene: Scene) -> None:
    """It is leaving, or full. Twilio says nothing of the dial any more, and after three tasks the fallback is left."""
    await scene.remembered(ended="transferred", transferred=1)
    scene.phone.agent.admission.start_draining()
    url, said = _address(scene), {"DialCallStatus": "busy", "DialBridged": "false"}
    for verbs in (["Redirect"], ["Pause", "Redirect"]):
        document = await _ended(scene, url, **said)
        assert [verb.tag for verb in document] == verbs
        url, said = document[-1].text or "", {}
        assert url.endswith(TRY_AGAIN)
    document = await _ended(scene, url)
    assert [(verb.tag, verb.text) for verb in document] == [("Say", "Sorry, we lost our assistant."), ("Hangup", None)]
    call = await scene.store.recall(scene.caller.call_sid)
    assert call is not None
    assert call.history == ()


@pytest.mark.parametrize("hours", [0, 3.9, 5])
async def test_nothing_is_kept_of_a_caller_who_has_talked(scene: Scene, hours: float) -> None:
    """However long they did; a note that can no longer be opened does not keep the words."""
    await scene.remembered(ended="transferred", transferred=1)
    document = await _ended(scene, _address(scene, hours * 3600), DialCallStatus="completed", DialBridged="true")
    assert [verb.tag for verb in document] == ["Hangup"]
    await until(lambda: scene.caller.call_sid not in scene.shelf.entries)


async def test_a_note_outlives_the_longest_talk(scene: Scene) -> None:
    """Whatever Twilio has to tell after hours, the agent knows whom it is about."""
    document = await _ended(scene, _address(scene, 4 * 3600), DialCallStatus="failed", DialBridged="false")
    assert document.find("Connect/Stream/Parameter[@name='note']") is not None


async def test_who_was_put_through_stays_so_when_the_connection_breaks(scene: Scene) -> None:
    """The store knew of nothing when they came back; from then on it does, so nobody is put through twice."""
    document = await _ended(scene, _address(scene), DialCallStatus="busy", DialBridged="false")
    parameters = {one.attrib["name"]: one.attrib["value"] for one in document.iter("Parameter")}
    async with await scene.caller.open_stream() as socket:
        announcer = scene.caller.announcer()
        await socket.send(announcer.connected())
        await socket.send(announcer.start(parameters))
        await until(lambda: scene.caller.call_sid in scene.phone.phone.live)
    await until(lambda: len(scene.phone.records) == 1)
    assert scene.phone.records[0].reason is EndReason.MEDIA_DISCONNECTED
    assert (await scene.verbs(int(parameters["part"])))[0] == "Connect"
    call = await scene.store.recall(scene.caller.call_sid)
    assert call is not None
    assert call.transferred == 1


async def test_nobody_answered_the_fallback(scene: Scene) -> None:
    """There is no note and no agent to go back to: the caller is told so."""
    document = await _ended(scene, "/incoming-call/dial-ended", DialCallStatus="no-answer")
    assert [verb.tag for verb in document] == ["Say", "Hangup"]


WAYS = ["lost", "not answered", "not answered, and the store knows nothing"]


async def _comes_back(scene: Scene, way: str, seconds_left: float) -> Element:
    """Have a call come back that may last so much longer; give the document that comes back."""
    began_at = time.time() - scene.phone.phone.settings.max_call_seconds + seconds_left
    if way != WAYS[2]:
        await scene.remembered(began_at=began_at)
    if way == "lost":
        return fromstring(await scene.caller.lose(0))  # noqa: S314 - our own document
    return await _ended(scene, _address(scene, began_at=began_at), DialCallStatus="busy", DialBridged="false")


@pytest.mark.parametrize("way", WAYS)
async def test_the_time_limit_goes_on_when_a_call_comes_back(scene: Scene, way: str) -> None:
    """A call that has twenty seconds left when it comes back hears a goodbye after those."""
    document = await _comes_back(scene, way, 20)
    parameters = {one.attrib["name"]: one.attrib["value"] for one in document.iter("Parameter")}
    async with await scene.caller.open_stream() as socket:
        announcer = scene.caller.announcer()
        await socket.send(announcer.connected())
        await socket.send(announcer.start(parameters))
        stream = await scene.phone.model.stream()
        await until(lambda: bool(stream.texts("USER")))
        stream.say(*say.answer("Sorry for the wait.", bytes(160)))
        waited = 0
        while not any("has to end now" in text for text in stream.texts("USER")):
            await socket.send(announcer.media(bytes(160)))
            await asyncio.sleep(1)
            waited += 1
        assert 15 <= waited <= 22
        await socket.close()
    await until(lambda: len(scene.phone.records) == 1)


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_whose_time_is_up_opens_no_model(scene: Scene, way: str) -> None:
    """It hears a sentence of Twilio's, and nothing is kept of it."""
    document = await _comes_back(scene, way, 10)
    assert [verb.tag for verb in document] == ["Say", "Hangup"]
    await until(lambda: scene.caller.call_sid not in scene.shelf.entries)
    assert not scene.phone.model.streams
