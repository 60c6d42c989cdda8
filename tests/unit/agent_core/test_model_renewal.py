"""A stream is replaced before the model ends it: eight minutes in virtual time, with the limits as they ship."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from agent_core.announcements import Announcement
from agent_core.errors import ModelRejected, ModelUnavailable
from agent_core.nova.facts import AnswerOver, Progress, ReplyAudio, ReplyEnded, SentenceEnded, TextFinal
from agent_core.nova.wire import Role
from tests.support import scripted_model as say
from tests.support.model_conversation import Conversation
from tests.support.numbered import LOUD, QUIET, frame, numbers_in
from tests.support.scripted_model import ScriptedModel, ScriptedStream
from tests.support.waiting import until

QUIET_SECONDS = 20.0
"""Seconds after speech, and before a renewal is due, in which every packet counts."""
SOUND = b"\x01\x00" * 400
LOST = ModelUnavailable("InternalServerException")


class Voice:
    """A caller who sends numbered audio 25 times a second, quiet or loud, as Twilio does.

    Minutes without events pass in packets of 0.4 s, which take a tenth of the time.
    """

    def __init__(self, talk: Conversation, minutes: float) -> None:
        self._talk = talk
        self._minutes = minutes
        self.amplitude = QUIET
        self.sent = 0

    async def send(self) -> None:
        """Send until cancelled."""
        loop = asyncio.get_running_loop()
        began = quiet_since = loop.time()
        while True:
            now = loop.time()
            quiet_since = quiet_since if self.amplitude == QUIET else now
            frames = 20 if now - began < self._minutes and now - quiet_since > QUIET_SECONDS else 2
            self._talk.connection.hear(b"".join(frame((self.sent + n) % 32_768, self.amplitude) for n in range(frames)))
            self.sent += frames
            await asyncio.sleep(max(0.0, began + self.sent * 0.02 - loop.time()))


@asynccontextmanager
async def _in_a_call(renew_after: float = 360) -> AsyncIterator[tuple[Conversation, ScriptedStream, Voice]]:
    """Greet a caller whose stream is open; close everything at the end."""
    talk = Conversation(ScriptedModel(), renew_after=renew_after)
    voice = Voice(talk, renew_after - QUIET_SECONDS)
    talk.connection.read("Greet the caller.")
    async with talk.talking():
        sending = asyncio.create_task(voice.send())
        stream = await talk.model.stream()
        stream.say(say.event("completionStart"), *_said("Hello."))
        yield talk, stream, voice
        sending.cancel()
    assert talk.model.open_streams == 0
    assert len(talk.model.streams) == talk.stats.model_streams + _wasted(talk)


def _wasted(talk: Conversation) -> int:
    """Streams that were opened and closed before they talked."""
    return sum("audioInput" not in stream.names() for stream in talk.model.streams)


def _said(words: str) -> list[bytes]:
    return [*say.answer(words, SOUND), *say.text_block("ASSISTANT", words, speculative=False, stop="END_TURN")]


def _closed(stream: ScriptedStream) -> bool:
    return stream.closed


async def _pass(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def _chat(stream: ScriptedStream, seconds: float) -> None:
    """Let both sides say something now and then."""
    for _ in range(int(seconds // 50)):
        await _pass(50)
        stream.say(*say.heard("hm"), *_said("Yes."))
    await _pass(seconds % 50)


async def _speak(stream: ScriptedStream, seconds: float) -> None:
    """Let the agent begin a long story, and not end it."""
    stream.say(*say.text_block("ASSISTANT", "Once.", speculative=True), say.audio_start())
    for _ in range(int(seconds)):
        stream.say(say.audio(SOUND))
        await _pass(1)


ENDS = say.event("contentEnd", contentId="sound", type="AUDIO", stopReason="END_TURN")
FINAL = say.text_block("ASSISTANT", "Once.", speculative=False, stop="END_TURN")


def _age(began: float) -> float:
    return asyncio.get_running_loop().time() - began


async def _renewed(talk: Conversation, number: int = 1, *, within: float = 500) -> ScriptedStream:
    await until(lambda: talk.stats.renewals >= number, within)
    stream = talk.model.streams[-1]
    await until(lambda: "audioInput" in stream.names(), 2)
    return stream


async def test_a_quiet_moment_is_taken_after_six_minutes() -> None:
    """The next stream has the history, and hears the caller from where the first one stopped."""
    began = asyncio.get_running_loop().time()
    async with _in_a_call() as (talk, first, voice):
        await _pass(200)
        voice.amplitude = LOUD
        await _pass(1)
        voice.amplitude = QUIET
        first.say(*say.heard("weather in Oslo?"), *_said("Seven degrees."))
        second = await _renewed(talk)
        assert 360 <= _age(began) < 362
        await _pass(1)
        assert second.texts("USER") == ["weather in Oslo?"]
        assert second.texts("ASSISTANT") == ["Seven degrees."]
        assert _closed(first)
        last, (next_one, *_) = numbers_in(first.sound())[-1], numbers_in(second.sound())
        assert next_one == last + 1
        assert talk.said == []


@pytest.mark.thorough
async def test_no_stream_grows_older_than_the_model_lets_it() -> None:
    """The age counts from the opening, also for a stream that waited for a quiet moment."""
    async with _in_a_call() as (talk, first, _voice):
        clock = asyncio.get_running_loop().time
        talk.model._script = lambda stream: stream.is_ready.clear()
        await _chat(first, 355)
        second = await talk.model.stream(1, seconds=10)
        opened = clock()
        talk.model._script = lambda _stream: None
        speaking = asyncio.create_task(_speak(first, 30))  # before it could take over
        await _pass(1)
        second.is_ready.set()
        await speaking
        first.say(ENDS, *FINAL)
        assert await _renewed(talk) is second
        assert clock() - opened > 30
        await _chat(second, 310)
        await until(lambda: second.closed, 100)
        age = clock() - opened
    assert 359 < age < 364


async def test_fault_07_both_are_silent_across_the_limit() -> None:
    """A silent stream is replaced sooner; none is left open, and after ten minutes the model still answers."""
    async with _in_a_call() as (talk, _first, _voice):
        await _pass(600)
        assert talk.stats.renewals == 2
        assert talk.model.open_streams == 1
        talk.model.streams[-1].say(*say.heard("still there?"), *_said("Yes."))
        await _pass(2)
        assert talk.transcript.history[-1] == (Role.ASSISTANT, "Yes.")
        assert talk.said == []


async def test_fault_08_the_agent_speaks_on_while_the_next_stream_listens() -> None:
    """No word is cut or repeated: the old stream finishes its answer, which the new one has in its history."""
    began = asyncio.get_running_loop().time()
    async with _in_a_call() as (talk, first, _voice):
        await _chat(first, 355)
        await _speak(first, 79)
        assert 432 <= _age(began) < 437
        assert talk.stats.renewals == 1
        second = talk.model.streams[-1]
        assert not _closed(first)
        assert talk.model.open_streams == 2
        assert second.texts("ASSISTANT")[-1] == "Yes. Once."
        before = len(talk.facts)
        first.say(say.audio(SOUND), ENDS, *FINAL)
        await _pass(1)
        reported = [type(fact) for fact in talk.facts[before:] if not isinstance(fact, Progress)]
        assert reported == [ReplyAudio, SentenceEnded, AnswerOver, ReplyEnded, TextFinal]
        assert _closed(first)
        assert talk.transcript.history[-1] == (Role.ASSISTANT, "Yes. Once.")
        assert second.texts("USER").count("Greet the caller.") == 0
        assert talk.said == []


async def test_fault_08_the_caller_speaks_across_the_limit() -> None:
    """The new stream gets the last three seconds of the sentence again, without a gap."""
    began = asyncio.get_running_loop().time()
    async with _in_a_call() as (talk, first, voice):
        await _chat(first, 355)
        voice.amplitude = LOUD
        second = await _renewed(talk)
        assert 450 <= _age(began) < 452
        await _pass(1)
        heard, heard_again = numbers_in(first.sound()), numbers_in(second.sound())
        assert heard[-1] + 1 in heard_again
        assert 100 < heard[-1] + 1 - heard_again[0] <= 150
        assert _closed(first)


async def test_fault_08_a_tool_runs_across_the_limit() -> None:
    """The tool's result goes to the stream that asked for it, and the caller hears that stream's answer."""
    began = asyncio.get_running_loop().time()
    async with _in_a_call() as (talk, first, _voice):
        await _chat(first, 355)
        await _speak(first, 76)
        first.say(ENDS, *FINAL, *say.heard("weather?"), *say.tool_use("get_weather", "use-9", {}))
        second = await _renewed(talk)
        assert 450 <= _age(began) < 452
        assert not _closed(first)
        assert talk.connection.answer_tool("use-9", {"temperature": 7})
        await first.until_sent("toolResult")
        assert "toolResult" not in second.names()
        first.say(*_said("Seven degrees."))
        await _pass(1)
        assert talk.transcript.history[-1] == (Role.ASSISTANT, "Seven degrees.")
        assert _closed(first)
        assert talk.model.open_streams == 1


async def test_a_caller_who_cuts_in_after_the_hand_over_is_heard() -> None:
    """A barge-in ends the old stream's answer, and the new stream answers."""
    async with _in_a_call() as (talk, first, _voice):
        await _chat(first, 355)
        await _speak(first, 79)
        assert not _closed(first)
        second = talk.model.streams[-1]
        second.say(say.event("completionStart"), *say.heard("stop"))
        await _pass(1)
        assert _closed(first)
        second.say(*_said("Yes?"))
        await _pass(1)
        assert talk.transcript.history[-2:] == ((Role.USER, "stop"), (Role.ASSISTANT, "Yes?"))


