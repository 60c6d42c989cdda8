"""The model's side of a conversation, with a voice of known length and a dialogue of known words."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from standins.nova.backend import Step
from standins.nova.completion import INTERRUPTED, Completion
from standins.nova.faults import FaultPlan, ModelFault
from standins.nova.pace import Pace
from standins.nova.session_records import SessionRecord
from standins.nova.tasks import TaskPool
from standins.nova.tones import ToneSentence, ToneStarted, Turn, Use
from standins.nova.turn_taking import TurnContext, TurnTaking

RATE = 8000
LONG = " ".join(f"word{number}" for number in range(40)) + "."
"""Four seconds of speech, so that also on a busy machine a barge-in comes before its end."""


class SteadyVoice:
    """Speaks ten words per second."""

    name = "steady"

    async def start(self) -> None:
        """Start nothing."""

    async def aclose(self) -> None:
        """Release nothing."""

    async def speak(self, text: str, sample_rate: int) -> bytes:
        """Return the audio."""
        return bytes(int(0.1 * len(text.split()) * sample_rate) * 2)


class Answers:
    """Replies with what the test scripted, and records its inputs."""

    def __init__(self, *steps: Step) -> None:
        self.steps = steps
        self.received: list[object] = []
        self.silent = False

    def heard(self, text: str) -> Sequence[Step]:
        """Return the scripted steps."""
        self.received.append(text)
        return self.steps

    def tool_result(self, name: str, arguments: dict[str, Any], result: dict[str, Any]) -> Sequence[Step]:
        """Record the result."""
        self.received.append((name, arguments, result))
        return [] if self.silent else [ToneSentence("Done.")]


@dataclass
class Bench:
    """A conversation under test; `blocks` is what it sent."""

    turns: TurnTaking
    record: SessionRecord
    answers: Answers
    sent: list[tuple[str, dict[str, Any]]]
    expected_results: list[str]
    forgotten_results: list[str]
    struck: list[ModelFault]
    tasks: TaskPool
    moments: list[float]
    """When each event of `sent` was written."""

    def blocks(self) -> list[tuple[str, str, str]]:
        """Return kind, words and stop reason of each closed text block, and the stop reason of each audio block."""
        found, words = [], ""
        for name, body in self.sent:
            if name in ("textOutput", "toolUse"):
                words = body["content"] if name == "textOutput" else body["toolName"]
            if name == "contentEnd":
                found.append((body["type"], "" if body["type"] == "AUDIO" else words, body["stopReason"]))
        return found

    def stages(self) -> list[str]:
        """Return the generation stages in order."""
        return [
            json.loads(body["additionalModelFields"])["generationStage"]
            for name, body in self.sent
            if name == "contentStart" and body["type"] == "TEXT"
        ]

    async def until(self, name: str, **fields: object) -> dict[str, Any]:
        """Wait until an event was sent."""
        async with asyncio.timeout(5):
            while True:
                for kind, body in self.sent:
                    if kind == name and fields.items() <= body.items():
                        return body
                await asyncio.sleep(0.005)


def bench(
    *steps: Step, faults: FaultPlan | None = None, pace: Pace | None = None, marks_speech_end: bool = False
) -> Bench:
    """Return a conversation under test."""
    sent: list[tuple[str, dict[str, Any]]] = []
    moments: list[float] = []

    def send(event: dict[str, Any]) -> None:
        sent.append(next(iter(event["event"].items())))
        moments.append(asyncio.get_running_loop().time())

    completion = Completion("session", "prompt", send)
    failures: list[BaseException] = []
    record = SessionRecord("session", "request", "model", "key")
    answers, struck, tasks = Answers(*steps), list[ModelFault](), TaskPool(failures.append)
    expected, forgotten = list[str](), list[str]()

    async def drained() -> None:
        assert not failures

    around = TurnContext(
        dialogue=answers,
        voice=SteadyVoice(),
        pace=pace or Pace(speed=20.0, think=0.0, way_to_ear=0.0),
        faults=faults or FaultPlan(),
        tasks=tasks,
        record=record,
        expect_result=expected.append,
        stop_waiting=forgotten.append,
        misbehave=struck.append,
        drained=drained,
        marks_speech_end=marks_speech_end,
    )
    return Bench(
        TurnTaking(completion, RATE, around), record, answers, sent, expected, forgotten, struck, tasks, moments
    )


async def test_an_answer_has_its_blocks_in_order() -> None:
    """A reply has its blocks in order: transcript, planned words and audio per sentence, final words."""
    case = bench(ToneSentence("One. Two!"))
    case.turns.notice(ToneStarted())
    case.turns.notice(Turn("question"))
    await case.until("usageEvent")
    assert case.blocks() == [
        ("TEXT", "question", "PARTIAL_TURN"),
        ("TEXT", "One.", "PARTIAL_TURN"),
        ("AUDIO", "", "PARTIAL_TURN"),
        ("TEXT", "Two!", "PARTIAL_TURN"),
        ("AUDIO", "", "END_TURN"),
        ("TEXT", "One.", "PARTIAL_TURN"),
        ("TEXT", "Two!", "END_TURN"),
    ]
    assert case.stages() == ["FINAL", "SPECULATIVE", "SPECULATIVE", "FINAL", "FINAL"]
    assert [said.text for said in case.record.said] == ["One.", "Two!"]
    assert case.record.audio_seconds_out == pytest.approx(0.2)


async def test_a_newer_model_marks_where_the_callers_words_end() -> None:
    """A newer model marks the end of the caller's speech before its transcript; typed text has no mark."""
    case = bench(ToneSentence("One."), marks_speech_end=True)
    case.turns.notice(ToneStarted())
    case.turns.notice(Turn("question"))
    case.turns.read("typed")
    await case.until("usageEvent")
    assert [name for name, _ in case.sent][:4] == ["completionStart", "userSpeechEnd", "contentStart", "textOutput"]
    (body,) = [body for name, body in case.sent if name == "userSpeechEnd"]
    assert body.keys() == {"sessionId", "promptName", "completionId"}


