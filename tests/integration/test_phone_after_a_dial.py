"""What becomes of a caller when the call to a person has ended, and of what is remembered of them."""

from xml.etree.ElementTree import Element, fromstring

from phone_agent.note import Note
from phone_agent.twiml import TRY_AGAIN
from tests.support.remembered_call import Scene


async def _ended(scene: Scene, url: str, **fields: str) -> Element:
    """Say that the call to a person has ended; give the document that comes back."""
    path = url.removeprefix(scene.caller.number)
    answer = await scene.caller.send(scene.caller.signed(path, CallStatus="in-progress", **fields))
    assert answer.status_code == 200, answer.text
    return fromstring(answer.text)  # noqa: S314 - our own document


def _address(scene: Scene) -> str:
    """Give the address that Twilio has for this."""
    note = Note(scene.caller.call_sid, "reception", "The caller wants a person.")
    return scene.phone.phone.switchboard.after_url(note)


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