@pytest.mark.thorough
async def test_an_old_stream_that_never_finishes_is_let_go() -> None:
    """After eight seconds of an answer that hangs, the caller hears an announcement, and another stream is asked."""
    async with _in_a_call() as (talk, first, _voice):
        await _chat(first, 355)
        await _speak(first, 79)
        assert not _closed(first)
        await _pass(9)
        assert _closed(first)
        assert talk.said == [Announcement.HOLD]
        assert talk.model.open_streams == 1
        assert talk.model.streams[-1].texts("USER")[-1].endswith("hm")


async def test_there_are_never_more_than_two_streams() -> None:
    """If the stream before is still finishing its answer, the next renewal waits until it is closed."""
    talk = Conversation(ScriptedModel(), renew_after=4)
    voice = Voice(talk, 0.0)
    most = 0
    async with talk.talking():
        sending = asyncio.create_task(voice.send())
        first = await talk.model.stream()
        telling = asyncio.create_task(_speak(first, 15))
        while not telling.done():
            await _pass(0.1)
            most = max(most, talk.model.open_streams)
        assert talk.stats.renewals == 1
        first.say(ENDS, *FINAL)
        await _renewed(talk, 2, within=20)
        sending.cancel()
    assert most == 2


async def test_an_answer_in_which_the_old_stream_breaks_is_given_again_by_the_new_one() -> None:
    """Without a third stream, the caller hears at once why they wait, then the answer from its beginning."""
    async with _in_a_call() as (talk, first, _voice):
        await _chat(first, 355)
        await _speak(first, 79)
        second = talk.model.streams[-1]
        first.fail(LOST)
        await _pass(1)
        assert talk.said == [Announcement.HOLD]
        assert second.texts("USER")[-1] == "hm"
        second.say(*_said("Once more."))
        await _pass(20)
        assert talk.said == [Announcement.HOLD]
        assert len(talk.model.streams) == 2
        assert not _closed(second)
        assert talk.stats.model_errors == {LOST.kind: 1}
        assert talk.transcript.history[-1] == (Role.ASSISTANT, "Yes. Once more.")


