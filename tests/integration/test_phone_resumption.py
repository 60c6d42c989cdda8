"""How a call resumes: the history that the model gets, and what happens when it is missing or useless."""

import re
from contextlib import AsyncExitStack
from xml.etree.ElementTree import fromstring

import pytest

from agent_core.adapters.call_store.key_value_store import StoredEntry
from agent_core.adapters.call_store.seal import Seal
from agent_core.adapters.call_store.store import CallStore
from agent_core.call_state import CallState
from agent_core.events import EndReason
from phone_agent.twiml import TRY_AGAIN
from tests.support import scripted_model as say
from tests.support.remembered_call import PARIS, RAIN, Scene
from tests.support.scripted_model import ScriptedStream
from tests.support.stranger import Stranger, close_code, invitation_in, next_event
from tests.support.waiting import until

SOUND = b"\x00\x10" * 1600


async def _taken_up(scene: Scene, part: int = 0) -> tuple[ScriptedStream, list[str]]:
    """Lose the call, resume it and hang up; return the model's stream and the call's entry during the call."""
    invitation = invitation_in(await scene.caller.lose(part))
    async with await scene.caller.open_stream() as socket:
        announcer = await scene.caller.begin(socket, invitation.ticket)
        stream = await scene.phone.model.stream()
        await until(lambda: "sorry" in "".join(stream.texts("USER")))
        stream.say(*say.answer("Sorry, I lost you.", SOUND))
        await next_event(socket, "media")
        await until(lambda: scene.caller.call_sid in scene.shelf.entries)
        left = list(scene.shelf.entries)
        await socket.send(announcer.stop())
    await until(lambda: len(scene.phone.records) == 1)
    return stream, left


async def test_the_model_knows_what_was_said_and_takes_it_up(scene: Scene) -> None:
    """The model gets the conversation as history, and an instruction to apologise and to answer again."""
    await scene.remembered()
    stream, _ = await _taken_up(scene)
    assert stream.texts("USER")[0] == PARIS[1]
    assert stream.texts("ASSISTANT") == [RAIN[1]]
    assert f'Their words were: "{PARIS[1]}"' in stream.texts("USER")[1]
    assert "Lyon" in stream.texts("SYSTEM")[0]
    (record,) = scene.phone.records
    assert (record.reason, record.stats.resumed, record.call_sid) == (
        EndReason.CALLER_HUNG_UP,
        1,
        scene.caller.call_sid,
    )
    await until(lambda: scene.caller.call_sid not in scene.shelf.entries)


async def test_values_that_the_caller_gave_are_known_by_their_handles(scene: Scene) -> None:
    """The model of the next task gets the handles and no value; the state of the call keeps the values, sealed."""
    values = (("email_1", "email", "jane.doe@example.com", 0, "heard"), ("phone_1", "phone", "", 1, "open"))
    await scene.remembered(captured=values)
    invitation = invitation_in(await scene.caller.lose(0))
    async with await scene.caller.open_stream() as socket:
        announcer = await scene.caller.begin(socket, invitation.ticket)
        stream = await scene.phone.model.stream()
        await until(lambda: bool(stream.texts("SYSTEM")))
        assert "Tools take their handles: email_1 (email).\n" in stream.texts("SYSTEM")[0]
        assert "jane.doe" not in "".join(stream.texts("SYSTEM"))
        known = await scene.store.recall(scene.caller.call_sid)
        assert known is not None
        assert known.captured == values
        assert not any(b"jane.doe" in bytes(str(entry), "utf-8") for entry in scene.shelf.entries.values())
        await socket.send(announcer.stop())
    await until(lambda: len(scene.phone.records) == 1)


async def test_a_task_that_did_not_answer_the_question_gets_the_stream(scene: Scene) -> None:
    """The task that gets the stream reads the call from the store, though another task answered the webhook."""
    await scene.remembered(part=3)
    ticket = invitation_in(await scene.caller.lose(3)).ticket
    scene.phone.phone.prewarm_pool.dismiss(f"{scene.caller.call_sid}/4")
    async with await scene.caller.open_stream() as socket:
        announcer = await scene.caller.begin(socket, ticket)
        stream = await scene.phone.model.stream(1)
        await until(lambda: len(stream.texts("USER")) == 2)
        assert stream.texts("USER")[0] == PARIS[1]
        await socket.send(announcer.stop())


