"""What Twilio may send to the number's URL: retries, a trailing slash, and requests about no active call."""

import asyncio
from xml.etree.ElementTree import fromstring

import pytest
from structlog.testing import capture_logs

from tests.support.remembered_call import Scene
from tests.support.stranger import invitation_in
from tests.support.waiting import until


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("path", ["/incoming-call", "/incoming-call/"])
async def test_a_number_may_be_pointed_here_with_a_slash(scene: Scene, method: str, path: str) -> None:
    """The service answers a URL with a trailing slash directly, because a redirect would lose the form."""
    answer = await scene.caller.send(scene.caller.signed(path, method))
    assert answer.status_code == 200
    assert invitation_in(answer.text).ticket


async def test_a_webhook_that_is_tried_again_is_the_same_call(scene: Scene) -> None:
    """A retried webhook is the same call, with one slot, one model stream and one ticket."""
    requests = [scene.caller.webhook() for _ in range(4)]
    answers = await asyncio.gather(*(scene.caller.send(request) for request in requests))
    assert {answer.status_code for answer in answers} == {200}
    assert len({invitation_in(answer.text).ticket for answer in answers}) == 1
    assert scene.phone.agent.admission.taken == 1
    await until(lambda: len(scene.phone.records) == 1, 20)


@pytest.mark.parametrize("status", ["completed", "busy", "failed", "no-answer", "canceled"])
@pytest.mark.parametrize("path", ["/incoming-call", "/incoming-call/"])
async def test_a_status_callback_costs_nothing(scene: Scene, path: str, status: str) -> None:
    """A status callback at the webhook gets no slot, no model stream and no record; the log names the wrong setting."""
    with capture_logs() as lines:
        answer = await scene.caller.send(scene.caller.signed(path, CallStatus=status, CallDuration="7"))
    assert (answer.status_code, answer.text) == (204, "")
    _nothing_was_begun(scene)
    assert [(line["event"], line["log_level"], line["status"]) for line in lines] == [
        ("status_callback_misdirected", "warning", status)
    ]


@pytest.mark.parametrize("status", ["initiated", "ringing", "in-progress"])
async def test_a_report_of_a_call_that_goes_on_is_no_call(scene: Scene, status: str) -> None:
    """A progress event, which has the caller's number and country like a call, is not a call."""
    extra = {"CallStatus": status, "SequenceNumber": "1", "CallbackSource": "call-progress-events"}
    answer = await scene.caller.send(scene.caller.signed("/incoming-call", **extra))
    assert answer.status_code == 204
    _nothing_was_begun(scene)


async def test_a_call_that_is_over_is_not_taken_up(scene: Scene) -> None:
    """A caller who hung up while Twilio requested the next stream is not resumed."""
    answer = await scene.caller.send(scene.caller.signed("/incoming-call/lost?part=0", CallStatus="completed"))
    assert [verb.tag for verb in fromstring(answer.text)] == ["Hangup"]  # noqa: S314 - our own document
    _nothing_was_begun(scene)


def _nothing_was_begun(scene: Scene) -> None:
    assert scene.phone.agent.admission.taken == 0
    assert scene.phone.records == []
    assert scene.phone.model.streams == []


async def test_a_message_is_told_that_this_is_no_place_for_it(scene: Scene) -> None:
    """A messaging webhook at this URL gets 400 with a reason."""
    caller = scene.caller
    form = {"MessageSid": "SM" + "0" * 32, "SmsSid": "SM" + "0" * 32, "Body": "hello", "NumMedia": "0"}
    form |= {"AccountSid": caller.settings.account_sid, "From": "+15005550006", "To": "+15005550001"}
    answer = await caller.send(caller.foreign("/incoming-call", form))
    assert answer.status_code == 400
    assert "telephone calls" in answer.json()["error"]
    _nothing_was_begun(scene)


@pytest.mark.parametrize("answered_by", ["machine_start", "machine_end_beep", "machine_end_other", "fax"])
async def test_no_agent_talks_to_a_machine_that_we_called(scene: Scene, answered_by: str) -> None:
    """The agent hangs up on an answering machine in silence and opens no model stream."""
    fields = {"Direction": "outbound-api", "AnsweredBy": answered_by, "CallStatus": "in-progress"}
    answer = await scene.caller.send(scene.caller.signed("/incoming-call", **fields))
    assert [verb.tag for verb in fromstring(answer.text)] == ["Hangup"]  # noqa: S314 - our own document
    _nothing_was_begun(scene)


@pytest.mark.parametrize("answered_by", ["human", "unknown", ""])
async def test_people_that_we_called_are_where_they_were_called(scene: Scene, answered_by: str) -> None:
    """In an outbound call, the model knows the place of the called party, not of our own number."""
    fields = {
        "Direction": "outbound-api",
        "AnsweredBy": answered_by,
        "CallStatus": "in-progress",
        "FromCity": "SEATTLE",
        "FromCountry": "US",
        "ToCity": "OSAKA",
        "ToCountry": "JP",
    }
    answer = await scene.caller.send(scene.caller.signed("/incoming-call", **fields))
    assert invitation_in(answer.text).ticket
    stream = await scene.phone.model.stream()
    await stream.until_sent("textInput")
    [prompt] = stream.texts("SYSTEM")
    assert '"Osaka, JP"' in prompt
    assert "Seattle" not in prompt
    await until(lambda: len(scene.phone.records) == 1, 20)