async def test_a_barge_in_after_delivery_cuts_what_is_still_playing() -> None:
    """A barge-in after delivery cuts what still plays, and only the spoken words become final."""
    case = bench(ToneSentence(LONG))
    case.turns.read("hello")
    await case.until("contentEnd", type="AUDIO", stopReason="END_TURN")
    await asyncio.sleep(0.15)
    case.turns.notice(ToneStarted())
    (_, planned, _), _, (_, spoken, stop), interruption = case.blocks()
    assert planned.startswith(spoken)
    assert 0 < len(spoken.split()) < 40
    assert stop == "PARTIAL_TURN"
    assert interruption == ("TEXT", INTERRUPTED, "INTERRUPTED")
    assert [(said.text, said.interrupted) for said in case.record.said] == [(spoken, True)]
    assert case.record.interruptions == 1


async def test_a_barge_in_during_delivery_closes_the_sound_first() -> None:
    """A barge-in during delivery closes the audio block with END_TURN, and nothing follows it."""
    case = bench(ToneSentence(LONG), pace=Pace(speed=1.0, think=0.0))
    case.turns.read("hello")
    await case.until("audioOutput")
    case.turns.notice(ToneStarted())
    names = [name for name, _ in case.sent]
    assert case.blocks()[-1] == ("TEXT", INTERRUPTED, "INTERRUPTED")
    assert ("AUDIO", "", "END_TURN") in case.blocks()
    await asyncio.sleep(0.1)
    assert [name for name, _ in case.sent] == names


async def test_speech_after_the_answer_interrupts_nothing() -> None:
    """Speech after a reply has played interrupts nothing."""
    case = bench(ToneSentence("Yes."))
    case.turns.read("hello")
    await case.until("usageEvent")
    case.turns.notice(ToneStarted())
    case.turns.notice(Turn("more"))
    assert case.record.interruptions == 0


async def test_a_tool_use_waits_for_its_result() -> None:
    """A tool use waits for its result, with which the dialogue continues."""
    case = bench(Use("weather", {"location": "Oslo"}))
    case.turns.read("hello")
    use = await case.until("toolUse")
    assert (use["toolName"], json.loads(use["content"])) == ("weather", {"location": "Oslo"})
    assert case.expected_results == [use["toolUseId"]]
    assert case.blocks() == [("TOOL", "weather", "TOOL_USE")]
    case.turns.take_result(use["toolUseId"], {"temperature": 4})
    await case.until("usageEvent")
    assert case.answers.received[-1] == ("weather", {"location": "Oslo"}, {"temperature": 4})
    assert case.blocks()[-1] == ("TEXT", "Done.", "END_TURN")
    assert case.forgotten_results == []
    assert case.record.tools[0].result == {"temperature": 4}


async def test_a_tool_without_an_answer_may_end_the_turn() -> None:
    """A tool without a reply can end the turn, whose last words are those before it."""
    case = bench(ToneSentence("Goodbye!"), Use("end_call", {}))
    case.answers.silent = True
    case.turns.read("bye")
    use = await case.until("toolUse")
    case.turns.take_result(use["toolUseId"], {})
    await case.until("usageEvent")
    assert case.blocks()[-1] == ("TEXT", "Goodbye!", "END_TURN")


