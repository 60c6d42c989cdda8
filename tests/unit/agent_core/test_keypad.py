"""Consecutive keys form one input, each key is in exactly one, and key 0 calls a person only when alone."""

import asyncio
import re
from itertools import accumulate
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent_core.conversation.waits import KEY_PAUSE_SECONDS, MAX_KEYS, KeyCollector, Typed
from agent_core.events import EndReason
from agent_core.nova.wire import Role
from tests.support import scripted_model as say
from tests.support.session_stage import Before, Stage, running_session
from tests.support.staff import Staff
from tests.support.waiting import until

if TYPE_CHECKING:
    from agent_core.nova.transcript import History

SOUND = b"\x01\x00" * 80
TYPED = re.compile(r"The caller typed (\S+) on the telephone keypad\.")
SOON, LATE = 0.3, KEY_PAUSE_SECONDS + 0.2


def collected(presses: list[tuple[float, str]]) -> list[Typed]:
    """Press keys, each after a pause; return the resulting inputs."""
    collector, inputs = KeyCollector(), []
    for (_, key), now in zip(presses, accumulate(pause for pause, _ in presses), strict=True):
        inputs += collector.press(key, now)
    return inputs + collector.finish()


@given(st.lists(st.tuples(st.floats(0, 5), st.sampled_from("0123456789*#")), max_size=200))
@example([(0.05, "7")] * 200)
@example([(0.1, "#")] * 5)
def test_each_key_is_in_exactly_one_input(presses: list[tuple[float, str]]) -> None:
    """Keys keep their order, whatever the timing; only a ``#`` that ends an input is left out of it."""
    inputs = collected(presses)
    keys = "".join(key for _, key in presses)
    pattern = "#?".join(re.escape(typed.keys) for typed in inputs)
    assert re.fullmatch(f"{pattern}#?", keys)
    assert all(1 <= len(typed.keys) <= MAX_KEYS for typed in inputs)
    assert sum(len(typed.keys) for typed in inputs) >= len(keys) - keys.count("#")


@pytest.mark.parametrize(
    ("presses", "inputs"),
    [
        ([(0, "9"), (1.9, "4"), (1.9, "1")], ["941"]),
        ([(0, "9"), (2.1, "4")], ["9", "4"]),
        ([(0, key) for key in "94105#7"], ["94105", "7"]),
        ([(0, "#")], ["#"]),
        ([(0, key) for key in "*31#"], ["*31"]),
        ([(0, "1")] * 65, ["1" * 64, "1"]),
    ],
)
def test_where_an_input_ends(presses: list[tuple[float, str]], inputs: list[str]) -> None:
    """An input ends after two seconds, at ``#``, or at its greatest length; ``*`` belongs to it."""
    assert [typed.keys for typed in collected(presses)] == inputs


@pytest.mark.parametrize(
    ("presses", "wants"),
    [
        ([(0, "0")], [True]),
        ([(0, "0"), (0.5, "0"), (0.5, "0")], [True]),
        ([(0, "0"), (0.1, "#")], [True]),
        ([(0, "0"), (1.9, "7")], [False]),
        ([(0, "7"), (1.9, "0")], [False]),
        ([(0, "7"), (0.1, "#"), (1.0, "0")], [False, False]),
        ([(0, "7"), (0.1, "#"), (2.5, "0")], [False, True]),
        ([(0, "7"), (2.5, "0")], [False, True]),
    ],
)
def test_zero_means_a_person_only_when_it_is_alone(presses: list[tuple[float, str]], wants: list[bool]) -> None:
    """Key 0 calls a person if there is no other key within the pause before or after it."""
    assert [typed.wants_person for typed in collected(presses)] == wants


def typed_in(stage: Stage) -> list[str]:
    """Return every input that a model session received, in order."""
    texts = [text for stream in stage.model.streams for text in stream.texts("USER")]
    return [keys for text in texts for keys in TYPED.findall(text)]


async def _type(stage: Stage, keys: str, pause: float = SOON) -> None:
    for key in keys:
        stage.session.press(key)
        await asyncio.sleep(pause)


