"""What happens to a caller after the call to a person has ended, and what the store keeps about them."""

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
    """Report that the call to a person has ended, and return the document of the response."""
    path = url.removeprefix(scene.caller.number)
    answer = await scene.caller.send(scene.caller.signed(path, CallStatus="in-progress", **fields))
    assert answer.status_code == 200, answer.text
    return fromstring(answer.text)  # noqa: S314 - our own document


def _address(scene: Scene, age: float = 0, began_at: float = 0) -> str:
    """Return the action URL that Twilio got some seconds ago."""
    phone = scene.phone.phone
    notes = TransferContextCodec.from_auth_tokens(phone.settings.auth_tokens, clock=lambda: time.time() - age)
    base = f"{scene.caller.number}/incoming-call"
    board = TransferService(lambda _: (), phone.control, notes, base_url=base, ring=timedelta(seconds=20))
    return board.after_url(TransferContext(scene.caller.call_sid, "reception", "The caller wants a person.", began_at))


async def test_a_task_without_a_place_has_another_one_asked(scene: Scene) -> None:
    """A draining or full task makes Twilio try another one; after three tasks only the fallback is left.

    Twilio does not repeat the dial's result then.
    """
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
    """The store keeps nothing of a caller who has talked to a person, even if it cannot open the handover note."""
    await scene.remembered(ended="transferred", transferred=1)
    document = await _ended(scene, _address(scene, hours * 3600), DialCallStatus="completed", DialBridged="true")
    assert [verb.tag for verb in document] == ["Hangup"]
    await until(lambda: scene.caller.call_sid not in scene.shelf.entries)


async def test_a_note_outlives_the_longest_talk(scene: Scene) -> None:
    """The note outlives the longest call to a person, so the agent still knows who the caller is."""
    document = await _ended(scene, _address(scene, 4 * 3600), DialCallStatus="failed", DialBridged="false")
    assert document.find("Connect/Stream/Parameter[@name='note']") is not None


async def test_who_was_put_through_stays_so_when_the_connection_breaks(scene: Scene) -> None:
    """The store records a transfer when the caller's connection breaks, so the agent does not transfer twice."""
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
    """When no person answers the fallback, there is no agent to return to, and the caller hears so."""
    document = await _ended(scene, "/incoming-call/dial-ended", DialCallStatus="no-answer")
    assert [verb.tag for verb in document] == ["Say", "Hangup"]


WAYS = ["lost", "not answered", "not answered, and the store knows nothing"]


async def _comes_back(scene: Scene, way: str, seconds_left: float) -> Element:
    """Resume a call with so many seconds left, and return the document of the response."""
    began_at = time.time() - scene.phone.phone.settings.max_call_seconds + seconds_left
    if way != WAYS[2]:
        await scene.remembered(began_at=began_at)
    if way == "lost":
        return fromstring(await scene.caller.lose(0))  # noqa: S314 - our own document
    return await _ended(scene, _address(scene, began_at=began_at), DialCallStatus="busy", DialBridged="false")


@pytest.mark.parametrize("way", WAYS)
async def test_the_time_limit_goes_on_when_a_call_comes_back(scene: Scene, way: str) -> None:
    """The time limit includes the time before a resumption: a call with 20 s left gets a goodbye after 20 s."""
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
    """A resumed call without time left opens no model stream, hears Twilio's sentence, and leaves nothing."""
    document = await _comes_back(scene, way, 10)
    assert [verb.tag for verb in document] == ["Say", "Hangup"]
    await until(lambda: scene.caller.call_sid not in scene.shelf.entries)
    assert not scene.phone.model.streams