@pytest.mark.thorough
async def test_an_old_stream_that_does_not_come_to_an_end_is_no_fault_of_the_new_one() -> None:
    """After twenty seconds, the new stream is asked for the old one's answer."""
    async with _in_a_call() as (talk, first, _voice):
        await _chat(first, 355)
        await _speak(first, 79)
        second = talk.model.streams[-1]
        for _ in range(22):
            first.say(say.audio(SOUND))
            await _pass(1)
        assert _closed(first)
        assert second.texts("USER")[-1] == "hm"
        second.say(*_said("In short."))
        await _pass(20)
        assert len(talk.model.streams) == 2
        assert not _closed(second)


async def test_an_old_stream_that_breaks_when_all_is_said_is_not_missed() -> None:
    """Only the confirmation of its last words was missing: they were heard, and are in the history."""
    async with _in_a_call() as (talk, first, _voice):
        await _chat(first, 355)
        await _speak(first, 79)
        first.say(ENDS)
        await _pass(1)
        first.fail(LOST)
        await _pass(20)
        assert talk.said == []
        assert len(talk.model.streams) == 2
        assert not _closed(talk.model.streams[-1])
        assert talk.transcript.history[-1] == (Role.ASSISTANT, "Yes. Once.")


async def test_an_old_stream_that_breaks_in_a_tool_has_its_question_asked_again() -> None:
    """The tool's result would have no stream to go to, so the new stream gets the question again."""
    async with _in_a_call() as (talk, first, _voice):
        await _chat(first, 355)
        await _speak(first, 76)
        first.say(ENDS, *FINAL, *say.heard("weather?"), *say.tool_use("get_weather", "use-9", {}))
        second = await _renewed(talk)
        first.end()
        await _pass(0.1)
        assert second.texts("USER")[-1] == "weather?"
        assert not talk.connection.answer_tool("use-9", {"temperature": 7})
        second.say(*_said("Seven degrees."))
        await _pass(20)
        assert len(talk.model.streams) == 2
        assert talk.transcript.history[-1] == (Role.ASSISTANT, "Seven degrees.")