async def test_who_comes_by_the_number_s_own_fallback_is_taken_up(scene: Scene) -> None:
    """A call that comes by the number's fallback URL resumes its last stream; a repeat opens no second one."""
    await scene.remembered(part=3)
    url = "/incoming-call/lost"
    answers = [await scene.caller.send(scene.caller.signed(url, ErrorCode="11200")) for _ in range(3)]
    (ticket,) = {invitation_in(answer.text).ticket for answer in answers}
    scene.caller.part = 4
    async with await scene.caller.open_stream() as socket:
        announcer = await scene.caller.begin(socket, ticket)
        stream = await scene.phone.model.stream()
        await until(lambda: len(stream.texts("USER")) == 2)
        assert stream.texts("USER")[0] == PARIS[1]
        await socket.send(announcer.stop())
    await until(lambda: len(scene.phone.records) == 1)
    assert len(scene.phone.model.streams) == 1


async def test_a_call_that_rang_while_everything_was_down_is_answered(scene: Scene) -> None:
    """A call that first rings while every task is down reaches the fallback URL and gets the agent."""
    answer = await scene.caller.send(scene.caller.signed("/incoming-call/lost", ErrorCode="11200"))
    assert invitation_in(answer.text).url.endswith(scene.caller.call_sid)


async def test_words_that_wait_for_their_answer_are_asked_once(scene: Scene) -> None:
    """A question that a dead task left unanswered becomes the first input, not part of the history."""
    call = await scene.remembered()
    await scene.store.remember(CallState(call.call_sid, (PARIS, RAIN, ("USER", "and tomorrow")), begun=1))
    stream, _ = await _taken_up(scene)
    assert stream.texts("USER")[:1] == [PARIS[1]]
    assert 'Their words were: "and tomorrow"' in stream.texts("USER")[1]
    assert len(stream.texts("USER")) == 2


async def test_a_note_is_told_in_place_of_an_apology(scene: Scene) -> None:
    """A handover note replaces the apology and explains to the agent why the caller returns."""
    await scene.remembered(note="Say sorry: nobody answered at the desk.")
    stream, _ = await _taken_up(scene)
    assert stream.texts("USER")[1] == "Say sorry: nobody answered at the desk."


@pytest.mark.parametrize("damage", ["tampered", "of_another_key", "gone", "shelf_broken", "shelf_stuck"])
async def test_a_memory_that_is_of_no_use_begins_anew(scene: Scene, damage: str) -> None:
    """Without a usable entry the caller hears an apology and a new greeting soon; the service counts a warning."""
    await scene.remembered()
    sid = scene.caller.call_sid
    match damage:
        case "tampered":
            sealed = scene.shelf.entries[sid].sealed
            scene.shelf.entries[sid] = StoredEntry(sealed[:-1] + bytes([sealed[-1] ^ 1]), 0, 9e9)
        case "of_another_key":
            await CallStore(scene.shelf, Seal([b"o" * 32])).remember(CallState(sid, (PARIS,)))
        case "gone":
            scene.shelf.entries.clear()
        case "shelf_broken":
            scene.shelf.broken = True
        case _:
            scene.shelf.pause = 3600
    invitation = invitation_in(await scene.caller.lose(0))
    async with await scene.caller.open_stream() as socket:
        announcer = await scene.caller.begin(socket, invitation.ticket)
        stream = await scene.phone.model.stream()
        await until(lambda: bool(stream.texts("USER")))
        assert "sorry for the wait" in stream.texts("USER")[0]
        assert not stream.texts("ASSISTANT")
        stream.say(*say.answer("Sorry for the wait.", SOUND))
        await next_event(socket, "media")
        await socket.send(announcer.stop())
    await until(lambda: len(scene.phone.records) == 1)
    assert scene.phone.records[0].stats.resumed == 1
    assert bool(scene.store.faults) is (damage != "gone")


@pytest.mark.parametrize("ended", ["caller_hung_up", "agent_ended", "max_duration", "caller_left"])
async def test_a_conversation_that_was_over_is_hung_up(scene: Scene, ended: str) -> None:
    """A finished conversation that the service could not end over REST ends when Twilio requests a document."""
    await scene.remembered(ended=ended)
    assert await scene.verbs() == ["Hangup"]