async def _say(stage: Stage, words: str, stream: int = 0) -> None:
    """Let the agent say something that is heard to its end."""
    turns = stage.session.stats.agent_turns
    (await stage.model.stream(stream)).say(*say.answer(words, SOUND))
    await until(lambda: stage.session.stats.agent_turns == turns + 1)
    stage.session.answer_heard()


async def test_a_postcode_is_one_input() -> None:
    """Case 3: five digits are one text, and the 0 in the middle calls no person."""
    staff = Staff()
    async with running_session(people=staff) as (stage, _):
        await _say(stage, say.GREETING)
        await _type(stage, "94105#", 0.1)
        await until(lambda: typed_in(stage) == ["94105"], KEY_PAUSE_SECONDS - 0.5)
        await _say(stage, "You typed a postcode.")
        await asyncio.sleep(5)
        assert typed_in(stage) == ["94105"]
        stage.session.end(EndReason.CALLER_HUNG_UP)
    assert staff.brought == []


async def test_zero_alone_calls_a_person_after_the_pause_and_not_before() -> None:
    """A telephone number begins with 0 too, so the person is called only after the pause."""
    staff = Staff()
    async with running_session(people=staff) as (stage, running):
        await _say(stage, "Hello.")
        stage.session.press("0")
        await asyncio.sleep(KEY_PAUSE_SECONDS - 0.1)
        assert not any("about to be connected" in text for text in stage.model.streams[0].texts("USER"))
        await asyncio.sleep(0.2)
        await until(lambda: any("about to be connected" in text for text in stage.model.streams[0].texts("USER")))
        await _say(stage, "I am connecting you.")
        assert (await running).reason is EndReason.TRANSFERRED
    assert staff.brought == ["reception"]
    assert typed_in(stage) == []


async def test_zero_without_a_person_is_a_key_like_any_other() -> None:
    """Without a configured person, the model receives the 0 as input."""
    async with running_session() as (stage, _):
        await _type(stage, "0", LATE)
        assert typed_in(stage) == ["0"]
        stage.session.end(EndReason.CALLER_HUNG_UP)


async def test_the_first_key_cuts_the_agent_off() -> None:
    """The agent stops at once, and the rest of its answer is dropped; the answer to the keys is heard."""
    async with running_session() as (stage, _):
        stream = await stage.model.stream()
        stream.say(*say.text_block("ASSISTANT", "A long story.", speculative=True), say.audio_start(), say.audio(SOUND))
        await until(lambda: stage.voice.events == ["play"])
        stage.session.press("5")
        assert stage.voice.events == ["play", "interrupt"]
        stream.say(say.audio(SOUND), say.audio(SOUND), say.audio_block(SOUND)[-1])
        await until(lambda: stage.voice.events == ["play", "interrupt", "finish_answer"])
        await asyncio.sleep(LATE)
        assert typed_in(stage) == ["5"]
        stream.say(*say.answer("You typed 5.", SOUND))
        await until(lambda: stage.voice.events[3:] == ["play", "finish_answer"])
        stage.session.end(EndReason.CALLER_HUNG_UP)


async def test_keys_before_the_greeting_are_not_lost() -> None:
    """A caller who knows the menu types at once; the model gets the keys after the order to greet."""
    async with running_session() as (stage, _):
        stage.session.press("4")
        stage.session.press("2")
        await asyncio.sleep(LATE)
        assert typed_in(stage) == ["42"]
        stage.session.end(EndReason.CALLER_HUNG_UP)


async def test_keys_together_with_speech() -> None:
    """Speech reaches the model separately, and the keys are still one input."""
    async with running_session() as (stage, _):
        stream = await stage.model.stream()
        await _say(stage, "Hello.")
        await _type(stage, "94")
        stream.say(*say.heard("my postcode is"))
        await _type(stage, "105")
        await asyncio.sleep(LATE)
        assert typed_in(stage) == ["94105"]
        stage.session.end(EndReason.CALLER_HUNG_UP)