@pytest.mark.parametrize("ready_fails", [False, True])
async def test_fault_09_a_next_stream_that_does_not_open_changes_nothing(ready_fails: bool) -> None:  # noqa: FBT001 - pytest passes it so
    """The old stream continues through two failed attempts, and the third one comes before its end."""
    async with _in_a_call() as (talk, first, _voice):
        await _pass(100)
        first.say(*say.heard("weather?"), *_said("Seven."))
        await _pass(255)
        first.say(*say.heard("and tomorrow?"), *_said("Eight."))
        if ready_fails:
            refused: list[ScriptedStream] = []

            def refuse(stream: ScriptedStream) -> None:
                if len(refused) < 2:
                    refused.append(stream)
                    stream.refusal = LOST

            talk.model._script = refuse
        else:
            talk.model.refusals.extend([LOST, LOST])
        second = await _renewed(talk)
        assert talk.stats.renewals == 1
        assert talk.stats.model_streams == 2
        assert second.texts("USER") == ["weather?", "and tomorrow?"]
        assert talk.said == []


@pytest.mark.thorough
async def test_a_defect_while_the_next_stream_opens_changes_nothing_either() -> None:
    """Whatever defect occurs while the next stream opens, the working stream continues."""
    async with _in_a_call() as (talk, _first, _voice):
        await _pass(100)
        talk.model.refusals.extend([RuntimeError("the refreshed credentials are still expired"), KeyError("a defect")])
        await _renewed(talk)
        assert not talk.model.refusals
        assert talk.stats.model_streams == 2
        assert talk.said == []


@pytest.mark.thorough
async def test_a_stream_that_breaks_while_the_next_one_opens_leaves_none_behind() -> None:
    """Whichever breaks first, the old stream or the opening one, no stream stays open."""
    async with _in_a_call() as (talk, first, _voice):
        opened: list[ScriptedStream] = []

        def slow(stream: ScriptedStream) -> None:
            opened.append(stream)
            stream.is_ready.clear()

        talk.model._script = slow
        await until(lambda: bool(opened), 400)
        talk.model._script = lambda _stream: None
        first.fail(LOST)
        await _pass(3)
        assert talk.model.open_streams == 1
        assert opened[0].closed


async def test_fault_15_a_muted_caller_keeps_the_stream() -> None:
    """The model gets silence in place of missing audio, and a new stream before its idle timeout."""
    talk = Conversation(ScriptedModel())
    talk.connection.read("Greet the caller.")
    async with talk.talking():
        stream = await talk.model.stream()
        stream.say(say.event("completionStart"), *_said("Hello."))
        await _pass(60)
        silence = len(stream.sound()) / 16_000
        assert 50 < silence < 60
        assert not any(stream.sound())
        await _pass(240)
        assert talk.stats.renewals == 1
        assert talk.model.open_streams == 1


async def test_an_answer_that_is_torn_off_is_given_again_from_its_beginning() -> None:
    """A caller whose answer is interrupted by a loss hears why they wait, then the whole answer."""
    async with _in_a_call() as (talk, first, _voice):
        await _pass(5)
        first.say(*say.heard("weather in Oslo?"), *say.text_block("ASSISTANT", "It is", speculative=True))
        first.say(say.audio_start(), say.audio(SOUND))
        await _pass(1)
        first.fail(LOST)
        second = await talk.model.stream(1)
        await _pass(1)
        assert second.texts("USER") == ["weather in Oslo?"]
        assert talk.said == [Announcement.HOLD]