@pytest.mark.parametrize("ended", ["model_unavailable", "model_rejected"])
async def test_a_model_that_is_down_is_not_asked_again(scene: Scene, ended: str) -> None:
    """After the model failed, the fallback runs and the store deletes the caller's words."""
    await scene.remembered(ended=ended)
    assert await scene.verbs() == ["Say", "Hangup"]
    assert len(scene.phone.model.streams) == 0
    known = await scene.store.recall(scene.caller.call_sid)
    assert known is not None
    assert known.history == ()
    assert await scene.verbs() == ["Say", "Hangup"]


@pytest.mark.parametrize(
    "ended", [None, "media_disconnected", "drained", "internal_error", "peer_lost", "a_reason_of_a_later_version"]
)
async def test_every_other_loss_is_mended(scene: Scene, ended: str | None) -> None:
    """Any other loss resumes the call, also after a killed process, which leaves no reason."""
    await scene.remembered(ended=ended)
    assert await scene.verbs() == ["Connect", "Say", "Redirect"]


async def test_there_is_an_end_to_it(scene: Scene) -> None:
    """The fallback runs after three losses, ten streams that never came, or three losses of an unknown call."""
    assert await scene.verbs(2) == ["Connect", "Say", "Redirect"]
    assert await scene.verbs(3) == ["Say", "Hangup"]
    await scene.store.remember(CallState(scene.caller.call_sid, part=7, begun=3))
    assert await scene.verbs(8) == ["Pause", "Connect", "Say", "Redirect"]
    assert await scene.verbs(9) == ["Say", "Hangup"]
    await scene.store.remember(CallState(scene.caller.call_sid, part=7, begun=4))
    assert await scene.verbs(7) == ["Say", "Hangup"]


async def test_the_document_leads_to_the_next_loss(scene: Scene) -> None:
    """Each document names the stream that it opens, and waits longer the more streams never came."""
    await scene.remembered()
    documents = [await scene.caller.lose(part) for part in range(5)]
    assert [re.findall(r"lost\?part=(\d)", document) for document in documents] == [[str(n)] for n in range(1, 6)]
    assert [re.findall(r'Pause length="(\d)"', document) for document in documents] == [[], ["1"], ["2"], ["3"], ["3"]]


async def test_a_task_without_a_place_has_another_one_asked(scene: Scene) -> None:
    """A draining or full task makes Twilio try another one; after three tasks the fallback runs."""
    await scene.remembered()
    scene.phone.agent.admission.start_draining()
    for tries, verbs in enumerate((["Redirect"], ["Pause", "Redirect"], ["Say", "Hangup"])):
        request = scene.caller.signed(f"/incoming-call/lost?part=0&tries={tries}")
        document = fromstring((await scene.caller.send(request)).text)  # noqa: S314 - our own document
        assert [verb.tag for verb in document] == verbs
        if verbs[-1] == "Redirect":
            assert (document[-1].text or "").endswith(f"part=0&tries={tries + 1}{TRY_AGAIN}")


async def test_a_question_that_is_asked_again_opens_no_second_model_stream(scene: Scene) -> None:
    """A repeated request, by Twilio or by an attacker, opens no second model stream."""
    await scene.remembered()
    tickets = {invitation_in(await scene.caller.lose(0)).ticket for _ in range(20)}
    assert len(tickets) == 1
    await until(lambda: len(scene.phone.model.streams) == 1)
    assert scene.phone.agent.admission.taken == 1


async def test_many_who_come_back_at_once_are_all_let_in(scene: Scene) -> None:
    """The limit on unknown sockets does not reject callers who return together after a task died."""
    callers = [scene.caller, *(Stranger(scene.phone.url, scene.caller.settings) for _ in range(24))]
    tickets = [invitation_in(await caller.lose(0)).ticket for caller in callers]
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(await caller.open_stream()) for caller in callers]
        for caller, socket, ticket in zip(callers, sockets, tickets, strict=True):
            await caller.begin(socket, ticket)
        await until(lambda: len(scene.phone.phone.live) == len(callers))
        assert len(scene.phone.model.streams) == len(callers)
    await until(lambda: len(scene.phone.records) == len(callers))
    for caller in callers[1:]:
        await caller.aclose()