async def test_only_the_last_of_two_tools_ends_the_turn() -> None:
    """Only the last of two tool uses in one turn ends the turn."""
    case = bench(Use("forecast", {"day": "saturday"}), Use("forecast", {"day": "sunday"}))
    case.turns.read("and at the weekend")
    for count in (1, 2):
        await case.until("toolUse", content=f'{{"day": "{("saturday", "sunday")[count - 1]}"}}')
        case.turns.take_result(case.expected_results[-1], {})
    await case.until("usageEvent")
    assert [stop for kind, _, stop in case.blocks() if kind == "AUDIO"] == ["PARTIAL_TURN", "END_TURN"]


async def test_a_tool_that_never_answers_does_not_hold_the_turn() -> None:
    """A tool without a result does not hold the turn beyond its deadline."""
    case = bench(Use("weather", {}), pace=Pace(speed=20.0, think=0.0, tool_deadline=0.05))
    case.turns.read("hello")
    await case.until("usageEvent")
    assert case.answers.received[-1] == ("weather", {}, {"error": "no_result"})
    assert case.forgotten_results == case.expected_results


async def test_new_words_during_a_tool_use_end_its_turn() -> None:
    """New speech during a tool use interrupts the turn, and a late result is recorded but not spoken."""
    case = bench(Use("weather", {}))
    case.turns.read("hello")
    use = await case.until("toolUse")
    case.turns.notice(ToneStarted())
    assert case.record.interruptions == 0
    case.answers.steps = (ToneSentence("Go on."),)
    case.turns.notice(Turn("wait"))
    assert ("TEXT", INTERRUPTED, "INTERRUPTED") in case.blocks()
    await asyncio.sleep(0.01)
    assert case.forgotten_results == [use["toolUseId"]]
    case.turns.take_result(use["toolUseId"], {"temperature": 4})
    await case.until("contentEnd", type="TEXT", stopReason="END_TURN")
    assert case.answers.received == ["hello", "wait"]
    assert case.record.tools[0].result == {"temperature": 4}


async def test_words_that_follow_at_once_replace_a_turn_that_nobody_saw() -> None:
    """Speech directly after a pause in a question replaces a turn that has not become audible."""
    case = bench(ToneSentence("Yes."), pace=Pace(speed=20.0, think=0.2))
    case.turns.notice(Turn("what is the weather"))
    case.turns.notice(Turn("in Stockholm"))
    await case.until("usageEvent")
    assert case.record.interruptions == 0
    assert [block for block in case.blocks() if block[0] == "AUDIO"] == [("AUDIO", "", "END_TURN")]


async def test_words_in_doubt_are_written_but_not_acted_on() -> None:
    """Uncertain words are written to the transcript, but the dialogue does not act on them."""
    case = bench(ToneSentence("Pardon?"))
    case.turns.notice(Turn("mumble", confident=False))
    assert case.blocks()[0] == ("TEXT", "mumble", "PARTIAL_TURN")
    assert case.answers.received == [""]
    await case.tasks.aclose()


async def test_the_end_of_the_prompt_says_what_was_spoken() -> None:
    """The end of the prompt in mid-reply closes the blocks and reports spoken words and usage."""
    case = bench(ToneSentence(LONG))
    case.turns.read("hello")
    await case.until("contentEnd", type="AUDIO")
    await asyncio.sleep(0.1)
    case.turns.close()
    assert case.blocks()[-1][2] == "END_TURN"
    assert [name for name, _ in case.sent[-2:]] == ["usageEvent", "completionEnd"]
    assert case.sent[-1][1]["stopReason"] == "END_TURN"


async def test_a_fault_strikes_as_the_answer_sounds() -> None:
    """A fault script applies after its delay from the first audio."""
    plan = FaultPlan()
    plan.add(ModelFault(on="answer", action="exception", after_ms=10))
    case = bench(ToneSentence("Yes."), faults=plan)
    case.turns.read("hello")
    await case.until("usageEvent")
    assert [fault.action for fault in case.struck] == ["exception"]


async def test_a_flood_is_long_and_fast() -> None:
    """A flood is two seconds of audio per word, faster than otherwise requested."""
    plan = FaultPlan()
    plan.add(ModelFault(on="answer", action="flood", seconds=2, speed=1000))
    case = bench(ToneSentence("Yes."), faults=plan, pace=Pace(speed=1.0, think=0.0))
    case.turns.read("hello")
    await case.until("contentEnd", type="AUDIO")
    assert case.record.audio_seconds_out == pytest.approx(2.0)
    case.turns.close()