async def test_a_model_that_stops_in_the_middle_of_an_answer_is_replaced() -> None:
    """After eight seconds without audio in an unfinished sentence, another stream is asked."""
    async with _in_a_call() as (talk, first, _voice):
        await _pass(5)
        first.say(*say.heard("weather?"), *say.text_block("ASSISTANT", "It is", speculative=True))
        first.say(say.audio_start(), say.audio(SOUND))
        await talk.model.stream(1, seconds=10)
        await _pass(4)
        assert _closed(first)
        assert talk.said == [Announcement.HOLD]


async def test_a_model_that_heard_and_says_nothing_is_replaced() -> None:
    """The caller hears the hold announcement after eight seconds; after twelve, another stream is asked."""
    async with _in_a_call() as (talk, first, _voice):
        await _pass(5)
        first.say(*say.heard("weather in Oslo?"))
        await _pass(8.5)
        assert talk.said == [Announcement.HOLD]
        assert len(talk.model.streams) == 1
        second = await talk.model.stream(1, seconds=5)
        await _pass(1)
        assert second.texts("USER") == ["weather in Oslo?"]


async def test_a_model_that_says_nothing_is_replaced_in_a_noisy_place_too() -> None:
    """Noise counts as speech only for a while: then the caller hears the announcement, and another stream is asked."""
    async with _in_a_call() as (talk, first, voice):
        voice.amplitude = LOUD
        await _pass(20)
        first.say(*say.heard("weather in Oslo?"))
        await _pass(13)
        assert talk.said == []
        assert len(talk.model.streams) == 1
        second = await talk.model.stream(1, seconds=3)
        await _pass(2)
        assert talk.said == [Announcement.HOLD]
        assert _closed(first)
        assert second.texts("USER") == ["weather in Oslo?"]


async def test_a_key_in_a_noisy_place_is_not_waited_for_without_end() -> None:
    """The answer to a key is due at once, however loud it has been."""
    async with _in_a_call() as (talk, _first, voice):
        voice.amplitude = LOUD
        await _pass(30)
        talk.connection.read("The caller typed 5 on the telephone keypad.")
        await talk.model.stream(1, seconds=6)
        await _pass(2)
        assert talk.said == [Announcement.HOLD]


async def test_a_caller_who_talks_for_long_is_listened_to() -> None:
    """While a caller speaks, with and without breaths, no announcement is played and no stream is replaced."""
    async with _in_a_call() as (talk, first, voice):
        await _pass(5)
        voice.amplitude = LOUD
        await _pass(60)
        first.say(*say.heard("and so on"), *_said("I see."))
        for _ in range(8):
            voice.amplitude = LOUD
            await _pass(7)
            voice.amplitude = QUIET
            await _pass(0.5)
        assert talk.said == []
        assert len(talk.model.streams) == 1
        assert not _closed(first)


async def test_a_tool_that_nobody_waits_for_any_more_is_not_waited_for() -> None:
    """The caller changed the subject and has an answer: no announcement, and the working stream continues."""
    async with _in_a_call() as (talk, first, _voice):
        await _pass(5)
        first.say(*say.heard("weather in Oslo?"), *say.tool_use("get_weather", "use-1", {}))
        await _pass(1)
        first.say(*say.heard("never mind"), *_said("All right."))
        await _pass(3)
        assert talk.connection.answer_tool("use-1", {"error": "timed out"})
        await _pass(60)
        assert talk.said == []
        assert len(talk.model.streams) == 1
        assert not talk.connection.owes_answer


async def test_an_answer_is_owed_after_a_tool_whatever_was_said_meanwhile() -> None:
    """Words that cover a tool's run time are not the answer: an announcement follows, then another stream."""
    async with _in_a_call() as (talk, first, _voice):
        await _pass(5)
        first.say(*say.heard("weather in Oslo?"), *say.tool_use("get_weather", "use-1", {}), *_said("Let me see."))
        await _pass(3)
        assert talk.connection.answer_tool("use-1", {"temperature": 7})
        assert talk.connection.owes_answer
        await _pass(9)
        assert talk.said == [Announcement.HOLD]
        second = await talk.model.stream(1, seconds=5)
        await _pass(1)
        assert second.texts("USER")[-1] == "weather in Oslo?"