@pytest.mark.parametrize("begins", [1.0, 2.0, 2.7, 2.9, 3.1, 3.5])
async def test_keys_during_a_renewal(begins: float) -> None:
    """If one stream replaces another while the caller types, the model gets one input, once."""
    async with running_session(nova_sonic_renew_seconds=3) as (stage, _):
        await _say(stage, "Hello.")
        await asyncio.sleep(begins)
        await _type(stage, "123456")
        await asyncio.sleep(LATE)
        await until(lambda: bool(typed_in(stage)), 10)
        for stream in stage.model.streams:
            assert [keys for text in stream.texts("USER") for keys in TYPED.findall(text)] in ([], ["123456"])
        stage.session.end(EndReason.CALLER_HUNG_UP)


async def test_keys_are_part_of_the_conversation() -> None:
    """A renewed stream or another task that resumes the conversation knows what was typed."""
    kept: list[History] = []
    async with running_session(Before(on_words=kept.append)) as (stage, _):
        await _say(stage, "Hello.")
        await _type(stage, "94105#")
        await until(lambda: bool(kept))
        assert (Role.USER, "The caller typed 94105 on the telephone keypad.") in kept[-1]
        stage.session.end(EndReason.CALLER_HUNG_UP)


@pytest.mark.parametrize("reason", [EndReason.DRAINED, EndReason.MEDIA_DISCONNECTED])
async def test_a_conversation_that_ends_while_keys_are_typed_keeps_them(reason: EndReason) -> None:
    """The keys are in the call memory, once, so that another task continues with them."""
    kept: list[History] = []
    async with running_session(Before(on_words=kept.append)) as (stage, running):
        await _say(stage, "Hello.")
        await _type(stage, "941")
        stage.session.end(reason)
        assert (await running).reason is reason
        await asyncio.sleep(LATE)
        stage.session.press("7")
        await asyncio.sleep(LATE)
    said = " ".join(words for _, words in kept[-1])
    assert TYPED.findall(said) == ["941"]
    assert typed_in(stage) == []


async def test_zero_is_not_lost_to_a_goodbye_that_ends_first() -> None:
    """The end of the conversation cuts the pause short: the caller is transferred, not disconnected."""
    staff = Staff()
    async with running_session(people=staff) as (stage, running):
        await _say(stage, "Hello.")
        stage.session.say_goodbye(EndReason.IDLE_TIMEOUT)
        await asyncio.sleep(1)
        stage.session.press("0")
        await _say(stage, "Goodbye.")
        await asyncio.sleep(1)
        await _say(stage, "I am connecting you.")
        assert (await running).reason is EndReason.TRANSFERRED
    assert staff.brought == ["reception"]


async def test_a_key_does_not_cut_the_goodbye_off() -> None:
    """A key does not interrupt the goodbye: an unheard goodbye would hold the call for ten seconds."""
    async with running_session() as (stage, running):
        await _say(stage, "Hello.")
        stage.session.say_goodbye(EndReason.MAX_DURATION)
        (await stage.model.stream()).say(*say.answer("Goodbye.", SOUND))
        await until(lambda: stage.session.stats.agent_turns == 2)
        stage.session.press("5")
        assert "interrupt" not in stage.voice.events
        stage.session.answer_heard()
        assert (await running).reason is EndReason.MAX_DURATION
    assert typed_in(stage) == ["5"]


@pytest.mark.parametrize("broken", [False, True])
async def test_keys_while_a_person_is_called(broken: bool) -> None:  # noqa: FBT001 - one of two cases
    """Keys do not interrupt the announcement, and reach the model if the caller stays with the agent."""
    staff = Staff(broken=broken)
    async with running_session(people=staff) as (stage, running):
        await _say(stage, "Hello.")
        await _type(stage, "0", LATE)
        cuts = stage.voice.events.count("interrupt")
        await _type(stage, "00#94105#", 0.1)
        assert stage.voice.events.count("interrupt") == cuts
        await _say(stage, "I am connecting you.")
        await asyncio.sleep(4)
        if broken:
            await until(lambda: any("did not work" in text for text in stage.model.streams[0].texts("USER")))
            assert typed_in(stage) == ["94105"]
            stage.session.end(EndReason.CALLER_HUNG_UP)
        assert (await running).reason is (EndReason.CALLER_HUNG_UP if broken else EndReason.TRANSFERRED)
    assert staff.brought == ["reception"]