async def test_usage_adds_up() -> None:
    """The usage totals are the sums of the deltas."""
    case = bench(ToneSentence("One."))
    for _ in range(2):
        case.turns.read("hello")
        await case.until("usageEvent")
        case.turns.close()
    events = [body for name, body in case.sent if name == "usageEvent"]
    for body in events:
        total = body["details"]["total"]
        assert body["totalTokens"] == sum(sum(total[way].values()) for way in ("input", "output"))
    spoken = sum(body["details"]["delta"]["output"]["speechTokens"] for body in events)
    assert spoken == events[-1]["details"]["total"]["output"]["speechTokens"]


async def test_words_that_cover_the_wait_for_a_tool_are_said_beside_the_turn() -> None:
    """Words that cover the wait for a tool do not replace its reply."""
    talk = bench(Use("get_weather", {"city": "Paris"}))
    talk.turns.notice(Turn("weather in Paris?"))
    use = await talk.until("toolUse")
    talk.answers.steps = (ToneSentence("One moment."),)
    talk.turns.read("Tell the caller in one short sentence that you are looking it up.")
    await talk.until("textOutput", content="One moment.")
    talk.turns.take_result(use["toolUseId"], {"temperature": 7})
    await talk.until("textOutput", content="Done.")
    assert talk.forgotten_results == []
    assert talk.record.interruptions == 0
    talk.turns.stop()


async def test_words_for_a_wait_that_is_over_are_left_out() -> None:
    """Words for a wait that is over are omitted, because they would follow the reply."""
    talk = bench(Use("get_weather", {"city": "Paris"}))
    talk.turns.notice(Turn("weather in Paris?"))
    use = await talk.until("toolUse")
    talk.answers.steps = (ToneSentence("One moment."),)
    talk.turns.read("Tell the caller in one short sentence that you are looking it up.")
    talk.turns.take_result(use["toolUseId"], {"temperature": 7})
    await talk.until("textOutput", content="Done.")
    await talk.until("contentEnd", stopReason="END_TURN")
    assert "One moment." not in [body.get("content") for _, body in talk.sent]
    talk.turns.stop()


async def test_another_question_passes_a_tool_over() -> None:
    """Another question that needs a tool replaces the pending tool use."""
    talk = bench(Use("get_weather", {"city": "Paris"}))
    talk.turns.notice(Turn("weather in Paris?"))
    await talk.until("toolUse")
    talk.turns.read("and in Rome?")
    await talk.until("contentEnd", stopReason="INTERRUPTED")
    talk.turns.stop()


async def test_a_fault_replaces_what_was_heard() -> None:
    """A scripted transcript takes the place of the recogniser's, once: so a spoken test can be in any language."""
    faults = FaultPlan()
    faults.add(ModelFault(on="turn", action="hear", text="je voudrais trois baguettes"))
    case = bench(ToneSentence("Yes."), faults=faults)
    case.turns.notice(Turn("something else", confident=False))
    await case.until("usageEvent")
    case.turns.notice(Turn("goodbye"))
    assert case.answers.received == ["je voudrais trois baguettes", "goodbye"]
    assert [words.text for words in case.record.heard] == ["je voudrais trois baguettes", "goodbye"]


async def test_a_fault_at_the_end_of_a_turn_keeps_the_words() -> None:
    """Any other fault at that moment strikes, and the caller is answered as usual until then."""
    faults = FaultPlan()
    faults.add(ModelFault(on="turn", action="rst"))
    case = bench(ToneSentence("Yes."), faults=faults)
    case.turns.notice(Turn("question"))
    await case.until("usageEvent")
    assert case.answers.received == ["question"]
    assert [fault.action for fault in case.struck] == ["rst"]


class Later:
    """A step that is decided after a wait."""

    async def decide(self) -> Sequence[Step]:
        """Return a tool and a sentence."""
        await asyncio.sleep(0)
        return [Use("look", {}), ToneSentence("There.")]


async def test_a_step_can_be_decided_later() -> None:
    """What another server decides takes the place of the step, and the turn ends with its last sentence."""
    case = bench(Later())
    case.turns.read("look it up")
    use = await case.until("toolUse")
    case.turns.take_result(use["toolUseId"], {})
    await case.until("contentEnd", stopReason="END_TURN")
    assert [words for kind, words, _ in case.blocks() if kind == "TEXT"][:2] == ["Done.", "There."]