async def test_a_stream_that_breaks_in_a_tool_s_work_has_its_question_asked_again() -> None:
    """The question is asked again, also where the model had covered the wait with words that read like an answer."""
    async with _in_a_call() as (talk, first, _voice):
        await _pass(5)
        first.say(*say.heard("weather in Oslo?"), *say.tool_use("get_weather", "use-1", {}), *_said("Let me see."))
        await _pass(1)
        first.fail(LOST)
        second = await talk.model.stream(1)
        await _pass(2)
        assert second.texts("USER") == ["weather in Oslo?"]
        assert talk.said == [Announcement.HOLD]


async def test_a_model_that_gives_no_sign_to_a_whole_sentence_is_replaced() -> None:
    """The model may have stopped listening: after eight seconds the caller is asked to say it again."""
    async with _in_a_call() as (talk, first, voice):
        await _pass(5)
        voice.amplitude = LOUD
        await _pass(1.5)
        voice.amplitude = QUIET
        await _pass(7)
        assert talk.said == []
        await _pass(2.5)
        assert talk.said == [Announcement.HOLD]
        second = await talk.model.stream(1, seconds=6)
        await _pass(1)
        assert "could not hear" in second.texts("USER")[-1]
        second.say(*_said("Please say it again."))
        voice.amplitude = LOUD
        await _pass(0.5)
        voice.amplitude = QUIET
        await _pass(20)
        assert len(talk.model.streams) == 2
        assert _closed(first)


async def test_a_model_that_reads_no_more_is_not_waited_for_in_silence() -> None:
    """If a stream hangs while the caller speaks, they hear the hold announcement, and the next one asks again."""
    async with _in_a_call() as (talk, first, voice):
        await _pass(5)
        first.takes_events.clear()
        voice.amplitude = LOUD
        await _pass(2)
        voice.amplitude = QUIET
        second = await talk.model.stream(1, seconds=10)
        second.say(say.event("completionStart"))
        await _pass(2)
        assert talk.said == [Announcement.HOLD]
        assert "could not hear" in second.texts("USER")[-1]
        first.takes_events.set()


SOON = 120
"""Seconds in place of six minutes, where the exact time does not matter."""
REFUSALS = [
    ModelRejected("ValidationException", "Chat history is over max limit. Trim chat history and try again."),
    ModelRejected("ValidationException", "Invalid input request, please fix your input and try again."),
    ModelUnavailable("ThrottlingException"),
    None,
]
"""How a new stream may reject a conversation; None ends it without an error."""


def _refuse_next(talk: Conversation, error: Exception | None, after: float = 0.15) -> None:
    """Let each next stream reject the conversation, so many seconds after its audio began."""

    def script(stream: ScriptedStream) -> None:
        def refuse() -> None:
            if error is None:
                stream.end()
            else:
                stream.fail(error)

        def on_event(name: str, body: dict[str, object]) -> None:
            if name == "contentStart" and body["type"] == "AUDIO":
                asyncio.get_running_loop().call_later(after, refuse)

        stream.on_event = on_event

    talk.model._script = script


@pytest.mark.parametrize(
    "error",
    [*REFUSALS[:1], *(pytest.param(error, marks=pytest.mark.thorough) for error in REFUSALS[1:])],
    ids=["history", "input", "throttled", "ended"],
)
async def test_fault_09_a_refused_renewal_is_inaudible(error: Exception | None) -> None:
    """The old stream continues with all of the caller's audio, and the next attempt has less history."""
    async with _in_a_call(SOON) as (talk, first, voice):
        first.say(*say.heard("weather in Oslo?"), *_said("Seven degrees."))
        _refuse_next(talk, error)
        second = await _renewed(talk)
        await until(lambda: second.closed, 3)
        assert not _closed(first)
        assert talk.stats.renewals == 0
        voice.amplitude = LOUD
        await _pass(1)
        voice.amplitude = QUIET
        await _pass(1)
        heard = numbers_in(first.sound())
        assert heard == list(range(heard[0], heard[0] + len(heard)))
        first.say(*say.heard("and in Rome?"), *_said("Twenty."))
        talk.model._script = lambda _stream: None
        third = await _renewed(talk)
        await until(lambda: _closed(first), 3)
        assert third.texts("ASSISTANT")[-1] == "Twenty."
        assert talk.said == []
        assert talk.stats.audio_dropped_ms == 0


