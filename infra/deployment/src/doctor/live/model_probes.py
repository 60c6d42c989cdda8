"""Probes P1 to P6: what the model accepts, its latency, and when it ends a stream.

`assumed` in a verdict follows the strictest reading of the documentation, which the product is built for.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from agent_core import generations
from agent_core.causes import classify
from agent_core.errors import ModelError
from agent_core.nova import wire
from agent_core.nova.stream import ModelClient
from agent_core.nova.wire import Role, WireToolSpec
from doctor.live.model_exchange import RATE, ModelExchange, exchange
from doctor.live.probe_result import ProbeResult
from doctor.live.recording import EventRecording

_WORD: Final = "word "
_SILENCE: Final = bytes(640)
_USUAL_SETTLE: Final = 0.1
_AT_ONCE: Final = 20
_QUIET_SECONDS: Final = 1.0
_ANSWER_SECONDS: Final = 12.0
_HEADERS_AT_MOST, _AUDIO_AT_MOST, _GAP_AT_MOST = 1.0, 4.0, 0.45
"""Seconds that the product tolerates: it checks for headers after 2 and waits 4 for the first audio; a phone call's
buffer covers gaps of 0.4."""

type Messages = Sequence[tuple[Role, Sequence[str]]]


@dataclass
class ModelProbes:
    """The model under test, and the extent of the probes.

    Args:
        client: Opens streams.
        model_id: Bedrock ID.
        recording: Receives every event.
        patience: Seconds to wait for a rejection.
        settle: Seconds between a history and the first audio.
        speed: Seconds of the model's idle limit per real second; above 1 only with an accelerated stand-in.
        tool_words: Text that makes the model use the tool `look_up`.
        at_once: Number of streams for the probe that opens many.
        times: Number of repetitions for replies and tool calls.
        usage: Tokens that the model reported, by probe ("P1").
    """

    client: ModelClient
    model_id: str
    recording: EventRecording
    patience: float = 2.0
    settle: float = _USUAL_SETTLE
    speed: float = 1.0
    tool_words: str = "Please use look_up now."
    at_once: int = _AT_ONCE
    times: int = 5
    usage: dict[str, list[wire.Usage]] = field(default_factory=dict)

    async def open(self, name: str, use: Callable[[ModelExchange], Awaitable[Any]]) -> ModelExchange:
        """Open a stream, use it, and return it with its events.

        Raises:
            ModelError: The stream could not be opened.
        """
        async with exchange(self.client, self.model_id, name, self.recording) as one:
            await use(one)
            # Decide before goodbye, after which the model ends the stream as asked.
            one.refused = one.over_at is not None
            if not one.refused:
                await one.goodbye()
        # "P4b tool call 3" belongs to P4.
        probe = name.partition(" ")[0].rstrip("abc")
        self.usage.setdefault(probe, []).extend(event for _, event in one.events if isinstance(event, wire.Usage))
        return one

    async def history(self, name: str, messages: Messages, settle: float | None = None) -> str:
        """Send a history, then audio; return why the model rejected it, empty if it did not."""
        pause = self.settle if settle is None else settle

        async def use(one: ModelExchange) -> None:
            await one.introduce()
            await one.remember(messages)
            # Without a pause, audio may arrive before the model has processed the history.
            if pause:
                await one.stream.ready()
                await asyncio.sleep(pause)
            await one.listen()
            # The model reports a rejected history only when audio arrives.
            await one.play(_SILENCE)
            await one.lives(self.patience)

        return _refusal(await self.open(name, use))


def alternating(count: int, size: int = 20) -> Messages:
    """Return alternating messages of a given size in bytes, starting with the user."""
    # Exact sizes in bytes, because limits are in bytes.
    words = (_WORD * (size // len(_WORD) + 1))[:size].strip().ljust(size, ".")
    return [(Role.ASSISTANT if index % 2 else Role.USER, [words]) for index in range(count)]


def _refusal(one: ModelExchange) -> str:
    """Return why the model ended a stream before the probe did; empty if it did not."""
    if one.over_at is None or one.refused is False:
        return ""
    if one.error is None:
        return "the stream was closed without an error"
    return one.error.reason.removeprefix("nova_sonic: ")


def _judged(name: str, refusal: str, *, taken: bool) -> ProbeResult:
    """Compare whether the model accepted something with the assumption."""
    found = "accepted" if not refusal else f"rejected ({refusal[:110]})"
    return ProbeResult(name, (not refusal) is taken, found)


async def histories(model: ModelProbes) -> list[ProbeResult]:
    """P1: probe how much history the model accepts, in which form, and how soon audio may follow."""
    two_users = [(Role.USER, ["first"]), (Role.USER, ["second"])]
    split = [(Role.USER, ["x" * 900, "x" * 900])]
    cases: list[tuple[str, Messages, bool]] = [
        ("P1 40 messages", alternating(40), True),
        ("P1 41 messages", alternating(41), False),
        ("P1 100 messages", alternating(100), False),
        ("P1 two user messages in a row", two_users, False),
        ("P1 a text of 900 bytes", alternating(1, 900), True),
        ("P1 a text of 1100 bytes", alternating(1, 1100), False),
        ("P1 one message in two texts, 1800 bytes", split, False),
        ("P1 8 KB in total", alternating(10, 800), True),
        ("P1 30 KB in total", alternating(38, 800), False),
    ]
    found = [_judged(name, await model.history(name, messages), taken=taken) for name, messages, taken in cases]
    names = [f"P1 audio at once {index}" for index in range(model.at_once)]
    # At the same time: the race is more likely under load.
    refusals = await asyncio.gather(*(model.history(name, alternating(2), settle=0) for name in names))
    refused = sum(bool(one) for one in refusals)
    text = f"{refused} of {len(refusals)} rejected"
    return [*found, ProbeResult("P1 audio right after the history", refused > 0, text)]


async def answers(model: ModelProbes) -> list[ProbeResult]:
    """P2 and P6: measure the delay of headers and first audio, and the gaps in the audio."""
    headers: list[float] = []
    sounds: list[float] = []
    gaps: list[float] = []
    sizes: list[int] = []

    async def use(one: ModelExchange) -> None:
        began = time.monotonic()
        await one.introduce()
        await one.stream.ready()
        headers.append(time.monotonic() - began)
        await one.listen()
        # The model answers typed text only while audio input is open.
        await one.play(_SILENCE)
        asked = time.monotonic()
        await one.ask("Say one short sentence about bread.")
        if not await one.until(wire.AgentAudio, _ANSWER_SECONDS):
            return
        await _finished(one)
        pieces = [(at, event) for at, event in one.events if isinstance(event, wire.AgentAudio)]
        sounds.append(pieces[0][0] - asked)
        sizes.extend(len(event.pcm) for _, event in pieces)
        gaps.extend(_gaps(one))

    for index in range(model.times):
        await model.open(f"P2 answer {index}", use)
    first = ProbeResult(
        "P2 headers", max(headers) <= _HEADERS_AT_MOST, f"{_spread(headers)} (at most {_HEADERS_AT_MOST} s)"
    )
    if not sounds:
        return [first, ProbeResult("P2 first audio", assumed=False, found=f"none within {_ANSWER_SECONDS:.0f} s")]
    chunk = statistics.median(sizes) / 2 / RATE * 1000
    longest = max(gaps, default=0.0)
    return [
        first,
        ProbeResult("P2 first audio", max(sounds) <= _AUDIO_AT_MOST, f"{_spread(sounds)} (at most {_AUDIO_AT_MOST} s)"),
        ProbeResult(
            "P6 cadence",
            longest <= _GAP_AT_MOST,
            f"chunks of {chunk:.0f} ms, longest gap {longest:.2f} s (at most {_GAP_AT_MOST} s)",
        ),
    ]


async def _finished(one: ModelExchange) -> None:
    """Wait until the audio has ended."""
    # At most 100 quiet checks, in case the model never stops.
    for _ in range(100):
        heard = len(one.events)
        if not await one.lives(_QUIET_SECONDS) or len(one.events) == heard:
            return


def _gaps(one: ModelExchange) -> list[float]:
    """Return the gaps between audio chunks of the same content block."""
    gaps: list[float] = []
    before: float | None = None
    for at, event in one.events:
        if isinstance(event, wire.AgentAudio):
            # A gap between two content blocks is a pause in speech, not a stall.
            if before is not None:
                gaps.append(at - before)
            before = at
        elif isinstance(event, wire.ContentEnded):
            before = None
    return gaps


def _spread(seconds: Sequence[float]) -> str:
    return f"median {statistics.median(seconds):.2f} s, maximum {max(seconds):.2f} s, of {len(seconds)}"


async def eight_kilohertz(model: ModelProbes, sentence: bytes) -> list[ProbeResult]:
    """P3: test whether the model hears 8 kHz audio, and replies at 8 kHz."""

    async def use(one: ModelExchange) -> None:
        await one.introduce()
        await one.listen()
        # Two seconds of silence let the model notice the end of the sentence.
        await one.play(sentence + bytes(RATE * 2 * 2))
        await one.until(wire.AgentAudio, _ANSWER_SECONDS)

    one = await model.open("P3 a spoken sentence", use)
    heard = any(isinstance(event, wire.Text) for _, event in one.events)
    answered = any(isinstance(event, wire.AgentAudio) for _, event in one.events)
    refusal = _refusal(one) if one.error else ""
    words = refusal or f"{'heard' if heard else 'not heard'}, {'answered' if answered else 'not answered'}"
    return [ProbeResult("P3 8 kHz in and out", heard and answered and not refusal, words)]


async def schemas(model: ModelProbes) -> list[ProbeResult]:
    """P4: test which keywords a tool schema may contain; P4b: how often arguments are JSON-encoded twice."""
    hour = {"type": "integer", "description": "Hour of the day."}
    cases = [
        ("P4 minimum and maximum", {**hour, "minimum": 0, "maximum": 23}),
        ("P4 default", {**hour, "default": 12}),
    ]
    found = []
    for name, keyword in cases:
        tool = WireToolSpec("look_up", "Look something up.", {"type": "object", "properties": {"hour": keyword}})

        # The default binds this iteration's tool; a closure would see the last one.
        async def use(one: ModelExchange, tool: WireToolSpec = tool) -> None:
            await one.introduce([tool])
            await one.listen()
            await one.play(_SILENCE)
            await one.lives(model.patience)

        found.append(_judged(name, _refusal(await model.open(name, use)), taken=False))
    return [*found, *await _tool_calls(model)]


async def _tool_calls(model: ModelProbes) -> list[ProbeResult]:
    tool = WireToolSpec("look_up", "Look something up.", {"type": "object", "properties": {}})
    refusals: list[str] = []

    async def use(one: ModelExchange) -> None:
        await one.introduce([tool])
        await one.listen()
        await one.play(_SILENCE)
        await one.ask(model.tool_words)
        if await one.until(wire.ToolUse, _ANSWER_SECONDS):
            use_of_tool = next(event for _, event in one.events if isinstance(event, wire.ToolUse))
            await one.play(bytes(int(RATE * 0.4) * 2))  # the caller's audio continues while the tool runs
            await one.lives(model.patience / 4)
            refusals.append(_refusal(one))
            await one.answer_tool(use_of_tool)

    # Count streams in which the model really called the tool.
    before = len(refusals)
    twice = 0
    for index in range(model.times):
        one = await model.open(f"P4b tool call {index}", use)
        twice += encoded_twice(one)
    asked = len(refusals) - before
    if not asked:
        return [ProbeResult("P4b tool calls", assumed=False, found=f"none in {model.times} requests")]
    refused = [one for one in refusals if one]
    sound = f"{len(refused)} of {asked} streams ended{f' ({refused[0][:90]})' if refused else ''}"
    return [
        ProbeResult("P4b tool arguments", twice == 0, f"{twice} of {asked} encoded twice"),
        ProbeResult("P4c audio while a tool runs", not refused, sound),
    ]


def encoded_twice(one: ModelExchange) -> bool:
    """Return whether tool arguments were a JSON string within JSON; the product unpacks them either way."""
    return any(raw.lstrip().startswith('"') for raw in one.tool_contents)


async def idleness(model: ModelProbes) -> list[ProbeResult]:
    """P5: measure when the model ends a stream without audio, and test whether silence keeps it open."""
    limits = {one.model_id: one.idle_seconds for one in generations.GENERATIONS}
    limit = limits.get(model.model_id, generations.GENERATIONS[0].idle_seconds)
    longest = limit * 1.25 / model.speed
    ended: dict[str, tuple[float | None, str]] = {}

    async def nothing(one: ModelExchange) -> None:
        await one.introduce()
        await one.listen()
        # One chunk starts the idle timer; then nothing follows.
        await one.play(_SILENCE)
        began = time.monotonic()
        await one.lives(longest)
        ended["nothing"] = (None if one.over_at is None else (one.over_at - began) * model.speed, _refusal(one))

    async def silence(one: ModelExchange) -> None:
        await one.introduce()
        await one.listen()
        await one.play(bytes(int(RATE * longest) * 2))
        ended["silence"] = (None if one.over_at is None else 0.0, _refusal(one))

    # Concurrent, because each waits for longer than the idle limit.
    await asyncio.gather(model.open("P5 nothing", nothing), model.open("P5 silence", silence))
    after, words = ended["nothing"]
    kept, why = ended["silence"]
    text = f"kept for {limit * 1.25:.0f} s" if after is None else f"ended after {after:.0f} s ({words[:80]})"
    # The text of the error tells an idle timeout from another failure.
    good = after is not None and limit * 0.8 <= after <= limit * 1.2 and "audio bytes" in words
    return [
        ProbeResult(f"P5 no audio for {limit:.0f} s", good, text),
        ProbeResult(
            "P5 silence as audio", kept is None, "keeps the stream open" if kept is None else f"does not: {why[:90]}"
        ),
    ]


async def safely(name: str, probe: Awaitable[list[ProbeResult]], seconds: float) -> list[ProbeResult]:
    """Run a probe; report a failure to run it as a row too."""
    try:
        async with asyncio.timeout(seconds):
            return await probe
    except TimeoutError:
        return [ProbeResult(name, None, f"not finished after {seconds:.0f} s")]
    except ModelError as error:
        cause = classify(error)
        return [ProbeResult(name, None, f"{cause.why}; {cause.remedy}")]