async def test_a_stream_that_shows_no_ticket_takes_nothing_from_the_one_to_come(scene: Scene) -> None:
    """A stream without a ticket does not take the pre-warmed session, which waits four seconds for its ticket.

    After that its slot is free.
    """
    await scene.caller.lose(0)
    assert scene.phone.agent.admission.taken == 1
    async with await scene.caller.open_stream() as socket:
        await socket.send("hello")
        assert await close_code(socket) == 1008
    assert scene.phone.agent.admission.taken == 1
    await until(lambda: scene.phone.agent.admission.taken == 0, 5)


async def test_an_old_stream_that_ends_late_takes_nothing_from_the_new_one(scene: Scene) -> None:
    """An old stream that ends after Twilio has requested the next one does not disturb the new one."""
    invitation = await scene.caller.ring()
    async with await scene.caller.open_stream() as old:
        await scene.caller.begin(old, invitation.ticket)
        await until(lambda: scene.caller.call_sid in scene.phone.phone.live)
        ticket = invitation_in(await scene.caller.lose(0)).ticket
    await until(lambda: len(scene.phone.records) == 1)
    async with await scene.caller.open_stream() as new:
        announcer = await scene.caller.begin(new, ticket)
        await until(lambda: scene.caller.call_sid in scene.phone.phone.live)
        await new.send(announcer.stop())
    await until(lambda: len(scene.phone.records) == 2)
    assert len(scene.phone.model.streams) == 2


@pytest.mark.parametrize("part", ["-1", "10", "99999999999999999999", "x", "%F0", "1.0", " 1", "²"])
async def test_a_number_that_is_none_of_ours_is_the_end(scene: Scene, part: str) -> None:
    """A stream number that the service never issued ends the call, though the request is signed."""
    request = scene.caller.signed(f"/incoming-call/lost?part={part}")
    answer = await scene.caller.send(request)
    assert answer.status_code in {200, 403}
    assert "Connect" not in answer.text


async def test_a_new_stream_takes_the_call_from_one_that_is_dead(scene: Scene) -> None:
    """A new stream takes over the call from a dead one that this task still holds: one conversation per call."""
    invitation = await scene.caller.ring()
    async with await scene.caller.open_stream() as old:
        await scene.caller.begin(old, invitation.ticket)
        await scene.phone.model.stream()
        again = invitation_in(await scene.caller.lose(0))
        async with await scene.caller.open_stream() as new:
            announcer = await scene.caller.begin(new, again.ticket)
            assert await close_code(old) == 1000
            await until(lambda: len(scene.phone.records) == 1)
            assert scene.phone.records[0].reason is EndReason.MEDIA_DISCONNECTED
            assert scene.caller.call_sid in scene.shelf.entries
            await new.send(announcer.stop())
    await until(lambda: len(scene.phone.records) == 2)
    assert [record.stats.resumed for record in scene.phone.records] == [0, 1]


async def test_a_store_that_is_slow_delays_no_first_word(scene: Scene) -> None:
    """A slow store delays no greeting: the call begins without it, with tickets for this task only."""
    scene.shelf.pause = 3600
    invitation = await scene.caller.ring()
    async with await scene.caller.open_stream() as socket:
        announcer = await scene.caller.begin(socket, invitation.ticket)
        stream = await scene.phone.model.stream()
        await until(lambda: bool(stream.texts("USER")), 2)
        await socket.send(announcer.stop())
    await until(lambda: len(scene.phone.records) == 1)
    assert scene.store.faults["redeem"] == 1


async def _has_words(scene: Scene) -> bool:
    call = await scene.store.recall(scene.caller.call_sid)
    return call is not None and bool(call.history)


async def test_a_task_that_has_to_leave_hands_its_calls_over(scene: Scene) -> None:
    """A draining task closes the socket without a goodbye, and the next task continues the conversation."""
    invitation = await scene.caller.ring()
    async with await scene.caller.open_stream() as socket:
        await scene.caller.begin(socket, invitation.ticket)
        stream = await scene.phone.model.stream()
        stream.say(*say.heard("the weather in Paris"))
        await until(lambda: _has_words(scene))
        scene.phone.agent.settings = scene.phone.agent.settings.model_copy(update={"drain_seconds": 0})
        await scene.phone.agent.drain()
        assert await close_code(socket) == 1000
    assert [record.reason for record in scene.phone.records] == [EndReason.DRAINED]
    assert not [words for words in stream.texts("USER") if "goodbye" in words]
    call = await scene.store.recall(scene.caller.call_sid)
    assert call is not None
    assert (call.ended, call.history) == ("drained", (PARIS,))