@pytest.mark.thorough
async def test_fault_09_a_renewal_refused_in_the_middle_of_a_sentence_tears_nothing() -> None:
    """The old stream, which had the beginning of the sentence, gets the audio since then."""
    async with _in_a_call() as (talk, first, voice):
        await _chat(first, 355)
        voice.amplitude = LOUD
        _refuse_next(talk, REFUSALS[0], after=0.5)
        second = await _renewed(talk)
        await until(lambda: second.closed, 3)
        await _pass(1)
        heard = numbers_in(first.sound())
        assert heard == list(range(heard[0], heard[0] + len(heard)))
        assert talk.said == []
        assert not _closed(first)


async def test_fault_09_a_renewal_refused_while_the_agent_speaks_cuts_no_word() -> None:
    """If a renewal is rejected while the agent speaks, the old stream continues its answer."""
    async with _in_a_call() as (talk, first, _voice):
        await _chat(first, 355)
        _refuse_next(talk, REFUSALS[0])
        speaking = asyncio.create_task(_speak(first, 90))
        second = await _renewed(talk)
        await until(lambda: second.closed, 3)
        await speaking
        first.say(ENDS, *FINAL)
        await _pass(1)
        assert talk.transcript.history[-1] == (Role.ASSISTANT, "Yes. Once.")
        assert talk.said == []
        assert talk.stats.interruptions == 0


async def test_fault_09_what_is_asked_of_a_stream_that_is_refused_is_asked_of_the_old_one() -> None:
    """A visitor's text in the second before a rejection goes to the old stream."""
    async with _in_a_call(SOON) as (talk, first, _voice):
        _refuse_next(talk, REFUSALS[0], after=0.5)
        second = await _renewed(talk)
        talk.connection.read("and in Rome?", by_caller=True)
        await until(lambda: second.closed, 3)
        await _pass(0.5)
        assert first.texts("USER")[-1] == "and in Rome?"
        first.say(*_said("Twenty."))
        await _pass(15)
        assert talk.transcript.history[-1] == (Role.ASSISTANT, "Twenty.")
        assert talk.said == []


async def test_fault_09_every_renewal_is_refused_until_the_model_ends_the_stream() -> None:
    """The conversation continues over a new stream with less history, and the caller notices nothing."""
    async with _in_a_call() as (talk, first, _voice):
        _refuse_next(talk, REFUSALS[0])
        await _chat(first, 475)
        tries = len(talk.model.streams) - 1
        assert 5 <= tries <= 9
        assert not _closed(first)
        talk.model._script = lambda _stream: None
        first.fail(ModelUnavailable("ModelTimeoutException"))
        last = await talk.model.stream(tries + 1, seconds=5)
        await last.until_sent("contentStart", count=2)
        last.say(*say.heard("still there?"), *_said("Yes."))
        await _pass(10)
        assert talk.transcript.history[-1] == (Role.ASSISTANT, "Yes.")
        assert talk.said == []


@pytest.mark.thorough
async def test_an_old_stream_lives_until_the_new_one_has_proven_itself() -> None:
    """The old stream closes after a second without a rejection, or at any event of the new one."""
    async with _in_a_call(SOON) as (talk, first, _voice):
        second = await _renewed(talk)
        assert not _closed(first)
        second.say(say.event("completionStart"))
        await until(lambda: _closed(first), 0.5)
    async with _in_a_call(SOON) as (talk, first, _voice):
        await _renewed(talk)
        await _pass(0.5)
        assert not _closed(first)
        await _pass(0.7)
        assert _closed(first)


@pytest.mark.thorough
async def test_a_stream_that_waits_long_for_its_moment_is_opened_anew() -> None:
    """An unused stream is replaced, since the newest model ends it after 55 seconds without audio."""
    async with _in_a_call() as (talk, first, voice):
        talk.model._script = lambda stream: stream.is_ready.clear()
        await _chat(first, 355)
        second = await talk.model.stream(1, seconds=10)
        talk.model._script = lambda _stream: None
        voice.amplitude = LOUD
        await _pass(1)
        second.is_ready.set()
        await _pass(38)
        assert not _closed(second)
        await _pass(3)
        assert _closed(second)
        assert await _renewed(talk) is talk.model.streams[2]
        assert not talk.model.streams[2].closed
